//! The browser's clock: the one place of the console that asks for the time.

/// Milliseconds since 1970 (UTC).
pub fn now() -> f64 {
    js_sys::Date::now()
}
