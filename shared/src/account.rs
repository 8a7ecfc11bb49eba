//! Accounts, as the provider sees them.

use crate::session::{MAX_PASSWORD, MIN_PASSWORD};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an account may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Blocking is on with the default conditions and cannot be changed.
    Standard,
    /// Everything.
    Professional,
}

impl Plan {
    /// Every plan.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Professional];

    /// The name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Professional => "professional",
        }
    }
}

/// One customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// The account.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What it may use.
    pub plan: Plan,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// An account to make, with its first administrator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its name.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// What it may use.
    #[garde(skip)]
    pub plan: Plan,
    /// Who signs in first, as administrator.
    #[garde(length(chars, min = 3, max = 254))]
    pub administrator_email: String,
    /// That user's password, 12 to 256 characters.
    #[garde(length(chars, min = MIN_PASSWORD, max = MAX_PASSWORD))]
    pub administrator_password: String,
}
