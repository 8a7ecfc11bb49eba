//! Reading a file of unknown origin: encoding, delimiter, columns, addresses. No I/O: bytes go in, rows come out.

mod encoding;
mod records;
mod sample;

pub(super) use encoding::Decoder;
pub(super) use records::{Record, Records};
pub(super) use sample::{SAMPLE, plan};

use crate::{
    service::downloads::OF_ENDED_BLOCKS,
    store::uploads::contents::{InvalidRow, ValidRow},
};
use shared::{
    Address,
    csv::unguard,
    upload::{Failure, FailureCode, InvalidCause},
};

/// The longest value of an invalid row that is kept, in characters.
const MAX_VALUE: usize = 500;

/// A failure without a line.
fn failure(code: FailureCode, detail: impl Into<String>) -> Failure {
    Failure { code, line: None, detail: detail.into() }
}

/// Reads the address of one row; `column` counts from 1.
pub(super) fn judge(record: &Record<'_>, column: Option<u32>) -> Result<ValidRow, InvalidRow> {
    let field = column.and_then(|column| record.field(column as usize - 1)).unwrap_or_default();
    // A list that was downloaded is read as it was before.
    let value = unguard(field.trim());
    let cause = if value.is_empty() {
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
pub(super) fn ended_columns(header: &Record<'_>) -> Option<[usize; 2]> {
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
