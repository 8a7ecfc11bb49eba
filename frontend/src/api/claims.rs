//! What access tokens say of themselves.

use super::parse::parse;
use leptos::prelude::window;
use serde::Deserialize;
use uuid::Uuid;

/// The claims of a token (RFC 7519, section 4), as far as the console asks.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    account: Option<Uuid>,
}

/// The account that an access token is for.
pub(super) fn account_of(token: &str) -> Option<Uuid> {
    let claims = token.split('.').nth(1)?.replace('-', "+").replace('_', "/");
    parse::<Claims>(&window().atob(&claims).ok()?).ok()?.account
}
