//! The `Upload-Metadata` header: what the caller says about its file.

use crate::service::{Error, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::{RefusalCode, upload::ReadingRequest};

const HEADER: &str = "Upload-Metadata";
/// The longest header that is kept, in bytes.
const MAX_LENGTH: usize = 4096;
/// The longest file name, in characters.
const MAX_NAME: usize = 255;

/// What is used of the header.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The file's name.
    pub file_name: Option<String>,
    /// How the file is to be read.
    pub wanted: ReadingRequest,
}

/// Reads pairs of a name and a value in Base64. Names that mean nothing here are kept with the upload and not used.
///
/// # Errors
/// [`Error::Invalid`] names the header and says which pair is wrong.
pub fn parse(header: &str) -> Result<Metadata> {
    if header.len() > MAX_LENGTH {
        return Err(wrong(format!("send at most {MAX_LENGTH} bytes")));
    }
    let mut metadata = Metadata::default();
    for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let value = value.ok_or_else(|| wrong(format!("{name}: send UTF-8 in Base64")))?;
        let wanted = &mut metadata.wanted;
        match name {
            "filename" => metadata.file_name = Some(file_name(value)?),
            "column" => wanted.column = Some(value),
            "column_number" => wanted.column_number = Some(number(&value)?),
            "encoding" => wanted.encoding = Some(word(name, value)?),
            "delimiter" => wanted.delimiter = Some(word(name, value)?),
            "header" => wanted.header = Some(value.parse().map_err(|_| wrong("header: send true or false"))?),
            _ => {}
        }
    }
    let limits = super::super::extract::validate(&metadata.wanted, "");
    match limits {
        Err(Error::Invalid(problems)) => {
            let said: Vec<_> =
                problems.iter().map(|problem| format!("{}: {}", &problem.pointer[1..], problem.detail)).collect();
            Err(wrong(said.join(", ")))
        }
        other => other.map(|()| metadata),
    }
}

/// What is wrong in the header, which is one field.
fn wrong(detail: impl Into<String>) -> Error {
    Error::field(HEADER, RefusalCode::NotAccepted, detail)
}

fn file_name(name: String) -> Result<String> {
    if name.chars().any(char::is_control) || name.chars().count() > MAX_NAME {
        return Err(wrong(format!("filename: at most {MAX_NAME} characters, no control characters")));
    }
    Ok(name)
}

fn number(value: &str) -> Result<u32> {
    value.parse().map_err(|_| wrong("column_number: send a number from 1"))
}

/// A value by its name in JSON.
fn word<T: DeserializeOwned>(name: &str, value: String) -> Result<T> {
    serde_json::from_value(Value::String(value)).map_err(|error| wrong(format!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::upload::{Delimiter, Encoding};

    fn header(pairs: &[(&str, &str)]) -> String {
        pairs.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn what_is_known_is_read_and_the_rest_is_left() {
        let text = header(&[
            ("filename", "宛先.csv"),
            ("filetype", "text/csv"),
            ("column", "メール"),
            ("encoding", "shift_jis"),
            ("delimiter", "semicolon"),
            ("header", "true"),
        ]);
        let wanted = ReadingRequest {
            encoding: Some(Encoding::ShiftJis),
            delimiter: Some(Delimiter::Semicolon),
            header: Some(true),
            column: Some("メール".to_owned()),
            column_number: None,
        };
        let expected = Metadata { file_name: Some("宛先.csv".to_owned()), wanted };
        assert_eq!(parse(&format!("{text}, is_confidential")).unwrap(), expected);
        assert_eq!(parse("").unwrap(), Metadata::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "x".repeat(MAX_NAME + 1);
        for (text, expected) in [
            ("filename ***".to_owned(), "filename"),
            (header(&[("filename", "a\0b")]), "filename"),
            (header(&[("filename", &long)]), "filename"),
            (header(&[("encoding", "utf-7")]), "encoding"),
            (header(&[("delimiter", "|")]), "delimiter"),
            (header(&[("header", "yes")]), "header"),
            (header(&[("column_number", "0")]), "column_number"),
            (header(&[("column_number", "first")]), "column_number"),
            (header(&[("column", "")]), "column"),
            ("x".repeat(MAX_LENGTH + 1), "at most"),
        ] {
            let Err(Error::Invalid(problems)) = parse(&text) else { panic!("{text}") };
            assert_eq!(problems[0].pointer, HEADER);
            assert!(problems[0].detail.contains(expected), "{text}: {}", problems[0].detail);
        }
    }
}
