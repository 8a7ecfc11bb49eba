//! How a file is to be read, found out from its beginning.

use super::{Decoder, Records, encoding, failure, printable};
use shared::{
    Address,
    upload::{Column, Delimiter, Encoding, Failure, FailureCode, Reading, ReadingRequest},
};

/// How many bytes of a file are looked at: more than the longest record, in any encoding.
pub const SAMPLE: usize = 4 * 1024 * 1024;

/// Rows that are looked at.
const ROWS: usize = 1_000;
/// Rows that are shown.
const PREVIEW: usize = 20;
/// Columns that are shown.
const COLUMNS: usize = 100;
/// Characters of a name or value that are shown.
const SHOWN: usize = 200;
/// In a text fewer characters than one in so many are control characters or cannot be decoded.
const NOT_TEXT: usize = 10;

/// Names that a column of mail addresses has, without spaces and hyphens.
const NAMES: [&str; 14] = [
    "mailaddress",
    "emailaddress",
    "email",
    "mail",
    "address",
    "メールアドレス",
    "電子メールアドレス",
    "eメールアドレス",
    "emailアドレス",
    "mailアドレス",
    "電子メール",
    "eメール",
    "メール",
    "アドレス",
];

/// What the beginning of a file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// How to read it.
    pub reading: Reading,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its first rows.
    pub preview: Vec<Vec<String>>,
    /// Why it cannot be read so.
    pub failure: Option<Failure>,
}

/// Finds out how to read a file that begins with `bytes` (at least [`SAMPLE`] of them, or `whole`), where `wanted` does
/// not say it.
pub fn plan(bytes: &[u8], whole: bool, wanted: &ReadingRequest) -> Plan {
    let encoding = wanted.encoding.unwrap_or_else(|| encoding::detect(bytes, whole));
    let mut text = Vec::new();
    Decoder::new(encoding).decode(bytes, whole, &mut text);
    let failure = not_text(bytes, &text);
    if failure.is_some() {
        let reading = Reading {
            encoding,
            delimiter: Delimiter::Comma,
            header: wanted.header.unwrap_or(false),
            column_number: None,
        };
        return Plan { reading, columns: Vec::new(), preview: Vec::new(), failure };
    }
    let others = match wanted.delimiter {
        Some(_) => &[][..],
        None => &[Delimiter::Semicolon, Delimiter::Tab],
    };
    let first = Table::read(&text, whole, wanted.delimiter.unwrap_or(Delimiter::Comma));
    // The first of equals: comma before semicolon before tab.
    let best = others.iter().fold(first, |best, other| {
        let other = Table::read(&text, whole, *other);
        if other.score() > best.score() { other } else { best }
    });
    best.plan(encoding, whole, wanted)
}

fn not_text(bytes: &[u8], text: &[u8]) -> Option<Failure> {
    if bytes.starts_with(b"PK\x03\x04") {
        let detail = "this is a workbook or an archive, not a text: save it as CSV, or unpack it, and upload that";
        return Some(failure(FailureCode::NotText, detail));
    }
    let text = String::from_utf8_lossy(text);
    let strange = |c: &char| (c.is_control() && !c.is_whitespace()) || *c == char::REPLACEMENT_CHARACTER;
    let (all, strange) = (text.chars().count(), text.chars().filter(strange).count());
    (strange > 0 && strange * NOT_TEXT >= all)
        .then(|| failure(FailureCode::NotText, "this is not a text, or one in another encoding: upload a CSV file"))
}

/// The first rows of a text, read with one delimiter.
struct Table {
    delimiter: Delimiter,
    rows: Vec<Vec<String>>,
    failure: Option<Failure>,
}

impl Table {
    fn read(text: &[u8], whole: bool, delimiter: Delimiter) -> Self {
        let (mut records, mut rows) = (Records::new(delimiter), Vec::new());
        // One row more: the first may be the header.
        let mut found = |record: &super::Record<'_>| {
            rows.push(record.fields().map(std::borrow::Cow::into_owned).collect::<Vec<_>>());
            rows.len() <= ROWS
        };
        let mut read = records.read(text, &mut found);
        if read.is_ok() && whole {
            read = records.end(&mut found);
        }
        rows.truncate(ROWS + 1);
        Self { delimiter, rows, failure: read.err() }
    }

    /// How well the delimiter fits: a column of addresses counts most, then rows of the same number of fields. Tenths,
    /// so that chance decides nothing.
    fn score(&self) -> (usize, usize) {
        let width = self.rows.first().map_or(0, Vec::len);
        let even = self.rows.iter().filter(|row| row.len() == width && width > 1).count();
        let addresses = (0..width).map(|column| self.addresses(column, &self.rows)).max().unwrap_or(0);
        let rows = self.rows.len().max(1);
        (addresses * 10 / rows, even * 10 / rows)
    }

    fn addresses(&self, column: usize, rows: &[Vec<String>]) -> usize {
        rows.iter().filter(|row| row.get(column).is_some_and(|value| looks_like_an_address(value))).count()
    }

    fn plan(self, encoding: Encoding, whole: bool, wanted: &ReadingRequest) -> Plan {
        let first = self.rows.first();
        let header = wanted.header.unwrap_or_else(|| {
            wanted.column.is_some() || first.is_some_and(|row| !row.iter().any(|value| looks_like_an_address(value)))
        });
        let names: Option<&[String]> = first.filter(|_| header).map(Vec::as_slice);
        let body = self.rows.get(usize::from(header)..).unwrap_or_default();
        let body = &body[..body.len().min(ROWS)];
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let columns: Vec<Column> = (0..width.min(COLUMNS))
            .map(|column| Column {
                number: column as u32 + 1,
                name: names.map(|names| names.get(column).map_or(String::new(), |name| shown(name))),
                address_share: self.addresses(column, body) as f64 / body.len().max(1) as f64,
            })
            .collect();
        let chosen = choose(wanted, names, width, &columns);
        let reading =
            Reading { encoding, delimiter: self.delimiter, header, column_number: chosen.as_ref().ok().copied() };
        let preview: Vec<Vec<String>> =
            body.iter().take(PREVIEW).map(|row| row.iter().take(COLUMNS).map(|value| shown(value)).collect()).collect();
        let nothing = || {
            let empty = if self.rows.is_empty() {
                failure(FailureCode::Empty, "the file is empty: it has no row")
            } else {
                failure(FailureCode::HeaderOnly, "the file has the names of its columns and no row below them")
            };
            (whole && body.is_empty()).then_some(empty)
        };
        let failure = self.failure.clone().or_else(nothing).or_else(|| chosen.err());
        Plan { reading, columns, preview, failure }
    }
}

fn shown(value: &str) -> String {
    printable(value.trim(), SHOWN)
}

/// The number of the column with the addresses.
fn choose(wanted: &ReadingRequest, names: Option<&[String]>, width: usize, columns: &[Column]) -> Result<u32, Failure> {
    if let Some(number) = wanted.column_number {
        let exists = number as usize <= width;
        return exists.then_some(number).ok_or_else(|| {
            failure(FailureCode::NoSuchColumn, format!("there is no column {number}: the file has {width}"))
        });
    }
    if let Some(name) = &wanted.column {
        let same = |other: &&String| other.trim().to_lowercase() == name.trim().to_lowercase();
        let names = names.unwrap_or_default();
        let mut found = names.iter().enumerate().filter(|(_, other)| same(other)).map(|(index, _)| index as u32 + 1);
        return match (found.next(), found.count()) {
            (Some(number), 0) => Ok(number),
            (Some(_), more) => Err(failure(
                FailureCode::AmbiguousColumn,
                format!("{} columns are named {name:?}: choose one by its number", more + 1),
            )),
            (None, _) => Err(failure(FailureCode::NoSuchColumn, format!("no column is named {name:?}"))),
        };
    }
    let score = |column: &Column| {
        let name = column.name.as_deref().map_or(0.0, name_score);
        column.address_share + name
    };
    let best = columns.iter().reduce(|best, other| if score(other) > score(best) { other } else { best });
    best.filter(|column| score(column) > 0.0).map(|column| column.number).ok_or_else(|| {
        failure(
            FailureCode::NoAddressColumn,
            "no column has mail addresses: choose one, or another delimiter or encoding",
        )
    })
}

/// How much a name says that the column has mail addresses: less than what its values say.
fn name_score(name: &str) -> f64 {
    let plain: String = name.to_lowercase().chars().filter(|c| !c.is_whitespace() && !"-_‐－".contains(*c)).collect();
    match NAMES.iter().position(|known| plain == *known) {
        // The first names say more than the last: "address" may well be a street.
        Some(position) => 0.3 - position as f64 / 100.0,
        None if plain.contains("mail") || plain.contains("メール") => 0.1,
        None => 0.0,
    }
}

/// Stricter than what is accepted as an address: a whole line with an address in it is none.
fn looks_like_an_address(value: &str) -> bool {
    let value = value.trim();
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !",;<>\"".contains(c);
    let domain = value.rsplit_once('@').map(|(_, domain)| domain);
    domain.is_some_and(|domain| domain.contains('.')) && value.chars().all(plain) && Address::parse(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> ReadingRequest {
        ReadingRequest::default()
    }

    fn read(text: &str, wanted: &ReadingRequest) -> Plan {
        plan(text.as_bytes(), true, wanted)
    }

    fn found(text: &str) -> (Delimiter, bool, Option<u32>) {
        let plan = read(text, &wanted());
        assert_eq!(plan.failure, None, "{text}");
        (plan.reading.delimiter, plan.reading.header, plan.reading.column_number)
    }

    #[test]
    fn delimiter_header_and_column_are_found() {
        use Delimiter::{Comma, Semicolon, Tab};
        for (text, expected) in [
            ("taro@example.com\nhanako@example.com\n", (Comma, false, Some(1))),
            ("mail\ntaro@example.com", (Comma, true, Some(1))),
            ("id,mail\n1,taro@example.com\n2,hanako@example.com\n", (Comma, true, Some(2))),
            ("id;mail;note\n1;taro@example.com;a, b\n2;h@example.com;c, d\n", (Semicolon, true, Some(2))),
            ("1\ttaro@example.com\n2\th@example.com\n", (Tab, false, Some(2))),
            ("\"Yamada, Taro\";t@example.com\n\"Sato, H\";h@example.com\n", (Semicolon, false, Some(2))),
            ("住所,メールアドレス\n東京,t@example.com\n", (Comma, true, Some(2))),
            // Two columns with addresses: the name decides.
            ("reply_to,mail_address\na@example.com,t@example.com\n", (Comma, true, Some(2))),
            // The values decide before the name.
            ("mail,contact\nyes,t@example.com\nno,h@example.com\n", (Comma, true, Some(2))),
            // Nothing valid, but a name.
            ("name,email\nTaro,x\n", (Comma, true, Some(2))),
            (
                "mail_address,error_reason,stop_date\nt@example.com,unknown_user,2026-11-24T00:00:00Z\n",
                (Comma, true, Some(1)),
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn columns_and_preview_are_shown() {
        let rows: String =
            (0..30).map(|n| format!("{n},{}\n", if n % 3 == 0 { "-" } else { "a@example.com" })).collect();
        let plan = read(&format!("No.,Mail\n{rows}"), &wanted());
        assert_eq!(plan.preview.len(), 20);
        assert_eq!(plan.preview[1], ["1", "a@example.com"]);
        assert_eq!(plan.columns[1].name.as_deref(), Some("Mail"));
        assert_eq!((plan.columns[0].address_share, plan.columns[1].address_share), (0.0, 20.0 / 30.0));
    }

    #[test]
    fn what_the_caller_wants_is_done() {
        let text = "mail;Mail 2\nt@example.com;h@example.com\n";
        let column = |name: &str| ReadingRequest { column: Some(name.to_owned()), ..wanted() };
        assert_eq!(read(text, &column("MAIL 2 ")).reading.column_number, Some(2));
        let third = ReadingRequest { column_number: Some(3), ..wanted() };
        let code = |plan: Plan| plan.failure.map(|failure| failure.code);
        assert_eq!(code(read(text, &third)), Some(FailureCode::NoSuchColumn));
        assert_eq!(code(read(text, &column("address"))), Some(FailureCode::NoSuchColumn));
        assert_eq!(code(read("a,mail,Mail\n1,2,3\n", &column("mail"))), Some(FailureCode::AmbiguousColumn));
        let comma = ReadingRequest { delimiter: Some(Delimiter::Comma), header: Some(false), ..wanted() };
        let plan = read(text, &comma);
        assert_eq!((plan.columns.len(), plan.reading.header), (1, false));
    }

    #[test]
    fn what_is_no_list_is_said() {
        let code = |bytes: &[u8]| plan(bytes, true, &wanted()).failure.map(|failure| failure.code);
        assert_eq!(code(b""), Some(FailureCode::Empty));
        assert_eq!(code(b"\r\n\n"), Some(FailureCode::Empty));
        assert_eq!(code(b"\xef\xbb\xbf"), Some(FailureCode::Empty));
        assert_eq!(code(b"mail,name\n"), Some(FailureCode::HeaderOnly));
        assert_eq!(code(b"PK\x03\x04\x14\x00\x06\x00"), Some(FailureCode::NotText));
        assert_eq!(code(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\0\0\0\x03\0\x08\x06"), Some(FailureCode::NotText));
        assert_eq!(code(b"a,b\n1,2\n"), Some(FailureCode::NoAddressColumn));
        assert_eq!(code(b"a,b\n1,\"2\n"), Some(FailureCode::UnclosedQuote));
    }
}
