//! Uploaded files (PRODUCT section 4, Upload).

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How far an upload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Bytes are missing.
    Uploading,
    /// Every byte is here, and the file is being read.
    Analysing,
    /// Read: can be registered.
    Ready,
    /// Could not be read; `failure` says why. Another reading may help.
    Failed,
    /// Its addresses are being put on the blocked list.
    Registering,
    /// Its addresses were put on the blocked list.
    Registered,
    /// They were, and were taken off again.
    Undone,
}

impl UploadState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Uploading,
        Self::Analysing,
        Self::Ready,
        Self::Failed,
        Self::Registering,
        Self::Registered,
        Self::Undone,
    ];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Analysing => "analysing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Registering => "registering",
            Self::Registered => "registered",
            Self::Undone => "undone",
        }
    }
}

/// A character encoding, by its name in the WHATWG Encoding Standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, least significant byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, most significant byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Shift_JIS as Windows writes it (CP932).
    #[serde(rename = "shift_jis")]
    ShiftJis,
    /// EUC-JP.
    #[serde(rename = "euc-jp")]
    EucJp,
    /// ISO-2022-JP, "JIS".
    #[serde(rename = "iso-2022-jp")]
    Iso2022Jp,
}

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
}

/// How a file is to be read; what is left out is found out from its content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReadingRequest {
    /// The character encoding.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What stands between two fields.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<Delimiter>,
    /// Whether the first row has the names of the columns.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The name of the column with the mail addresses, in any case.
    #[garde(length(chars, min = 1, max = 200))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The number of that column, from 1: for files without names. Send the name or the number, not both.
    #[garde(range(min = 1, max = 16_384))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_number: Option<u32>,
}

/// How a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reading {
    /// The character encoding.
    pub encoding: Encoding,
    /// What stands between two fields.
    pub delimiter: Delimiter,
    /// Whether the first row has the names of the columns.
    pub header: bool,
    /// The column with the mail addresses, from 1; absent when none was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_number: Option<u32>,
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Column {
    /// Its number, from 1.
    pub number: u32,
    /// Its name; absent in a file without a header row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The share of its values that are mail addresses, 0 to 1, among the first 1,000 rows.
    pub address_share: f64,
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Analysis {
    /// How it was read.
    pub reading: Reading,
    /// Its columns; the first 100.
    pub columns: Vec<Column>,
    /// The first 20 rows below the header, long values cut; empty in lists of uploads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preview: Vec<Vec<String>>,
    /// The numbers of records; absent when the file could not be read to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<RecordCounts>,
}

/// Numbers of records, at the time of the analysis. `total` is the sum of the five that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordCounts {
    /// Rows, without the header and blank lines.
    pub total: i64,
    /// Addresses that a registration would block.
    pub new: i64,
    /// Addresses that are blocked already, and rows of a downloaded list whose block has ended: they are not blocked again.
    pub already_blocked: i64,
    /// Addresses of the stop cancellation list.
    pub exempt: i64,
    /// Rows whose address stands in an earlier row.
    pub duplicate: i64,
    /// Rows without a valid address.
    pub invalid: i64,
    /// How many of the invalid rows outlast the file, which goes when it is registered: the first 100,000.
    pub invalid_kept: i64,
}

/// Why a file could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// No byte, or nothing but blank lines.
    Empty,
    /// A header row and nothing below it.
    HeaderOnly,
    /// Not a text: a workbook, an archive, an image.
    NotText,
    /// There is no column of the name or number that was asked for.
    NoSuchColumn,
    /// Several columns have the name that was asked for.
    AmbiguousColumn,
    /// No column has mail addresses.
    NoAddressColumn,
    /// A quote is opened in `line` and never closed.
    UnclosedQuote,
    /// The record that begins in `line` is longer than 1 MiB.
    RecordTooLong,
    /// The record that begins in `line` has more than 16,384 fields.
    TooManyFields,
    /// The database's disk is full.
    DiskFull,
    /// The service failed; its log says how.
    Internal,
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// The kind, for programs.
    pub code: FailureCode,
    /// The line, from 1, where it lies in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<i64>,
    /// In words, and what to do.
    pub detail: String,
}

/// Why a row has no valid address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InvalidCause {
    /// The field is empty or missing.
    Empty,
    /// Bytes that mean nothing in the file's encoding.
    Undecodable,
    /// There is no `@`.
    NoAt,
    /// Nothing stands before the `@`.
    EmptyLocalPart,
    /// Nothing stands after the `@`.
    EmptyDomain,
    /// A control character.
    ControlCharacter,
    /// More than 254 octets.
    TooLong,
    /// A quote is opened in the row and only closed by one that opens in a later line: rows lie in it that cannot be told
    /// apart.
    UnclosedQuote,
}

impl InvalidCause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::Undecodable,
        Self::NoAt,
        Self::EmptyLocalPart,
        Self::EmptyDomain,
        Self::ControlCharacter,
        Self::TooLong,
        Self::UnclosedQuote,
    ];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Undecodable => "undecodable",
            Self::NoAt => "no_at",
            Self::EmptyLocalPart => "empty_local_part",
            Self::EmptyDomain => "empty_domain",
            Self::ControlCharacter => "control_character",
            Self::TooLong => "too_long",
            Self::UnclosedQuote => "unclosed_quote",
        }
    }
}

impl From<crate::InvalidAddress> for InvalidCause {
    fn from(error: crate::InvalidAddress) -> Self {
        match error {
            crate::InvalidAddress::NoAt => Self::NoAt,
            crate::InvalidAddress::EmptyLocalPart => Self::EmptyLocalPart,
            crate::InvalidAddress::EmptyDomain => Self::EmptyDomain,
            crate::InvalidAddress::ControlCharacter => Self::ControlCharacter,
            crate::InvalidAddress::TooLong => Self::TooLong,
        }
    }
}

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upload {
    /// The upload.
    pub id: Uuid,
    /// The file's name on the caller's side.
    pub file_name: String,
    /// How many bytes the file has.
    pub size: i64,
    /// How many of them are here, from the start.
    pub received: i64,
    /// How far it has come.
    pub state: UploadState,
    /// How far the analysis has come, 0 to 1.
    pub progress: f64,
    /// Who began it.
    pub created_by: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it is removed unless something happens to it before.
    pub expires_at: DateTime<Utc>,
    /// How the caller wants it read.
    pub wanted: ReadingRequest,
    /// What was found in it; absent until it was read, at least in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
    /// Why it could not be read, or why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}
