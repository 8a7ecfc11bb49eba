//! The time zone that times are shown in.

use js_sys::{Array, Intl, Object, Reflect};
use std::cell::{OnceCell, RefCell};

/// Coordinated universal time.
pub const UTC: &str = "UTC";

thread_local! {
    static CHOSEN: RefCell<Option<String>> = const { RefCell::new(None) };
    /// They are asked for once, and stay as long as the page.
    static KNOWN: OnceCell<&'static [&'static str]> = const { OnceCell::new() };
}

/// Every time zone that the browser knows.
pub fn known() -> &'static [&'static str] {
    KNOWN.with(|known| {
        *known.get_or_init(|| {
            let names = Intl::supported_values_of(Intl::SupportedValuesKey::TimeZone);
            let mut names: Vec<&str> = names.iter().map(|name| &*String::from(name).leak()).collect();
            // Some browsers do not count it.
            if !names.contains(&UTC) {
                names.push(UTC);
            }
            names.leak()
        })
    })
}

/// Shows times in a zone that the browser knows; empty: in the browser's own.
pub fn choose(zone: &str) {
    CHOSEN.set(Some(zone.to_owned()).filter(|zone| !zone.is_empty()));
}

/// The zone that was chosen.
pub fn chosen() -> Option<String> {
    CHOSEN.with_borrow(Clone::clone)
}

/// The zone that times are shown in.
pub fn own() -> String {
    chosen().unwrap_or_else(of_browser)
}

/// The browser's time zone.
pub fn of_browser() -> String {
    let options = Intl::DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &"timeZone".into()).ok().and_then(|zone| zone.as_string()).unwrap_or_else(|| UTC.to_owned())
}
