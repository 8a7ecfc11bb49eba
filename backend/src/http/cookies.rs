//! The cookies of a browser. No script reads them, and no request that another site begins brings them.

use super::client;
use crate::service::{devices, sessions::SESSION_LIFETIME};
use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};
use chrono::TimeDelta;

/// A cookie.
pub struct Kind {
    name: &'static str,
    /// The name where the client came by TLS: no other host of the domain can set it (RFC 6265bis section 4.1.3.2), which
    /// takes the whole site as its path.
    secure_name: &'static str,
    lifetime: TimeDelta,
}

/// The refresh token of the session.
pub const REFRESH: Kind =
    Kind { name: "stoplist_refresh", secure_name: "__Host-stoplist_refresh", lifetime: SESSION_LIFETIME };
/// That somebody has signed in with this browser.
pub const DEVICE: Kind =
    Kind { name: "stoplist_device", secure_name: "__Host-stoplist_device", lifetime: devices::LIFETIME };

/// The only paths that cookies are sent to without TLS.
const PATH: &str = "/api/v1/sessions";

impl Kind {
    /// What the browser sent.
    pub fn read(&self, request: &HttpRequest) -> Option<String> {
        let name = if client::is_secure(request) { self.secure_name } else { self.name };
        request.cookie(name).map(|cookie| cookie.value().to_owned())
    }

    /// What makes the browser keep a value.
    pub fn keep(&self, request: &HttpRequest, value: String) -> Cookie<'static> {
        self.cookie(request, value, self.lifetime)
    }

    /// What makes the browser forget it.
    pub fn forget(&self, request: &HttpRequest) -> Cookie<'static> {
        self.cookie(request, String::new(), TimeDelta::zero())
    }

    fn cookie(&self, request: &HttpRequest, value: String, lifetime: TimeDelta) -> Cookie<'static> {
        let is_secure = client::is_secure(request);
        let (name, path) = if is_secure { (self.secure_name, "/") } else { (self.name, PATH) };
        Cookie::build(name, value)
            .path(path)
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(is_secure)
            .max_age(Duration::seconds(lifetime.num_seconds()))
            .finish()
    }
}
