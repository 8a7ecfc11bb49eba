//! The records of a text with separated values (RFC 4180, and what is written in the field): LF, CR or CRLF end a record
//! outside of quotes, blank lines are none.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use shared::upload::{Delimiter, Failure, FailureCode};
use std::borrow::Cow;

/// The longest record, in bytes of its fields.
pub const MAX_RECORD: usize = 1024 * 1024;
/// The most fields of a record: as many as a worksheet has columns.
pub const MAX_FIELDS: usize = 16_384;

/// One record.
pub struct Record<'a> {
    /// The line where it begins, from 1.
    pub line: i64,
    /// Whether a field in quotes, of more than one line, goes on after its closing quote: that was the opening quote of
    /// another row, and this row's own is missing.
    pub is_unclosed: bool,
    text: &'a [u8],
    ends: &'a [usize],
}

impl Record<'_> {
    /// How many fields it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field, by its index from 0.
    pub fn field(&self, index: usize) -> Option<Cow<'_, str>> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(String::from_utf8_lossy(&self.text[start..end]))
    }

    /// Every field.
    pub fn fields(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.len()).filter_map(|index| self.field(index))
    }
}

/// Where in a field the text stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Start,
    Plain,
    Quoted {
        lines: bool,
    },
    /// After a quote in quotes: the closing one, or half of one that is doubled.
    Quote {
        lines: bool,
    },
}

/// Finds records in text that comes in parts, in bounded memory.
pub struct Records {
    reader: Reader,
    delimiter: u8,
    /// The reader takes every text for one and does not tell what is strange in it.
    place: Place,
    is_unclosed: bool,
    text: Vec<u8>,
    text_length: usize,
    ends: Vec<usize>,
    ends_length: usize,
    /// The line of the next byte.
    line: i64,
    /// The line where the present record begins; `None` between records.
    begun: Option<i64>,
    after_return: bool,
}

impl Records {
    /// For a text from its beginning on.
    pub fn new(delimiter: Delimiter) -> Self {
        let delimiter = match delimiter {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
        };
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            place: Place::Start,
            is_unclosed: false,
            text: vec![0; 4096],
            text_length: 0,
            ends: vec![0; 64],
            ends_length: 0,
            line: 1,
            begun: None,
            after_return: false,
        }
    }

    /// Reads the next part of the text, in UTF-8, and gives every record that ends in it to `found`; false from there
    /// ends the reading.
    ///
    /// # Errors
    /// A record that is too long names the line where it begins: a quote may be missing there.
    pub fn read(&mut self, mut text: &[u8], mut found: impl FnMut(&Record<'_>) -> bool) -> Result<(), Failure> {
        loop {
            if self.begun.is_none() {
                let blank = text.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                self.pass(&text[..blank]);
                text = &text[blank..];
            }
            if text.is_empty() {
                return Ok(());
            }
            let line = *self.begun.get_or_insert(self.line);
            let (result, read, written, ended) =
                self.reader.read_record(text, &mut self.text[self.text_length..], &mut self.ends[self.ends_length..]);
            self.pass(&text[..read]);
            text = &text[read..];
            self.text_length += written;
            self.ends_length += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull => grow(&mut self.text, MAX_RECORD).map_err(|()| too_long(line))?,
                ReadRecordResult::OutputEndsFull => {
                    grow(&mut self.ends, MAX_FIELDS).map_err(|()| too_many_fields(line))?;
                }
                ReadRecordResult::Record => {
                    let record = Record {
                        line,
                        is_unclosed: std::mem::take(&mut self.is_unclosed),
                        text: &self.text[..self.text_length],
                        ends: &self.ends[..self.ends_length],
                    };
                    let go_on = found(&record);
                    self.begun = None;
                    self.text_length = 0;
                    self.ends_length = 0;
                    if !go_on {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Says that the text has ended.
    ///
    /// # Errors
    /// A quote is open.
    pub fn end(&mut self, found: impl FnMut(&Record<'_>) -> bool) -> Result<(), Failure> {
        let Some(line) = self.begun else { return Ok(()) };
        // A line break ends every record but one in quotes.
        self.read(b"\n", found)?;
        if self.begun.is_none() {
            return Ok(());
        }
        Err(Failure {
            code: FailureCode::UnclosedQuote,
            line: Some(line),
            detail: format!("a quote is opened in the record that begins in line {line} and never closed"),
        })
    }

    /// Counts the line breaks of bytes that were read, and follows their quotes.
    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let breaks = matches!(byte, b'\r' | b'\n');
            if *byte == b'\r' || (*byte == b'\n' && !self.after_return) {
                self.line += 1;
            }
            self.after_return = *byte == b'\r';
            self.place = match self.place {
                Place::Quoted { lines } if *byte == b'"' => Place::Quote { lines },
                Place::Quoted { lines } => Place::Quoted { lines: lines || breaks },
                Place::Quote { lines } if *byte == b'"' => Place::Quoted { lines },
                Place::Start if *byte == b'"' => Place::Quoted { lines: false },
                _ if breaks || *byte == self.delimiter => Place::Start,
                Place::Quote { lines } => {
                    self.is_unclosed |= lines;
                    Place::Plain
                }
                Place::Start | Place::Plain => Place::Plain,
            };
        }
    }
}

fn grow<T: Clone + Default>(buffer: &mut Vec<T>, most: usize) -> Result<(), ()> {
    if buffer.len() >= most {
        return Err(());
    }
    buffer.resize((buffer.len() * 2).min(most), T::default());
    Ok(())
}

fn too_long(line: i64) -> Failure {
    let detail = format!(
        "the record that begins in line {line} is longer than {} MiB: is a quote missing there, or is this another kind \
         of file?",
        MAX_RECORD / 1024 / 1024
    );
    Failure { code: FailureCode::RecordTooLong, line: Some(line), detail }
}

fn too_many_fields(line: i64) -> Failure {
    let detail = format!("the record that begins in line {line} has more than {MAX_FIELDS} fields");
    Failure { code: FailureCode::TooManyFields, line: Some(line), detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Rows = Vec<(i64, Vec<String>)>;

    fn rows(text: &str, delimiter: Delimiter, size: usize) -> Result<Rows, Failure> {
        let (mut records, mut rows) = (Records::new(delimiter), Vec::new());
        let mut found = |record: &Record<'_>| {
            rows.push((record.line, record.fields().map(Cow::into_owned).collect()));
            true
        };
        for part in text.as_bytes().chunks(size) {
            records.read(part, &mut found)?;
        }
        records.end(&mut found)?;
        Ok(rows)
    }

    fn expect(text: &str, expected: &[(i64, &[&str])]) {
        let expected: Rows =
            expected.iter().map(|(line, fields)| (*line, fields.iter().map(|f| (*f).to_owned()).collect())).collect();
        for size in 1..=text.len() {
            assert_eq!(rows(text, Delimiter::Comma, size).as_ref(), Ok(&expected), "{text:?} in parts of {size}");
        }
    }

    #[test]
    fn records_know_their_line_whatever_ends_them() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "1,2", "", "\"x", "y\",3", "4,5"].join(end);
            let field = format!("x{end}y");
            let expected: [(i64, &[&str]); 4] =
                [(1, &["a", "b"]), (2, &["1", "2"]), (4, &[&field, "3"]), (6, &["4", "5"])];
            expect(&text, &expected);
            expect(&format!("{text}{end}{end}"), &expected);
        }
    }

    #[test]
    fn quotes_are_read_as_rfc_4180_writes_them() {
        expect("\"a\"\"b\",\"c,d\",\"\"\n,\n", &[(1, &["a\"b", "c,d", ""]), (2, &["", ""])]);
    }

    #[test]
    fn a_quote_that_never_closes_names_its_record() {
        let failure = rows("a,b\n1,2\n3,\"4\n5,6\n", Delimiter::Comma, 3).unwrap_err();
        assert_eq!((failure.code, failure.line), (FailureCode::UnclosedQuote, Some(3)));
    }

    #[test]
    fn a_quote_that_another_row_closes_marks_its_record() {
        for (text, marked) in [
            ("\"a\",\"n\"\n\"b\",\"n\n\"c\",\"n\"\n", &[2][..]),
            ("\"a\",\"n\r\n\"c\",\"n\"\r\n\"d\",\"n\"\r\n", &[1]),
            // Fields of several lines, quotes in them, and quotes that are none.
            ("\"a\nb\",\"c\n\"\"\nd\"\n\"\n\"\"\"\n\"\"\n", &[]),
            ("x\"y\n\"z\",\"a\"b,c\"d\n\"e\"\n", &[]),
        ] {
            for size in 1..=text.len() {
                let (mut records, mut found) = (Records::new(Delimiter::Comma), Vec::new());
                let mut take = |record: &Record<'_>| {
                    found.extend(record.is_unclosed.then_some(record.line));
                    true
                };
                for part in text.as_bytes().chunks(size) {
                    records.read(part, &mut take).unwrap();
                }
                records.end(&mut take).unwrap();
                assert_eq!(found, marked, "{text:?} in parts of {size}");
            }
        }
    }

    #[test]
    fn a_record_without_end_is_refused_early() {
        let mut records = Records::new(Delimiter::Comma);
        records.read(b"a\nb\n", |_| true).unwrap();
        let part = vec![b'x'; 64 * 1024];
        let failure = (0..100).find_map(|_| records.read(&part, |_| true).err()).unwrap();
        assert_eq!((failure.code, failure.line), (FailureCode::RecordTooLong, Some(3)));
        assert!(records.text.len() <= MAX_RECORD);
        let failure = rows(&",".repeat(MAX_FIELDS + 1), Delimiter::Comma, 999).unwrap_err();
        assert_eq!((failure.code, failure.line), (FailureCode::TooManyFields, Some(1)));
        assert_eq!(rows(&";".repeat(9), Delimiter::Semicolon, 4).unwrap()[0].1.len(), 10);
    }

    proptest! {
        #[test]
        fn what_is_written_by_the_rules_is_read_back(
            table in prop::collection::vec(prop::collection::vec("[a-zあ,;\"\r\n\t ]{0,6}", 2..4), 0..8),
            size in 1_usize..9,
        ) {
            let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let text: String = table.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n").collect();
            let read: Vec<Vec<String>> = rows(&text, Delimiter::Comma, size).unwrap().into_iter().map(|row| row.1).collect();
            prop_assert_eq!(read, table);
        }
    }
}
