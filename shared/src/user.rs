//! People: the users of an account or of the provider, invitations, and links that set a password.

use crate::{
    second_factor::MAX_CODE,
    session::{MAX_PASSWORD, MIN_PASSWORD, Role},
};
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A person who may sign in, as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// The user.
    pub id: Uuid,
    /// The address that signs in.
    pub email: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may sign in.
    pub active: bool,
    /// Whether signing in takes a second factor.
    pub second_factor: bool,
    /// When the user was made.
    pub created_at: DateTime<Utc>,
    /// When the user was last here, to a quarter of an hour; absent when no session is left to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Counts the changes; the ETag is made of it.
    pub revision: i64,
}

/// What changes of a user; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UserUpdate {
    /// What the user may do, from the next request on.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether the user may sign in. False ends the user's sessions at once.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// Somebody who was invited and has not come yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// The invitation.
    pub id: Uuid,
    /// The address that will sign in.
    pub email: String,
    /// What the user may do.
    pub role: Role,
    /// Who invited.
    pub invited_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when its link works; renew it after that.
    pub expires_at: DateTime<Utc>,
}

/// Somebody to invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The address that will sign in.
    #[garde(length(chars, min = 3, max = 254))]
    pub email: String,
    /// What the user may do.
    #[garde(skip)]
    pub role: Role,
}

/// An invitation with its link, which is shown this once, or was sent by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationLink {
    /// The invitation.
    pub invitation: Invitation,
    /// Where the console takes it, relative to the service's address. What follows `#` is the secret: browsers do not
    /// send it, so that no log has it. Absent where the service sends mail: only who reads the mailbox gets it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// A link that sets a new password, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasswordResetLink {
    /// Whose password it sets.
    pub email: String,
    /// Where the console takes it, relative to the service's address. What follows `#` is the secret.
    pub link: String,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
}

/// The longest secret of a link.
const MAX_SECRET: usize = 100;

/// The secret of a link, to see what it is for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkSecret {
    /// What follows `#` in the link.
    #[garde(length(chars, min = 1, max = MAX_SECRET))]
    pub secret: String,
}

/// The secret of a link, and the password that it sets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordByLink {
    /// What follows `#` in the link.
    #[garde(length(chars, min = 1, max = MAX_SECRET))]
    pub secret: String,
    /// The new password, 15 to 256 characters.
    #[garde(length(chars, min = MIN_PASSWORD, max = MAX_PASSWORD))]
    pub password: String,
}

/// What an invitation is for, as its link tells who was invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvitationPreview {
    /// The address that will sign in.
    pub email: String,
    /// What the user may do.
    pub role: Role,
    /// The account's name; absent: the provider's staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
}

/// Whose password a link sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PasswordResetPreview {
    /// The address that signs in.
    pub email: String,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
}

/// Asks for a link that sets a new password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordResetRequest {
    /// The address that signs in.
    #[garde(length(min = 1, max = 254))]
    pub email: String,
}

/// Changes one's own password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    #[garde(length(chars, min = 1, max = MAX_PASSWORD))]
    pub present_password: String,
    /// The new one, 15 to 256 characters.
    #[garde(length(chars, min = MIN_PASSWORD, max = MAX_PASSWORD))]
    pub new_password: String,
    /// Of the authenticator app, or a recovery code: from who has a second factor.
    #[garde(length(chars, min = 1, max = MAX_CODE))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}
