//! The rows of an upload that have no valid address, as CSV.

use super::file::{Row, Rows};
use crate::{
    service::{
        Error, Result,
        downloads::{BYTE_ORDER_MARK, CSV, Download, Wish},
    },
    state::AppState,
    store::{
        Db,
        uploads::{
            contents::{self, InvalidRow},
            pieces,
        },
    },
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use shared::{
    csv::{Language, guard},
    upload::{Failure, InvalidCause, Upload},
};

/// Rows that are read from the database at a time.
const PART: usize = 2_000;

/// All of them, as long as the upload's bytes are there; else those that the analysis kept, and a last row that says how
/// many are missing.
pub fn invalid_rows(state: &AppState, upload: Upload, wish: &Wish) -> Download {
    let name = match wish.language {
        Language::En => "invalid-rows.csv",
        Language::Ja => "無効な行.csv",
    };
    let body = body(state.db.clone(), upload, wish.language, wish.byte_order_mark).boxed();
    Download { file_name: name.to_owned(), media_type: CSV, body }
}

fn body(db: Db, upload: Upload, language: Language, byte_order_mark: bool) -> impl Stream<Item = Result<Bytes>> {
    async_stream::try_stream! {
        yield header(language, byte_order_mark).into();
        let analysis = upload.analysis.as_ref();
        let found = analysis.and_then(|analysis| Some((analysis.reading, analysis.counts?)));
        let Some((reading, counts)) = found else { return };
        let (mut last, mut left) = (0, counts.invalid);
        loop {
            let kept = contents::invalid_rows(db.connection(), upload.id, last, PART).await?;
            let Some(row) = kept.last() else { break };
            last = row.line;
            left -= kept.len() as i64;
            yield written(&kept, language).into();
        }
        let (mut rows, mut start) = (Rows::new(reading), 0);
        while left > 0 && start < upload.size {
            let Some(piece) = pieces::read(db.connection(), upload.id, start).await? else { break };
            start += piece.len() as i64;
            let whole = start == upload.size;
            let read = tokio::task::spawn_blocking(move || read(rows, &piece, whole, last));
            let read = read.await.map_err(|error| Error::Internal(error.into()))?;
            let (again, invalid) = read.map_err(|failure| Error::Internal(anyhow::anyhow!(failure.detail)))?;
            rows = again;
            left -= invalid.len() as i64;
            if !invalid.is_empty() {
                yield written(&invalid, language).into();
            }
        }
        if left > 0 {
            yield missing(left, language).into();
        }
    }
}

/// Reads the next bytes of a file, all others if `whole`: its invalid rows after the line `after`.
fn read(
    mut rows: Rows,
    bytes: &[u8],
    whole: bool,
    after: i64,
) -> std::result::Result<(Rows, Vec<InvalidRow>), Failure> {
    let mut invalid = Vec::new();
    let mut take = |row: Row| {
        if let Row::Invalid(row) = row
            && row.line > after
        {
            invalid.push(row);
        }
        true
    };
    rows.read(bytes, &mut take)?;
    if whole {
        rows.end(&mut take)?;
    }
    Ok((rows, invalid))
}

fn header(language: Language, byte_order_mark: bool) -> String {
    let columns = match language {
        Language::En => "line,value,cause",
        Language::Ja => "行,値,原因",
    };
    let mark = if byte_order_mark { String::from(BYTE_ORDER_MARK) } else { String::new() };
    format!("{mark}{columns}\r\n")
}

fn written(rows: &[InvalidRow], language: Language) -> String {
    let line = |row: &InvalidRow| {
        let cause = match language {
            Language::En => row.cause.as_str(),
            Language::Ja => japanese(row.cause),
        };
        format!("{},\"{}\",{cause}\r\n", row.line, guard(&row.value).replace('"', "\"\""))
    };
    rows.iter().map(line).collect()
}

fn missing(count: i64, language: Language) -> String {
    match language {
        Language::En => {
            format!(",\"{count} more rows have no valid address: their file went when it was registered\",\r\n")
        }
        Language::Ja => {
            format!(
                ",\"ほかに {count} 行に有効なアドレスがありません（登録後はファイルが残らないため、表示できません）\",\r\n"
            )
        }
    }
}

const fn japanese(cause: InvalidCause) -> &'static str {
    match cause {
        InvalidCause::Empty => "空欄",
        InvalidCause::Undecodable => "文字化け",
        InvalidCause::NoAt => "@ がない",
        InvalidCause::EmptyLocalPart => "@ の前が空",
        InvalidCause::EmptyDomain => "@ の後が空",
        InvalidCause::ControlCharacter => "制御文字",
        InvalidCause::TooLong => "長すぎる",
        InvalidCause::UnclosedQuote => "引用符が閉じていない",
    }
}
