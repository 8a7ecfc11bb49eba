//! What the user presses, types into and chooses from.

use super::Piece;
use crate::{
    i18n::Texts,
    reactive::effect,
    state::texts,
    ui::{Button, Check, Field, FilePicker, Icon, Kind, Search, Select, Shape, TextArea},
};
use leptos::{html, prelude::*};

/// Buttons, fields, choices and files.
pub fn pieces() -> Vec<Piece> {
    let texts = texts();
    vec![buttons(texts), fields(texts), areas(texts), checks(texts), selects(texts), searches(texts), files(texts)]
}

fn buttons(texts: &'static Texts) -> Piece {
    let kinds = [
        ("Primary", Kind::Primary, texts.save),
        ("Plain", Kind::Plain, texts.cancel),
        ("Danger", Kind::Danger, texts.delete),
        ("Quiet", Kind::Quiet, texts.clear_filters),
    ];
    let row = |(name, kind, words): (&'static str, Kind, &'static str)| {
        let view = view! {
            <div class="row">
                <Button kind>{words}</Button>
                <Button kind><Icon shape=Shape::Plus/>{words}</Button>
                <Button kind small=true>{words}</Button>
                <Button kind busy=Signal::stored(true)>{words}</Button>
                <Button kind small=true name=words><Icon shape=Shape::Close/></Button>
            </div>
        };
        (name, view.into_any())
    };
    let mut states: Vec<_> = kinds.into_iter().map(row).collect();
    states.push(("wide", view! { <Button kind=Kind::Primary wide=true>{texts.sign_in}</Button> }.into_any()));
    Piece { name: "Button: rest, icon, small, busy, icon alone", states }
}

fn text(value: &str) -> RwSignal<String> {
    RwSignal::new(value.to_owned())
}

/// As in a form that may only be read.
fn off(view: AnyView) -> AnyView {
    view! { <fieldset disabled=true>{view}</fieldset> }.into_any()
}

fn fields(texts: &'static Texts) -> Piece {
    let (wrong, below) =
        (Signal::stored(Some(texts.bad_address.to_owned())), Signal::stored(Some(texts.number_wrong.to_owned())));
    Piece {
        name: "Field",
        states: vec![
            ("empty", view! { <Field id="field-empty" label=texts.mail_address value=text("")/> }.into_any()),
            (
                "filled, required, with a hint",
                view! {
                    <Field
                        id="field-hint" label=texts.administrator_password value=text("correct horse") kind="password"
                        required=true hint=texts.password_hint
                    />
                }
                .into_any(),
            ),
            (
                "wrong, with a hint",
                view! {
                    <Field
                        id="field-wrong" label=texts.mail_address value=text("taro@") error=wrong hint=texts.comment_hint
                    />
                }
                .into_any(),
            ),
            (
                "wrong",
                view! { <Field id="field-wrong-alone" label=texts.frequency value=text("0") error=below/> }.into_any(),
            ),
            (
                "with suggestions",
                view! {
                    <Field
                        id="field-suggestions" label=texts.time_zone value=text("Asia/Tokyo") hint=texts.time_zone_hint
                        suggestions=&["Asia/Tokyo", "Europe/Berlin", "UTC"]
                    />
                }
                .into_any(),
            ),
            (
                "email",
                view! {
                    <Field id="field-email" label=texts.email value=text("keiko@example.com") kind="email" autocomplete="username"/>
                }
                .into_any(),
            ),
            (
                "number",
                view! { <Field id="field-number" label=texts.watch_period value=text("90") kind="number"/> }.into_any(),
            ),
            (
                "time",
                view! { <Field id="field-time" label=texts.execute_timing value=text("03:30") kind="time"/> }.into_any(),
            ),
            ("date", view! { <Field id="field-date" label=texts.from_day value=text("") kind="date"/> }.into_any()),
            (
                "off",
                off(view! { <Field id="field-off" label=texts.frequency value=text("10")/> }.into_any()),
            ),
        ],
    }
}

fn areas(texts: &'static Texts) -> Piece {
    let (right, wrong) = (Signal::stored(None::<String>), Signal::stored(Some(texts.number_wrong.to_owned())));
    let words = texts.inquiries.please_enable;
    let area =
        |id, words, error| view! { <TextArea id label=texts.inquiries.text value=text(words) error/> }.into_any();
    Piece {
        name: "TextArea",
        states: vec![
            ("empty", area("area-empty", "", right)),
            ("filled", area("area", words, right)),
            ("wrong", area("area-wrong", "", wrong)),
            ("off", off(area("area-off", words, right))),
        ],
    }
}

fn checks(texts: &'static Texts) -> Piece {
    let check = |id: &'static str, ticked: bool| {
        view! { <Check id label=texts.immediate_action value=RwSignal::new(ticked)/> }.into_any()
    };
    Piece {
        name: "Check",
        states: vec![
            ("not ticked", check("check", false)),
            ("ticked", check("check-ticked", true)),
            ("off", off(check("check-off", false))),
            ("ticked and off", off(check("check-ticked-off", true))),
            (
                "with a hint",
                view! {
                    <Check
                        id="check-hint" label=texts.success_resets value=RwSignal::new(false)
                        hint=texts.success_resets_hint
                    />
                }
                .into_any(),
            ),
        ],
    }
}

fn selects(texts: &'static Texts) -> Piece {
    let options = || vec![("newest", texts.newest_first), ("oldest", texts.oldest_first)];
    let chosen = text("newest");
    let choose = move |name: String| chosen.set(name);
    let select = |id| view! { <Select id label=texts.sort value=chosen options=options() choose/> }.into_any();
    Piece {
        name: "Select",
        states: vec![
            ("with its label", select("select")),
            ("off", off(select("select-off"))),
            (
                "compact",
                view! { <Select id="select-compact" label=texts.sort compact=true value=chosen options=options() choose/> }
                    .into_any(),
            ),
        ],
    }
}

fn searches(texts: &'static Texts) -> Piece {
    let search = |id, value: RwSignal<String>| {
        view! { <Search id label=texts.search_address value typed=move |words| value.set(words)/> }.into_any()
    };
    Piece {
        name: "Search",
        states: vec![
            ("empty", search("search", text(""))),
            ("filled", search("search-filled", text("taro@"))),
            ("off", off(search("search-off", text("taro@")))),
        ],
    }
}

fn files(texts: &'static Texts) -> Piece {
    let picker = |several: bool| {
        let take = |_: Vec<web_sys::File>| {};
        view! { <FilePicker label=texts.uploads.choose_file hint=texts.uploads.drop_hint take several/> }.into_any()
    };
    Piece {
        name: "FilePicker",
        states: vec![
            ("several files", picker(true)),
            ("one file", picker(false)),
            ("a file is dragged over it", view! { <Over>{picker(true)}</Over> }.into_any()),
        ],
    }
}

/// Looks as if a file were dragged over it.
#[component]
fn Over(children: Children) -> impl IntoView {
    let frame = NodeRef::<html::Div>::new();
    effect(move || {
        let Some(Ok(Some(place))) = frame.get().map(|frame| frame.query_selector(".drop")) else { return };
        // Naming a class without spaces cannot fail.
        drop(place.class_list().add_1("over"));
    });
    view! { <div node_ref=frame class="gallery-over">{children()}</div> }
}
