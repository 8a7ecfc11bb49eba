//! What access tokens say of themselves.

use super::parse::parse;
use leptos::prelude::window;
use serde::Deserialize;
use uuid::Uuid;

/// The claims of a token (RFC 7519, section 4), as far as the console asks.
#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
    #[serde(default)]
    account: Option<Uuid>,
}

fn claims(token: &str) -> Option<Claims> {
    let claims = token.split('.').nth(1)?.replace('-', "+").replace('_', "/");
    parse(&window().atob(&claims).ok()?).ok()
}

/// The account that an access token is for.
pub(super) fn account_of(token: &str) -> Option<Uuid> {
    claims(token)?.account
}

/// The account of the token `before`, where the token `now` is of the same user and of no account: a provider's, who was
/// inside.
pub(super) fn account_left(before: &str, now: &str) -> Option<Uuid> {
    let (before, now) = (claims(before)?, claims(now)?);
    before.account.filter(|_| before.sub == now.sub && now.account.is_none())
}
