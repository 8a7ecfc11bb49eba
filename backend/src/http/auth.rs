//! Authorisation is a type in the handler's signature: without its guard a handler has no [`Access`].

use super::{client, cookies};
use crate::{
    service::{
        Access, Error, Result,
        authentication::{self, Identity, Origin, Permission},
        devices::{self, Device},
        users::Realm,
    },
    state::AppState,
};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header, web};
use futures::future::LocalBoxFuture;
use std::future::{Ready, ready};
use tracing_actix_web::RequestId;
use uuid::Uuid;

/// How many characters of a `User-Agent` are kept.
const MAX_USER_AGENT: usize = 300;

/// Who sent the request, whatever they may do.
///
/// # Errors
/// [`Error::Unauthorized`]: nobody who is known.
///
/// [`Error::TooMany`]: too often.
pub async fn identify(request: &HttpRequest) -> Result<Identity> {
    // The same request may be asked more than once, and counts once.
    if let Some(identity) = request.extensions().get::<Identity>() {
        return Ok(identity.clone());
    }
    let state = request
        .app_data::<web::Data<AppState>>()
        .ok_or_else(|| Error::Internal(anyhow::anyhow!("the application has no state")))?;
    // Such a token has all keys read again, so it is counted before: a stranger can name as many keys as they like.
    let names_unknown_key = bearer(request).is_ok_and(|token| state.signer.is_unknown(token));
    if names_unknown_key {
        count_stranger(request)?;
    }
    let identified = match bearer(request) {
        Ok(token) => authentication::identify(state, token, origin(request)).await,
        Err(error) => Err(error),
    };
    match &identified {
        Ok(identity) => {
            if let Some(id) = identity.actor.id() {
                tracing::Span::current().record("actor", tracing::field::display(id));
            }
            state.limits.known(identity)?;
            request.extensions_mut().insert(identity.clone());
        }
        Err(Error::Unauthorized) if !names_unknown_key => count_stranger(request)?,
        Err(_) => {}
    }
    identified
}

/// Counts a request of somebody who is not known.
///
/// # Errors
/// [`Error::TooMany`].
pub fn count_stranger(request: &HttpRequest) -> Result<()> {
    match (request.app_data::<web::Data<AppState>>(), client::address(request)) {
        (Some(state), Some(address)) => state.limits.stranger(address),
        _ => Ok(()),
    }
}

/// Counts a request for the user who is known by the browser that it came with, or else by [`count_stranger`]: nobody else
/// who asks too often keeps such a browser out, also not from the same address.
///
/// # Errors
/// [`Error::TooMany`], or the database refused.
pub async fn count_visitor(request: &HttpRequest) -> Result<Option<Device>> {
    if let Some((state, token)) = request.app_data::<web::Data<AppState>>().zip(cookies::DEVICE.read(request))
        && let Some(device) = devices::open(state, &token).await?
    {
        return state.limits.session(device.user_id).map(|()| Some(device));
    }
    count_stranger(request).map(|()| None)
}

/// Anybody, as often as anybody may ask. What needs no token has it in its signature.
#[derive(Debug, Clone)]
pub struct Anybody(pub Origin);

impl FromRequest for Anybody {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(count_stranger(request).map(|()| Self(origin(request))))
    }
}

/// Whoever comes with the cookie of a session: counted for that session, or by [`count_visitor`] if it is none of ours.
#[derive(Debug, Clone)]
pub struct Holder(pub Origin);

impl FromRequest for Holder {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(origin(request))))
    }
}

/// Whoever signs in, counted by [`count_visitor`].
#[derive(Debug, Clone)]
pub struct Visitor {
    /// From where.
    pub origin: Origin,
    /// With which browser.
    pub device: Option<Device>,
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let device = count_visitor(&request).await?;
            Ok(Self { origin: origin(&request), device })
        })
    }
}

/// The bearer token of a request.
///
/// # Errors
/// [`Error::Unauthorized`]: there is none.
pub fn bearer(request: &HttpRequest) -> Result<&str> {
    request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(Error::Unauthorized)
}

/// Where a request came from, for the audit log.
fn origin(request: &HttpRequest) -> Origin {
    Origin {
        request_id: request.extensions().get::<RequestId>().map(ToString::to_string),
        client_address: client::address(request).map(|address| address.to_string()),
        user_agent: request
            .headers()
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|value| value.chars().take(MAX_USER_AGENT).collect()),
    }
}

macro_rules! guards {
    ($($(#[$doc:meta])* $name:ident($proof:ty) = $prove:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub $proof);

        impl FromRequest for $name {
            type Error = Error;
            type Future = LocalBoxFuture<'static, Result<Self>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let prove: fn(Identity) -> Result<$proof> = $prove;
                let request = request.clone();
                Box::pin(async move { prove(identify(&request).await?).map(Self) })
            }
        }
    )*};
}

guards! {
    /// May read: any user of the account, tokens with scope `read`.
    Viewer(Access) = |identity| identity.access(Permission::View);
    /// May release and delete exemptions: operators and above, tokens with scope `lists`.
    Operator(Access) = |identity| identity.access(Permission::Operate);
    /// May change settings: administrators, a provider inside an account, tokens with scope `manage`.
    Administrator(Access) = |identity| identity.access(Permission::Administer);
    /// May report delivery events: operators and above, tokens with scope `events`, and agents for their own server configuration.
    Reporter(Access) = |identity| identity.access(Permission::Report);
    /// May read the inquiries of the account, also while it is suspended: any user, tokens with scope `read`. Writing needs a
    /// person, which the service looks at.
    Correspondent(Access) = Identity::correspond;
    /// A person in a session, inside an account or not.
    SignedIn(Identity) = |identity| {
        if identity.is_user() {
            Ok(identity)
        } else {
            Err(Error::Forbidden("this is for people: sign in with a password".to_owned()))
        }
    };
    /// The staff that runs the service.
    Provider(Identity) = |identity| identity.require(Permission::Provide).map(|()| identity);
    /// Who manages people: an administrator or a provider inside an account, or a provider outside of all accounts.
    Manager(Realm) = Realm::open;
    /// Who may read the audit log: as [`Manager`], and tokens with scope `manage`.
    Auditor(Identity) = |identity| identity.require_manager().map(|()| identity);
}

/// The agent of a mail server.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Its right to act.
    pub access: Access,
    /// Its mail server.
    pub mail_server_id: Uuid,
    /// That server's configuration.
    pub server_configuration_id: Uuid,
}

impl FromRequest for Agent {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let access = identify(&request).await?.access(Permission::Agent)?;
            let crate::service::Actor::MailServer { id, server_configuration_id, .. } = access.actor else {
                return Err(Error::Forbidden("this is for agents: use the token of a mail server".to_owned()));
            };
            Ok(Self { access, mail_server_id: id, server_configuration_id })
        })
    }
}
