//! Set-up, sign-in and tokens.

use crate::account::Plan;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The shortest password, in characters: NIST SP 800-63B-4 section 3.1.1.2 asks for 15 where it is the only factor, as
/// it is for everybody until they add a second one, and again when that is taken away.
pub const MIN_PASSWORD: usize = 15;
/// The longest password, in characters; the same section asks for 64 or more.
pub const MAX_PASSWORD: usize = 256;

/// Whether the service waits for its first provider account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetupState {
    /// True until the first provider account is made.
    pub required: bool,
}

/// Makes the first provider account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// The one-time code that the service printed.
    #[garde(length(chars, min = 1, max = 100))]
    pub code: String,
    /// Who signs in.
    #[garde(length(chars, min = 3, max = 254))]
    pub email: String,
    /// The password, 15 to 256 characters.
    #[garde(length(chars, min = MIN_PASSWORD, max = MAX_PASSWORD))]
    pub password: String,
}

/// Signs in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// Who.
    #[garde(length(chars, min = 1, max = 254))]
    pub email: String,
    /// The password.
    #[garde(length(chars, min = 1, max = MAX_PASSWORD))]
    pub password: String,
}

/// An access token. The refresh token travels in a cookie that scripts cannot read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccessToken {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    /// Until when it is valid.
    pub expires_at: DateTime<Utc>,
}

/// A session of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnSession {
    /// The session.
    pub id: Uuid,
    /// Whether it is the one that asks.
    pub this: bool,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to a quarter of an hour.
    pub last_used_at: DateTime<Utc>,
    /// From where it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<String>,
    /// With what: the browser and its system, or the name of a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// What a user may do (PRODUCT section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also releases, uploads, deletes exemptions.
    Operator,
    /// Also run settings, mail servers, users, tokens.
    Administrator,
    /// Runs the service; not tied to an account.
    Provider,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Administrator, Self::Provider];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
            Self::Provider => "provider",
        }
    }
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// The user.
    pub user_id: Uuid,
    /// The address that signs in.
    pub email: String,
    /// What the user may do.
    pub role: Role,
    /// The account that is open; absent for a provider outside of all accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Uuid>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// Whether the open account may download its lists and logs; if not, an inquiry to the provider asks for it.
    pub downloads_enabled: bool,
    /// What it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Whether the open account is suspended: then only inquiries can be read and written, except by a provider.
    pub account_suspended: bool,
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read everything of the account.
    Read,
    /// Report delivery events.
    Events,
    /// Release addresses and delete exemptions.
    Lists,
    /// Change run settings, run now, mail servers.
    Manage,
    /// Be the agent of one mail server.
    Agent,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Read, Self::Events, Self::Lists, Self::Manage, Self::Agent];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Events => "events",
            Self::Lists => "lists",
            Self::Manage => "manage",
            Self::Agent => "agent",
        }
    }
}

/// A token of a script or agent, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiToken {
    /// The token.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// The only server configurations that it may touch; absent: all, and what belongs to the account as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_configuration_ids: Option<Vec<Uuid>>,
    /// The mail server whose agent it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail_server_id: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is valid; absent: until revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The most server configurations that a token can be limited to.
pub const MAX_TOKEN_CONFIGURATIONS: usize = 100;

/// A token to make for a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApiToken {
    /// What it is for.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// What it may be used for; `agent` tokens come with their mail server instead.
    #[garde(length(min = 1))]
    pub scopes: Vec<Scope>,
    /// The only server configurations that it may touch, 1 to 100; absent: all, and what belongs to the account as a whole.
    #[garde(length(min = 1, max = MAX_TOKEN_CONFIGURATIONS))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_configuration_ids: Option<Vec<Uuid>>,
    /// Until when it is valid; absent: until revoked.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// A new token with its secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiTokenSecret {
    /// The token.
    pub token: ApiToken,
    /// For `Authorization: Bearer …`.
    pub secret: String,
}
