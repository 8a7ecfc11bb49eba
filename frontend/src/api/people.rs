//! Users, invitations, one's own account.

use super::{ApiError, Client};
use crate::api::message::json;
use chrono::{DateTime, Utc};
use gloo_net::http::Method;
use serde::{Deserialize, de::DeserializeOwned};
use shared::{
    Page,
    second_factor::{
        BeginSecondFactor, ConfirmSecondFactor, RecoveryCodes, SecondFactorProof, SecondFactorSecret,
        SecondFactorSignIn, SecondFactorState,
    },
    session::{AccessToken, OwnSession, SignInRequest},
    user::{
        Invitation, LinkSecret, NewInvitation, PasswordByLink, PasswordChange, PasswordResetRequest, User, UserUpdate,
    },
};
use uuid::Uuid;

/// What a right password leads to: one token or the other.
#[derive(Deserialize)]
struct FirstStep {
    access_token: Option<String>,
    second_factor_token: Option<String>,
    expires_at: DateTime<Utc>,
}

/// Of a new link only what is needed: the rest is known to who made it.
#[derive(Deserialize)]
struct NewLink<T> {
    link: T,
}

/// Who a link is for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LinkPurpose {
    /// Who signs in.
    pub email: String,
    /// Into which account an invitation leads; absent: to the provider's staff.
    pub account_name: Option<String>,
}

impl Client {
    /// Signs in; answers the token of the second step, if there is one.
    pub async fn sign_in(self, request: &SignInRequest) -> Result<Option<String>, ApiError> {
        let step = self.open_call::<FirstStep>(Method::POST, "/sessions", Some(request)).await;
        let step = step.map_err(|error| if error.is_unknown_user() { ApiError::WrongSignIn } else { error })?;
        if let Some(access_token) = step.access_token {
            self.begin(AccessToken { access_token, expires_at: step.expires_at }).await;
        }
        Ok(step.second_factor_token)
    }

    /// The second step of signing in.
    pub async fn second_step(self, request: &SecondFactorSignIn) -> Result<(), ApiError> {
        self.begin(self.open_call(Method::POST, "/sessions/second-factor", Some(request)).await?).await;
        Ok(())
    }

    /// The users.
    pub async fn users(self) -> Result<Page<User>, ApiError> {
        self.whole("/users").await
    }

    /// Changes a user, unless somebody else did since it was read.
    pub async fn update_user(self, user: &User, change: &UserUpdate) -> Result<User, ApiError> {
        let (path, etag) = (format!("/users/{}", user.id), format!("\"{}\"", user.revision));
        self.call(Method::PATCH, &path, Some(json(change)?), &[("If-Match", &etag)]).await?.json()
    }

    /// Makes a link that sets a user's password.
    pub async fn make_password_link(self, user: Uuid) -> Result<String, ApiError> {
        self.new_link(&format!("/users/{user}/password-reset"), None).await
    }

    async fn new_link<T: DeserializeOwned>(self, path: &str, body: Option<String>) -> Result<T, ApiError> {
        Ok(self.call(Method::POST, path, body, &[]).await?.json::<NewLink<T>>()?.link)
    }

    /// Takes away a user's second factor.
    pub async fn remove_second_factor(self, user: Uuid) -> Result<(), ApiError> {
        self.call(Method::DELETE, &format!("/users/{user}/second-factor"), None, &[]).await.map(drop)
    }

    /// The invitations that nobody accepted yet.
    pub async fn invitations(self) -> Result<Page<Invitation>, ApiError> {
        self.whole("/invitations").await
    }

    /// Invites somebody; answers the link, unless it was sent by mail.
    pub async fn invite(self, new: &NewInvitation) -> Result<Option<String>, ApiError> {
        self.new_link("/invitations", Some(json(new)?)).await
    }

    /// Gives an invitation another link; answers as [`Self::invite`].
    pub async fn renew_invitation(self, id: Uuid) -> Result<Option<String>, ApiError> {
        self.new_link(&format!("/invitations/{id}/renew"), None).await
    }

    /// Takes an invitation back.
    pub async fn withdraw_invitation(self, id: Uuid) -> Result<(), ApiError> {
        self.call(Method::DELETE, &format!("/invitations/{id}"), None, &[]).await.map(drop)
    }

    /// What a link invites to.
    pub async fn preview_invitation(self, secret: &LinkSecret) -> Result<LinkPurpose, ApiError> {
        self.open_call(Method::POST, "/invitations/preview", Some(secret)).await
    }

    /// Accepts an invitation and signs in.
    pub async fn accept_invitation(self, request: &PasswordByLink) -> Result<(), ApiError> {
        self.keep(self.open_call::<AccessToken>(Method::POST, "/invitations/accept", Some(request)).await?);
        Ok(())
    }

    /// Asks for a link that sets a new password, by mail. Nobody hears whether the address is a user's.
    pub async fn request_password_reset(self, request: &PasswordResetRequest) -> Result<(), ApiError> {
        self.open_send("/password-resets", request).await
    }

    /// Whose password a link sets.
    pub async fn preview_password_reset(self, secret: &LinkSecret) -> Result<LinkPurpose, ApiError> {
        self.open_call(Method::POST, "/password-resets/preview", Some(secret)).await
    }

    /// Sets a password by a link.
    pub async fn reset_password(self, request: &PasswordByLink) -> Result<(), ApiError> {
        self.open_send("/password-resets/complete", request).await
    }

    /// Changes one's own password.
    pub async fn change_password(self, request: &PasswordChange) -> Result<(), ApiError> {
        self.call(Method::PUT, "/me/password", Some(json(request)?), &[]).await.map(drop)
    }

    /// Whether one has a second factor.
    pub async fn second_factor(self) -> Result<SecondFactorState, ApiError> {
        self.get("/me/second-factor").await
    }

    /// Begins with a second factor.
    pub async fn begin_second_factor(self, request: &BeginSecondFactor) -> Result<SecondFactorSecret, ApiError> {
        self.send(Method::POST, "/me/second-factor", request).await
    }

    /// Puts it in effect.
    pub async fn confirm_second_factor(self, request: &ConfirmSecondFactor) -> Result<RecoveryCodes, ApiError> {
        self.send(Method::POST, "/me/second-factor/confirm", request).await
    }

    /// Makes new recovery codes.
    pub async fn renew_recovery_codes(self, proof: &SecondFactorProof) -> Result<RecoveryCodes, ApiError> {
        self.send(Method::POST, "/me/second-factor/recovery-codes", proof).await
    }

    /// Removes one's own second factor.
    pub async fn disable_second_factor(self, proof: &SecondFactorProof) -> Result<(), ApiError> {
        self.call(Method::POST, "/me/second-factor/disable", Some(json(proof)?), &[]).await.map(drop)
    }

    /// One's own sessions.
    pub async fn sessions(self) -> Result<Page<OwnSession>, ApiError> {
        self.whole("/me/sessions").await
    }

    /// Ends one of one's own sessions, or all but this one.
    pub async fn end_sessions(self, only: Option<Uuid>) -> Result<(), ApiError> {
        let path = only.map_or_else(|| "/me/sessions".to_owned(), |id| format!("/me/sessions/{id}"));
        self.call(Method::DELETE, &path, None, &[]).await.map(drop)
    }
}
