//! Mail addresses for reading.

use leptos::prelude::*;

/// Longer domains break wherever they have to.
const LONG: usize = 36;

/// A mail address that breaks before its `@` where it is too long for a line, rather than inside its domain.
pub fn mail_address(address: &str) -> AnyView {
    let (local, domain) = address.split_at(address.rfind('@').unwrap_or(address.len()));
    let class = (domain.len() <= LONG).then_some("nowrap");
    view! { {local.to_owned()}<wbr/><span class=class>{domain.to_owned()}</span> }.into_any()
}
