//! What says a state in a word or a picture, and text as it is written everywhere.

use super::Piece;
use crate::{
    i18n::{Texts, number},
    state::{Preferences, now, texts, ticking},
    ui::{Badge, Dot, Drawn, Icon, Moment, Shape, Tone, mail_address, smtp_reply, time},
};
use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;

/// Badges, dots, icons, addresses, times, numbers and replies.
pub fn pieces() -> Vec<Piece> {
    vec![badges(texts()), icons(), addresses(), times(), writing()]
}

fn badges(texts: &'static Texts) -> Piece {
    let badge = |tone, text| view! { <Badge tone text/> }.into_any();
    Piece {
        name: "Badge, Dot",
        states: vec![
            ("Plain", badge(Tone::Plain, texts.inactive)),
            ("Good", badge(Tone::Good, texts.enabled)),
            ("Working", badge(Tone::Working, texts.run_working)),
            ("Warn", badge(Tone::Warn, texts.waiting_contact)),
            ("Bad", badge(Tone::Bad, texts.tab_blocked)),
            ("Dot", view! { <Dot text=texts.inquiries.unread/> }.into_any()),
        ],
    }
}

fn icons() -> Piece {
    let shapes = [
        ("Search", Shape::Search),
        ("Close", Shape::Close),
        ("Plus", Shape::Plus),
        ("Settings", Shape::Settings),
        ("Play", Shape::Play),
        ("Warning", Shape::Warning),
        ("Done", Shape::Done),
        ("Copy", Shape::Copy),
        ("Download", Shape::Download),
        ("Empty", Shape::Empty),
        ("Upload", Shape::Upload),
        ("Brand", Shape::Brand),
    ];
    let icon = |(name, shape)| {
        let sizes = [14, 16, 28].into_iter().map(|size| view! { <Icon shape size/> }).drawn();
        (name, view! { <div class="row">{sizes}</div> }.into_any())
    };
    Piece { name: "Icon", states: shapes.into_iter().map(icon).collect() }
}

fn addresses() -> Piece {
    let address = |text: &str| view! { <p class="gallery-narrow break">{mail_address(text)}</p> }.into_any();
    Piece {
        name: "mail_address",
        states: vec![
            ("short", address("taro@example.com")),
            ("breaks before its @", address("taro.yamada.2026.newsletter@mail.example.co.jp")),
            ("long domain", address("taro@a.very.long.subdomain.of.a.very.long.domain.example.co.jp")),
        ],
    }
}

/// So long ago.
fn ago(delta: TimeDelta) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(now() as i64).unwrap_or_default() - delta
}

fn times() -> Piece {
    let language = expect_context::<Preferences>().language.get_untracked().tag();
    let at = move |delta| view! { <Moment at=ago(delta) language now=Some(ticking())/> }.into_any();
    let exact = view! { <Moment at=ago(TimeDelta::minutes(5)) language now=None/> };
    Piece {
        name: "Moment, time",
        states: vec![
            ("now", at(TimeDelta::seconds(1))),
            ("minutes", at(TimeDelta::minutes(5))),
            ("hours", at(TimeDelta::hours(5))),
            ("days", at(TimeDelta::days(5))),
            ("never in words", exact.into_any()),
            ("in another zone", time::date_time(ago(TimeDelta::zero()), language, Some("America/New_York")).into_any()),
            ("day", time::day(ago(TimeDelta::zero()).date_naive(), language).into_any()),
            ("short_day", time::short_day(ago(TimeDelta::zero()).date_naive(), language).into_any()),
        ],
    }
}

fn writing() -> Piece {
    let list =
        |all: Vec<String>| view! { <ul role="list">{all.into_iter().map(|one| view! { <li>{one}</li> }).drawn()}</ul> };
    let replies = [
        smtp_reply(Some(550), Some("5.1.1".to_owned()), Some("550 5.1.1 User unknown".to_owned())),
        smtp_reply(None, Some("4.4.7".to_owned()), None),
    ];
    Piece {
        name: "number, smtp_reply",
        states: vec![
            ("grouped", list([0, 999, 1_234_567].map(number::grouped).to_vec()).into_any()),
            ("bytes", list([999, 1_500, 62_000_000].map(number::bytes).to_vec()).into_any()),
            (
                "smtp_reply",
                view! { <div class="mono">{list(replies.into_iter().flatten().collect())}</div> }.into_any(),
            ),
        ],
    }
}
