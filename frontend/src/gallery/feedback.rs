//! What tells how something went or goes: states of a page, notices, progress, dialogs, messages, secrets.

use super::Piece;
use crate::{
    i18n::{Texts, number},
    state::texts,
    ui::{Button, Dialog, Empty, Failure, Icon, Kind, Notice, Progress, Secret, Shape, Skeleton, Toasts, Tone},
};
use leptos::prelude::*;

/// States, notices, progress, dialogs, messages and secrets.
pub fn pieces() -> Vec<Piece> {
    let texts = texts();
    vec![states(texts), notices(texts), progress(texts), dialogs(texts), toasts(texts), secrets(texts)]
}

fn states(texts: &'static Texts) -> Piece {
    let framed = |view: AnyView| view! { <div class="table-frame">{view}</div> }.into_any();
    let empty = view! { <Empty title=texts.blocked_empty text=texts.blocked_empty_text/> };
    let with_way = view! {
        <Empty title=texts.no_configurations text=texts.no_configurations_text>
            <Button kind=Kind::Primary><Icon shape=Shape::Plus/>{texts.new_configuration}</Button>
        </Empty>
    };
    let alone = view! { <Empty title=texts.not_found text=texts.not_found_text alone=true/> };
    let failure =
        |heading| view! { <Failure text=(texts.failed)(503) heading again=texts.try_again press=|()| {}/> }.into_any();
    Piece {
        name: "Skeleton, Empty, Failure",
        states: vec![
            ("Skeleton", framed(view! { <Skeleton label=texts.loading/> }.into_any())),
            ("Empty", framed(empty.into_any())),
            ("Empty, with a way on", framed(with_way.into_any())),
            ("Empty, alone", alone.into_any()),
            ("Failure", framed(failure(None))),
            ("Failure, alone", failure(Some(texts.blocked_list))),
        ],
    }
}

fn notices(texts: &'static Texts) -> Piece {
    let notice = |tone, words: &'static str| view! { <Notice tone>{words}</Notice> }.into_any();
    let long = view! {
        <Notice tone=Tone::Warn><strong>{texts.heavy_days_title}</strong><p>{texts.heavy_days_text}</p></Notice>
    };
    Piece {
        name: "Notice",
        states: vec![
            ("Plain", notice(Tone::Plain, texts.standard_fixed)),
            ("Good", notice(Tone::Good, texts.contact_made)),
            ("Working", notice(Tone::Working, texts.waiting_contact)),
            ("Warn", long.into_any()),
            ("Bad", notice(Tone::Bad, texts.connection_lost)),
        ],
    }
}

fn progress(texts: &'static Texts) -> Piece {
    let bar = |value: Option<f64>| {
        let text = value.map_or_else(String::new, |value| {
            let done = (value * 1_000_000.0) as i64;
            (texts.uploads.rows_of)(done, 1_000_000)
        });
        view! { <Progress label=texts.loading value=Signal::stored(value) text=Signal::stored(text)/> }.into_any()
    };
    Piece {
        name: "Progress",
        states: vec![
            ("not known", bar(None)),
            ("begun", bar(Some(0.0))),
            ("on its way", bar(Some(0.42))),
            ("done", bar(Some(1.0))),
        ],
    }
}

fn dialogs(texts: &'static Texts) -> Piece {
    let dialog = |wide: bool| {
        let open = RwSignal::new(false);
        let words = if wide { texts.watch_warning } else { texts.renew_token_title };
        view! {
            <Button press=move |()| open.set(true)>{words}</Button>
            <Dialog open title=words close=texts.close wide>
                <div class="stack">
                    <h3>{(texts.renew_question)("mx1")}</h3>
                    <p class="soft">{texts.renew_token_text}</p>
                    <div class="dialog-foot">
                        <Button press=move |()| open.set(false)>{texts.cancel}</Button>
                        <Button kind=Kind::Danger press=move |()| open.set(false)>{texts.renew_token}</Button>
                    </div>
                </div>
            </Dialog>
        }
        .into_any()
    };
    Piece { name: "Dialog", states: vec![("rest", dialog(false)), ("wide", dialog(true))] }
}

fn toasts(texts: &'static Texts) -> Piece {
    let shown = Toasts::here();
    let good = move |()| shown.good((texts.bulk_released)(1_204));
    let bad = move |()| shown.bad(texts.unreachable);
    Piece {
        name: "Toasts, ToastRegion",
        states: vec![
            ("good, goes by itself", view! { <Button press=good>{texts.release}</Button> }.into_any()),
            ("bad, stays", view! { <Button press=bad>{texts.try_again}</Button> }.into_any()),
        ],
    }
}

fn secrets(texts: &'static Texts) -> Piece {
    let text = format!("stl_{}", number::grouped(1_234_567_890_123).replace(',', "x").repeat(4));
    let secret = |before| {
        view! { <Secret label=texts.token text=text.clone() words=(before, texts.copied, texts.copy_by_hand)/> }
            .into_any()
    };
    Piece { name: "Secret", states: vec![("rest", secret(texts.copy)), ("copied", secret(texts.copied))] }
}
