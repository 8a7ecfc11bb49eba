//! Errors on the wire: RFC 9457 problem details.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IntoDeserializer, value},
};

/// The media type of a [`Problem`].
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong and what to do about it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Names the kind of problem, stable for programs: `/problems/validation` for example.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time and what to do.
    pub detail: String,
    /// Why it does not fit the present state, stable for programs: of every `/problems/conflict` and `/problems/gone`.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    pub code: Option<RefusalCode>,
    /// The fields that are wrong, if it is about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The id of the request, to find it in the service's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// Where the field is: a JSON pointer into the body (RFC 6901), or the name of a query parameter.
    pub pointer: String,
    /// What is wrong with it, stable for programs. The service always says it; a reader gets `None` for a code that a
    /// newer service has.
    #[serde(default, deserialize_with = "known", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = RefusalCode, required = true))]
    pub code: Option<RefusalCode>,
    /// The number that it has to keep to: with `too_short`, `too_long`, `too_small` and `too_large`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What is wrong with it, in words.
    pub detail: String,
}

impl FieldProblem {
    /// A wrong field.
    pub fn new(pointer: impl Into<String>, code: RefusalCode, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: Some(code), limit: None, detail: detail.into() }
    }
}

/// Reads a code; what a newer service says is no error.
fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RefusalCode>, D::Error> {
    let code = Option::<String>::deserialize(deserializer)?;
    Ok(code.and_then(|code| {
        let name: value::StrDeserializer<'_, value::Error> = code.as_str().into_deserializer();
        RefusalCode::deserialize(name).ok()
    }))
}

/// Why something is refused. There may be more of them one day: what is not known is to be read in the `detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// It has to be there.
    Missing,
    /// There is no field of this name.
    UnknownField,
    /// It is of another type.
    WrongType,
    /// It is none of the values that are possible here.
    NotAccepted,
    /// It has fewer characters or items than `limit`.
    TooShort,
    /// It has more characters or items than `limit`.
    TooLong,
    /// It is less than `limit`.
    TooSmall,
    /// It is more than `limit`.
    TooLarge,
    /// It has characters that no text has.
    ControlCharacters,
    /// It is no mail address.
    NotAnAddress,
    /// It is no domain.
    NotADomain,
    /// It is no time zone of the IANA database.
    NotATimeZone,
    /// It is no time of the future.
    InThePast,
    /// What it names is not there, or not any more.
    NotFound,
    /// What it is about has not come so far yet.
    NotReady,
    /// It excludes another field.
    NotTogether,
    /// It is a position in another list, another search or an older state.
    WrongPosition,
    /// It is not the user's present password.
    WrongPassword,
    /// It is no code of the second factor, or was used already.
    WrongCode,
    /// The second factor has to be proven, too.
    CodeMissing,
    /// It is not the code that the service printed when it started.
    WrongSetUpCode,
    /// It is not the name of what is to be closed.
    WrongName,
    /// It is among the first passwords that are guessed.
    PasswordGuessable,
    /// It is a password made of the user's address or the service's name.
    PasswordPersonal,
    /// Something of this name is there already.
    NameTaken,
    /// Somebody signs in with this address already.
    AddressTaken,
    /// The address was invited already.
    InvitedAlready,
    /// Nobody else could manage the users then.
    LastManager,
    /// One does it for oneself in one's own account.
    OwnUser,
    /// The user may not sign in.
    InactiveUser,
    /// The link was used already.
    LinkUsed,
    /// The link has expired, or was taken back.
    LinkExpired,
    /// Too much time went by: begin again.
    TooLate,
    /// Only a suspended account can be closed.
    NotSuspended,
    /// The service sends no mail.
    NoMail,
    /// There are as many as there can be.
    TooMany,
    /// Something else works on it.
    InProgress,
    /// Every address that it names is being released already.
    BeingReleased,
    /// It was done already.
    DoneAlready,
}

/// Defines the kinds of problems with the path that names each.
macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident $path:literal)*) => {
        /// The kinds of problems.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemKind {
            $($(#[$about])* $kind,)*
        }

        impl ProblemKind {
            /// What `type` says.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => concat!("/problems/", $path),)*
                }
            }

            /// The kind that `type` says.
            pub fn of(path: &str) -> Option<Self> {
                match path.strip_prefix("/problems/")? {
                    $($path => Some(Self::$kind),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Not signed in.
    Unauthorized "unauthorized"
    /// Signed in, but not allowed.
    Forbidden "forbidden"
    /// Not in the account's plan.
    NotInPlan "not-in-plan"
    /// The account is suspended.
    AccountSuspended "account-suspended"
    /// The account may not download.
    DownloadsDisabled "downloads-disabled"
    /// Not there.
    NotFound "not-found"
    /// There, but not for this method.
    MethodNotAllowed "method-not-allowed"
    /// The request cannot be read.
    Malformed "malformed"
    /// The body is of a media type that is not understood.
    UnsupportedMediaType "unsupported-media-type"
    /// Fields are wrong.
    Validation "validation"
    /// Does not fit the present state.
    Conflict "conflict"
    /// Somebody else changed it first.
    PreconditionFailed "precondition-failed"
    /// `If-Match` is missing.
    PreconditionRequired "precondition-required"
    /// Was there once.
    Gone "gone"
    /// The body is too large.
    TooLarge "too-large"
    /// Asked too often.
    TooManyRequests "too-many-requests"
    /// The body came too slowly.
    TooSlow "too-slow"
    /// The database does not answer.
    Unavailable "unavailable"
    /// The disk is full.
    StorageFull "storage-full"
    /// Another version of tus.
    TusVersion "tus-version"
    /// The bytes are not those that were meant.
    ChecksumMismatch "checksum-mismatch"
    /// Not the caller's fault.
    Internal "internal"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_a_newer_service_is_no_error() {
        let read = |code: &str| {
            let text = format!(r#"{{"pointer":"/name","detail":"no"{code}}}"#);
            serde_json::from_str::<FieldProblem>(&text).unwrap().code
        };
        assert_eq!(read(r#","code":"too_short""#), Some(RefusalCode::TooShort));
        assert_eq!(read(r#","code":"of_tomorrow""#), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_type_names_its_kind() {
        assert_eq!(ProblemKind::of(ProblemKind::NotInPlan.as_str()), Some(ProblemKind::NotInPlan));
        assert_eq!(ProblemKind::of("/problems/of-tomorrow"), None);
        assert_eq!(ProblemKind::of("about:blank"), None);
    }
}
