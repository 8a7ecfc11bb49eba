//! Reading a file of unknown origin: encoding, delimiter, columns, addresses. No I/O: bytes go in, rows come out.

mod encoding;
mod records;
mod sample;

pub(super) use sample::{SAMPLE, plan};

use encoding::Decoder;
use records::{Record, Records};

use crate::{
    service::downloads::OF_ENDED_BLOCKS,
    store::uploads::contents::{InvalidRow, ValidRow},
};
use shared::{
    Address,
    csv::unguard,
    upload::{Failure, FailureCode, InvalidCause, Reading},
};

/// The longest value of an invalid row that is kept, in characters.
const MAX_VALUE: usize = 500;

/// A failure without a line.
fn failure(code: FailureCode, detail: impl Into<String>) -> Failure {
    Failure { code, line: None, detail: detail.into() }
}

/// A row of a file.
#[derive(Debug)]
pub(super) enum Row {
    /// Has an address.
    Valid(ValidRow),
    /// Has none.
    Invalid(InvalidRow),
    /// Of a downloaded list: a block that has ended and that mail servers still hold.
    Ended,
}

/// Reads the rows of a file whose bytes come in parts.
pub(super) struct Rows {
    decoder: Decoder,
    records: Records,
    text: Vec<u8>,
    judge: Judge,
}

impl Rows {
    /// For a file from its first byte on.
    pub(super) fn new(reading: Reading) -> Self {
        Self {
            decoder: Decoder::new(reading.encoding),
            records: Records::new(reading.delimiter),
            text: Vec::new(),
            judge: Judge { column: reading.column_number, at_header: reading.header, ended_columns: None },
        }
    }

    /// Gives every row that ends in the next bytes to `found`; false from there ends the reading.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn read(&mut self, bytes: &[u8], mut found: impl FnMut(Row) -> bool) -> Result<(), Failure> {
        self.text.clear();
        self.decoder.decode(bytes, false, &mut self.text);
        self.records.read(&self.text, |record| self.judge.row(record).is_none_or(&mut found))
    }

    /// Says that the file has ended.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn end(&mut self, mut found: impl FnMut(Row) -> bool) -> Result<(), Failure> {
        self.text.clear();
        self.decoder.decode(&[], true, &mut self.text);
        let mut take = |record: &Record<'_>| self.judge.row(record).is_none_or(&mut found);
        self.records.read(&self.text, &mut take)?;
        self.records.end(take)
    }
}

/// Says what the records of a file are.
struct Judge {
    /// The column with the addresses, from 1.
    column: Option<u32>,
    /// Whether the next record has the names of the columns.
    at_header: bool,
    /// The columns that a downloaded list has filled where a block has ended.
    ended_columns: Option<[usize; 2]>,
}

impl Judge {
    /// `None`: the record is no row.
    fn row(&mut self, record: &Record<'_>) -> Option<Row> {
        if std::mem::take(&mut self.at_header) {
            self.ended_columns = ended_columns(record);
            return None;
        }
        let is_filled = |column: &usize| record.field(*column).is_some_and(|value| !value.trim().is_empty());
        let has_ended = || self.ended_columns.is_some_and(|columns| columns.iter().any(is_filled));
        Some(if !record.is_unclosed && has_ended() {
            Row::Ended
        } else {
            address(record, self.column).map_or_else(Row::Invalid, Row::Valid)
        })
    }
}

/// Reads the address of one row; `column` counts from 1.
fn address(record: &Record<'_>, column: Option<u32>) -> Result<ValidRow, InvalidRow> {
    let field = column.and_then(|column| record.field(column as usize - 1)).unwrap_or_default();
    // A list that was downloaded is read as it was before.
    let value = unguard(field.trim());
    let cause = if record.is_unclosed {
        InvalidCause::UnclosedQuote
    } else if value.is_empty() {
        InvalidCause::Empty
    } else if value.contains(char::REPLACEMENT_CHARACTER) {
        InvalidCause::Undecodable
    } else {
        match Address::parse(value) {
            Ok(address) => {
                let (address, key) = address.into_parts();
                return Ok(ValidRow { key, address });
            }
            Err(error) => error.into(),
        }
    };
    Err(InvalidRow { line: record.line, value: printable(value, MAX_VALUE), cause })
}

/// Which columns of a downloaded blocked list, by the names in its header, say that a block has ended; none in another
/// file. Mail servers still hold such an address, but whoever uploads the list unchanged does not mean to block it again.
fn ended_columns(header: &Record<'_>) -> Option<[usize; 2]> {
    let column = |(english, japanese): (&str, &str)| {
        header.fields().position(|name| name.trim() == english || name.trim() == japanese)
    };
    let [cause, at] = OF_ENDED_BLOCKS.map(column);
    Some([cause?, at?])
}

/// The beginning of a value, as it can be stored and shown: control characters are replaced (PostgreSQL refuses NUL).
fn printable(value: &str, length: usize) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    value.chars().take(length).map(shown).collect()
}
