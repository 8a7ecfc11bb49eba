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

/// Whether two access tokens are of the same user, for the same account.
pub(super) fn are_alike(one: &str, other: &str) -> bool {
    claims(one).zip(claims(other)).is_some_and(|(one, other)| (one.sub, one.account) == (other.sub, other.account))
}

/// The account of the token `before`, where the token `now` is of the same user and of no account: a provider's, who was
/// inside.
pub(super) fn account_left(before: &str, now: &str) -> Option<Uuid> {
    let (before, now) = (claims(before)?, claims(now)?);
    before.account.filter(|_| before.sub == now.sub && now.account.is_none())
}
