//! Dates for reading, by the browser's knowledge of languages and time zones.

use chrono::{DateTime, NaiveDate, Utc};
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
    options.extend(zone.map(|zone| ("timeZone", zone)));
    format(at.timestamp_millis() as f64, language, &options)
}

/// A day, whatever the zone.
pub fn day(day: NaiveDate, language: &str) -> String {
    let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() as f64;
    let options =
        [("year", "numeric"), ("month", "short"), ("day", "numeric"), ("weekday", "short"), ("timeZone", "UTC")];
    format(midnight, language, &options)
}

/// A day without its year, whatever the zone.
pub fn short_day(day: NaiveDate, language: &str) -> String {
    let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis() as f64;
    format(midnight, language, &[("month", "short"), ("day", "numeric"), ("timeZone", "UTC")])
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
pub fn start_of_day(text: &str, later: i32) -> Option<String> {
    let day = text.parse::<NaiveDate>().ok()?;
    use chrono::Datelike;
    let year = u32::try_from(day.year()).ok()?;
    let date = Date::new_with_year_month_day(year, day.month0().cast_signed(), day.day().cast_signed() + later);
    Some(String::from(date.to_iso_string()))
}

/// The browser's time zone.
pub fn own_zone() -> String {
    let options = Intl::DateTimeFormat::new(&Array::new(), &Object::new()).resolved_options();
    Reflect::get(&options, &"timeZone".into())
        .ok()
        .and_then(|zone| zone.as_string())
        .unwrap_or_else(|| "UTC".to_owned())
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
