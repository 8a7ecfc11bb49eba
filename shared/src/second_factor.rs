//! The second factor: codes of an authenticator app (RFC 6238), and one-time codes for when it is lost.

use crate::session::MAX_PASSWORD;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};

/// The longest code, with the spaces and dashes that people type.
pub(crate) const MAX_CODE: usize = 40;

/// Whether one's own account has a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecondFactorState {
    /// Whether signing in takes a code.
    pub enabled: bool,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_at: Option<DateTime<Utc>>,
    /// How many recovery codes are left.
    pub recovery_codes_left: u32,
}

/// The password, to begin with a second factor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BeginSecondFactor {
    /// One's own.
    #[garde(length(chars, min = 1, max = MAX_PASSWORD))]
    pub password: String,
}

/// What goes into the authenticator app. It is shown this once, and in effect when a code of the app confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecondFactorSecret {
    /// The secret in Base32 (RFC 4648), to type.
    pub secret: String,
    /// The same for apps: `otpauth://totp/…`.
    pub otpauth_uri: String,
    /// That address as a QR code, to scan: an SVG image, black on white.
    pub qr_code: String,
}

/// A code of the authenticator app.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmSecondFactor {
    /// Six digits; spaces do not matter.
    #[garde(length(chars, min = 1, max = MAX_CODE))]
    pub code: String,
}

/// Password and code, to change or remove one's own second factor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SecondFactorProof {
    /// One's own.
    #[garde(length(chars, min = 1, max = MAX_PASSWORD))]
    pub password: String,
    /// Of the authenticator app, or a recovery code.
    #[garde(length(chars, min = 1, max = MAX_CODE))]
    pub code: String,
}

/// Codes that sign in once each when the authenticator app is lost. They are shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryCodes {
    /// Ten.
    pub recovery_codes: Vec<String>,
}

/// The password was right; a code has to follow.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecondFactorNeeded {
    /// For `POST /sessions/second-factor`; it is no access token.
    pub second_factor_token: String,
    /// Until when it can be used.
    pub expires_at: DateTime<Utc>,
}

/// The second step of signing in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SecondFactorSignIn {
    /// What the first step answered.
    #[garde(length(chars, min = 1, max = 2000))]
    pub second_factor_token: String,
    /// Of the authenticator app, or a recovery code.
    #[garde(length(chars, min = 1, max = MAX_CODE))]
    pub code: String,
}
