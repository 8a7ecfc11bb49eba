//! Dates for reading, by the browser's knowledge of languages and time zones.

use crate::i18n::zone::{self, UTC};
use chrono::{DateTime, Days, NaiveDate, Utc};
use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use leptos::prelude::*;
use std::{cell::RefCell, collections::HashMap};
use wasm_bindgen::{JsCast, JsValue};

/// A date and time in the user's time zone, with the zone; in words when it was less than a day ago.
#[component]
pub fn Moment(
    /// When.
    at: DateTime<Utc>,
    /// The language's tag.
    language: &'static str,
    /// The time now, in milliseconds since 1970, as it goes on; absent: never in words.
    #[prop(optional_no_strip)]
    now: Option<Signal<f64>>,
) -> impl IntoView {
    let exact = date_time(at, language, None);
    let written = exact.clone();
    let words = move || now.and_then(|now| relative(at, now.get(), language)).unwrap_or_else(|| written.clone());
    view! { <time class="nowrap" datetime=at.to_rfc3339() title=exact>{words}</time> }
}

/// A date and time with its zone; in the user's zone where none is given.
pub fn date_time(at: DateTime<Utc>, language: &str, zone: Option<&str>) -> String {
    let mut options = vec![
        ("year", "numeric"),
        ("month", "short"),
        ("day", "numeric"),
        ("hour", "2-digit"),
        ("minute", "2-digit"),
        ("hourCycle", "h23"),
        ("timeZoneName", "short"),
    ];
    let chosen = zone::chosen();
    options.extend(zone.or(chosen.as_deref()).map(|zone| ("timeZone", zone)));
    format(at.timestamp_millis() as f64, language, &options)
}

/// A day, whatever the zone.
pub fn day(day: NaiveDate, language: &str) -> String {
    let options =
        [("year", "numeric"), ("month", "short"), ("day", "numeric"), ("weekday", "short"), ("timeZone", UTC)];
    format(midnight(day), language, &options)
}

/// A day without its year, whatever the zone.
pub fn short_day(day: NaiveDate, language: &str) -> String {
    format(midnight(day), language, &[("month", "short"), ("day", "numeric"), ("timeZone", UTC)])
}

/// An end of a stretch of time, in the user's zone: as the day that it begins with, or of which it is the `last` moment,
/// where it is made of whole days.
pub fn limit(at: DateTime<Utc>, language: &str, last: bool) -> String {
    let millis = at.timestamp_millis() as f64;
    let clock = [("hour", "2-digit"), ("minute", "2-digit"), ("second", "2-digit"), ("hourCycle", "h23")];
    if format(millis, "en-GB", &clock) != "00:00:00" {
        return date_time(at, language, None);
    }
    let within = if last { millis - 1.0 } else { millis };
    format(within, language, &[("year", "numeric"), ("month", "short"), ("day", "numeric"), ("weekday", "short")])
}

/// The start of a local day (`YYYY-MM-DD`) in the user's zone as RFC 3339; `later` days on.
pub fn start_of_day(text: &str, later: u64) -> Option<String> {
    let day = text.parse::<NaiveDate>().ok()?.checked_add_days(Days::new(later))?;
    let (midnight, zone) = (midnight(day), zone::own());
    // The clock may be changed in between, and midnight be left out: then the day starts after the gap.
    let early = midnight - ahead(midnight, &zone);
    let start = midnight - ahead(early, &zone);
    let start = if start + ahead(start, &zone) < midnight { early } else { start };
    // Not of years that JavaScript does not read.
    start.is_finite().then(|| String::from(Date::new(&start.into()).to_iso_string()))
}

/// By how many milliseconds a zone's clocks are ahead of UTC at a time.
fn ahead(millis: f64, zone: &str) -> f64 {
    let two = "2-digit";
    let options = [
        ("year", "numeric"),
        ("month", two),
        ("day", two),
        ("hour", two),
        ("minute", two),
        ("second", two),
        ("hourCycle", "h23"),
        ("timeZone", zone),
    ];
    // The Swedish form of a date and time is that of ISO 8601 but for the space.
    let clock = format(millis, "sv-SE", &options).replace(' ', "T");
    Date::parse(&format!("{clock}Z")) - millis
}

fn midnight(day: NaiveDate) -> f64 {
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() as f64
}

fn options(pairs: &[(&str, &str)]) -> Object {
    let options = Object::new();
    for (name, value) in pairs {
        // Setting a property of a plain object cannot fail.
        drop(Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(value)));
    }
    options
}

thread_local! {
    /// Formatters by language and options. Making one takes the browser longer than drawing a row of a list.
    static WRITTEN: RefCell<HashMap<String, Function>> = RefCell::default();
    static IN_WORDS: RefCell<HashMap<String, Intl::RelativeTimeFormat>> = RefCell::default();
}

fn format(millis: f64, language: &str, pairs: &[(&str, &str)]) -> String {
    let key = pairs.iter().fold(language.to_owned(), |key, (name, value)| key + " " + name + "=" + value);
    let make = || Intl::DateTimeFormat::new(&Array::of1(&language.into()), &options(pairs)).format().unchecked_into();
    let write = |write: &Function| write.call1(&JsValue::UNDEFINED, &millis.into()).ok()?.as_string();
    WRITTEN.with_borrow_mut(|known| write(known.entry(key).or_insert_with(make))).unwrap_or_default()
}

/// "5 minutes ago", within the last day.
fn relative(at: DateTime<Utc>, now: f64, language: &str) -> Option<String> {
    let seconds = (now - at.timestamp_millis() as f64) / 1_000.0;
    let (count, unit) = match seconds {
        s if s < -60.0 => return None,
        s if s < 60.0 => (0.0, "second"),
        s if s < 3_600.0 => ((s / 60.0).floor(), "minute"),
        s if s < 86_400.0 => ((s / 3_600.0).floor(), "hour"),
        _ => return None,
    };
    let make = || Intl::RelativeTimeFormat::new(&Array::of1(&language.into()), &options(&[("numeric", "auto")]));
    let write = |write: &Intl::RelativeTimeFormat| String::from(write.format(-count, unit));
    Some(IN_WORDS.with_borrow_mut(|known| write(known.entry(language.to_owned()).or_insert_with(make))))
}
