//! Form fields: each with its label, hint and error tied to it.

use super::{Drawn, Icon, Shape, written::before};
use crate::reactive::effect;
use leptos::{html, prelude::*};

/// A line of text.
#[component]
pub fn Field(
    /// Unique in the page.
    id: &'static str,
    /// Its name.
    label: &'static str,
    /// What it holds.
    value: RwSignal<String>,
    /// The input's type.
    #[prop(default = "text")]
    kind: &'static str,
    /// For password managers.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Help under the field.
    #[prop(optional, into)]
    hint: Option<String>,
    /// What is wrong with it.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// Whether it must be filled.
    #[prop(optional)]
    required: bool,
    /// Suggested values.
    #[prop(optional)]
    suggestions: &'static [&'static str],
) -> impl IntoView {
    let hint_id = hint.is_some().then(|| format!("{id}-hint"));
    let described = {
        let hint_id = hint_id.clone();
        move || match (&hint_id, error.get().is_some()) {
            (Some(hint), true) => Some(format!("{id}-error {hint}")),
            (Some(hint), false) => Some(hint.clone()),
            (None, true) => Some(format!("{id}-error")),
            (None, false) => None,
        }
    };
    let list = (!suggestions.is_empty()).then(|| format!("{id}-list"));
    keep_written(id, value);
    let element = NodeRef::<html::Input>::new();
    effect(move || {
        let text = value.get();
        // A time that is half typed has no value yet: writing that back would wipe it.
        if let Some(input) = element.get().filter(|input| input.value() != text) {
            input.set_value(&text);
        }
    });
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                node_ref=element id=id class="input" type=kind autocomplete=autocomplete required=required list=list.clone()
                inputmode=(kind == "number").then_some("numeric")
                aria-invalid=move || error.get().is_some().then_some("true") aria-describedby=described
                on:input=move |event| value.set(event_target_value(&event))
            />
            {list.map(|list| view! {
                <datalist id=list>{suggestions.iter().map(|text| view! { <option value=*text></option> }).drawn()}</datalist>
            })}
            <Wrong id error/>
            {hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> })}
        </div>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// Unique in the page.
    id: &'static str,
    /// Its name.
    label: &'static str,
    /// What it holds.
    value: RwSignal<String>,
    /// What is wrong with it.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    keep_written(id, value);
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <textarea
                id=id class="input" rows="5" required=true aria-invalid=move || error.get().is_some().then_some("true")
                aria-describedby=move || error.get().map(|_| format!("{id}-error"))
                prop:value=move || value.get() on:input=move |event| value.set(event_target_value(&event))
            ></textarea>
            <Wrong id error/>
        </div>
    }
    .into_any()
}

/// Goes on with what was written before everything was drawn anew.
fn keep_written(id: &str, value: RwSignal<String>) {
    if let Some(field) = before(id) {
        value.set(field.text);
    }
}

/// The error of a field, announced when it appears.
#[component]
fn Wrong(id: &'static str, error: Signal<Option<String>>) -> impl IntoView {
    view! {
        <div role="alert">
            {move || error.get().map(|error| view! { <p class="field-error" id=format!("{id}-error")>{error}</p> })}
        </div>
    }
}

/// A tick.
#[component]
pub fn Check(
    /// Unique in the page.
    #[prop(into)]
    id: String,
    /// Its name.
    #[prop(into)]
    label: String,
    /// Whether it is ticked.
    value: RwSignal<bool>,
    /// Help beside it.
    #[prop(optional)]
    hint: Option<&'static str>,
) -> impl IntoView {
    let hint_id = hint.map(|_| format!("{id}-hint"));
    if let Some(field) = before(&id) {
        value.set(field.ticked);
    }
    view! {
        <div class="check">
            <input id=id.clone() type="checkbox" bind:checked=value aria-describedby=hint_id.clone()/>
            <div class="check-text">
                <label class="break" for=id>{label}</label>
                {hint.map(|hint| view! { <span class="hint" id=hint_id>{hint}</span> })}
            </div>
        </div>
    }
    .into_any()
}

/// A choice of a few.
#[component]
pub fn Select(
    /// Unique in the page.
    id: &'static str,
    /// Its name.
    label: &'static str,
    /// What is chosen.
    #[prop(into)]
    value: Signal<String>,
    /// Value and words of each choice.
    options: Vec<(&'static str, &'static str)>,
    /// What choosing does.
    #[prop(into)]
    choose: Callback<String>,
    /// Without room for its label, which is then for screen readers only.
    #[prop(optional)]
    compact: bool,
) -> impl IntoView {
    if let Some(field) = before(id) {
        choose.run(field.text);
    }
    let options = options
        .into_iter()
        .map(|(name, words)| view! { <option value=name selected=move || value.get() == name>{words}</option> })
        .drawn();
    view! {
        <div class="field">
            <label for=id class=if compact { "visually-hidden" } else { "" }>{label}</label>
            <select
                id=id class=if compact { "input compact" } else { "input" }
                prop:value=move || value.get() on:change=move |event| choose.run(event_target_value(&event))
            >
                {options}
            </select>
        </div>
    }
    .into_any()
}

/// A search box.
#[component]
pub fn Search(
    /// Unique in the page.
    id: &'static str,
    /// Its name.
    label: &'static str,
    /// What it holds.
    #[prop(into)]
    value: Signal<String>,
    /// What typing does.
    typed: impl FnMut(String) + 'static,
) -> impl IntoView {
    let mut typed = typed;
    view! {
        <div class="search" role="search" aria-label=label>
            <Icon shape=Shape::Search/>
            <input
                id=id class="input" type="search" autocomplete="off" spellcheck="false" aria-label=label placeholder=label
                prop:value=move || value.get() on:input=move |event| typed(event_target_value(&event))
            />
        </div>
    }
}
