//! Where in a list somebody was who opened one of its addresses.

use leptos::prelude::*;

/// The page that was left for an address's history.
#[derive(Clone)]
struct Left {
    page: String,
    address: String,
    /// Whether whoever left was back at the address already.
    returned: bool,
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
        self.0.set_value(Some(Left { page: here(), address: address.to_owned(), returned: false }));
    }

    /// The page that was left for this address, as an address of the console.
    pub fn from(self, address: &str) -> Option<String> {
        self.0.with_value(|left| left.as_ref().filter(|left| left.address == address).map(|left| left.page.clone()))
    }

    /// Whether this is the address that was followed on this page; true only once.
    pub fn is_back_at(self, address: &str) -> bool {
        let back = |left: &Left| !left.returned && left.address == address && left.page == here();
        let is_back = self.0.with_value(|left| left.as_ref().is_some_and(back));
        if is_back {
            self.0.update_value(|left| left.iter_mut().for_each(|left| left.returned = true));
        }
        is_back
    }
}

/// The path and the query of the page.
fn here() -> String {
    let location = window().location();
    [location.pathname(), location.search()].into_iter().filter_map(Result::ok).collect()
}
