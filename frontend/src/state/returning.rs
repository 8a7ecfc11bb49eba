//! Where in a list somebody was who opened one of its addresses.

use leptos::prelude::*;

/// The page that was left for an address's history.
#[derive(Clone, PartialEq)]
struct Left {
    page: String,
    address: String,
}

/// Remembers the page, with its search and cursor, and the address, so that the way back ends where it began.
#[derive(Clone, Copy)]
pub struct Returning(StoredValue<Option<Left>>);

impl Returning {
    /// Nothing was left yet.
    pub fn new() -> Self {
        Self(StoredValue::new(None))
    }

    /// The address of this page is followed.
    pub fn leave(self, address: &str) {
        self.0.set_value(Some(Left { page: here(), address: address.to_owned() }));
    }

    /// The page that was left, as an address of the console.
    pub fn from(self) -> Option<String> {
        self.0.with_value(|left| left.as_ref().map(|left| left.page.clone()))
    }

    /// Whether this is the address that was followed on this page; true only once.
    pub fn is_back_at(self, address: &str) -> bool {
        let here = || Left { page: here(), address: address.to_owned() };
        let back =
            self.0.with_value(|left| left.as_ref().is_some_and(|left| left.address == address && *left == here()));
        if back {
            self.0.set_value(None);
        }
        back
    }
}

/// The path and the query of the page.
fn here() -> String {
    let location = window().location();
    [location.pathname(), location.search()].into_iter().filter_map(Result::ok).collect()
}
