//! Inquiries: what the users of an account ask the provider, and what it answers.

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest subject, in characters.
pub const MAX_SUBJECT: usize = 200;
/// The longest message, in characters.
pub const MAX_MESSAGE: usize = 5_000;
/// The most messages of an inquiry.
pub const MAX_MESSAGES: u32 = 200;
/// The most inquiries of an account that are not closed.
pub const MAX_UNCLOSED: u32 = 100;

/// What an inquiry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InquiryCategory {
    /// Asks for downloads to be enabled.
    EnableDownload,
    /// About a release.
    Release,
    /// Anything else.
    Other,
}

impl InquiryCategory {
    /// Every category.
    pub const ALL: [Self; 3] = [Self::EnableDownload, Self::Release, Self::Other];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnableDownload => "enable_download",
            Self::Release => "release",
            Self::Other => "other",
        }
    }
}

/// How far an inquiry has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InquiryState {
    /// The last message is the account's: the provider is to answer.
    Open,
    /// The last message is the provider's.
    Answered,
    /// Done. A further message of the account opens it again.
    Closed,
}

impl InquiryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Answered, Self::Closed];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::Closed => "closed",
        }
    }
}

/// One of the two sides of an inquiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InquirySide {
    /// A user of the account.
    Account,
    /// The provider's staff.
    Provider,
}

impl InquirySide {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Account, Self::Provider];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Provider => "provider",
        }
    }
}

/// An inquiry, as the side sees it that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Inquiry {
    /// The inquiry.
    pub id: Uuid,
    /// What it is about.
    pub category: InquiryCategory,
    /// What it is about, in the user's words.
    pub subject: String,
    /// How far it has come.
    pub state: InquiryState,
    /// Whether there is a message of the other side that this side has not marked as read.
    pub unread: bool,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last written to or closed.
    pub changed_at: DateTime<Utc>,
    /// How many messages it has.
    pub messages: u32,
    /// Whose it is; for the provider only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<InquiryAccount>,
}

/// The account of an inquiry, for the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InquiryAccount {
    /// The account.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether it may download its lists and logs.
    pub downloads_enabled: bool,
}

/// A message of an inquiry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InquiryMessage {
    /// Counts the messages of the inquiry, from 1.
    pub number: u32,
    /// Whose side it is of.
    pub side: InquirySide,
    /// Who wrote it.
    pub author: String,
    /// What it says; empty where the provider enabled downloads with it and wrote nothing.
    pub text: String,
    /// Whether the provider enabled downloads with it.
    pub enabled_downloads: bool,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// An inquiry with its messages, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InquiryThread {
    /// The inquiry.
    pub inquiry: Inquiry,
    /// What was written, at most 200 messages.
    pub messages: Vec<InquiryMessage>,
}

/// An inquiry to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewInquiry {
    /// What it is about.
    #[garde(skip)]
    pub category: InquiryCategory,
    /// What it is about, in a few words: one line of 1 to 200 characters.
    #[garde(length(chars, min = 1, max = MAX_SUBJECT))]
    pub subject: String,
    /// The first message, 1 to 5,000 characters.
    #[garde(length(chars, min = 1, max = MAX_MESSAGE))]
    pub text: String,
}

/// A further message of an inquiry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewInquiryMessage {
    /// What it says, 1 to 5,000 characters.
    #[garde(length(chars, min = 1, max = MAX_MESSAGE))]
    pub text: String,
}

/// Marks messages as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InquiryRead {
    /// Up to and with the message of this number; what came after it stays unread.
    #[garde(range(min = 1, max = MAX_MESSAGES))]
    pub until: u32,
}

/// Enables downloads for the account of an inquiry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InquiryDownloads {
    /// The answer, 1 to 5,000 characters; absent: a message without text, which the console has a sentence for.
    #[garde(length(chars, min = 1, max = MAX_MESSAGE))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
