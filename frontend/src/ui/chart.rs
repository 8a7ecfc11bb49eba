//! Charts of days, drawn by SVG in whole numbers: fractions would take tables that make the console larger.

use super::{Drawn, anew, chart_table::day_table};
use crate::{i18n::number::grouped, reactive::memo};
use leptos::{ev, html, prelude::*};
use web_sys::HtmlDetailsElement;

/// Units of the drawing: a day is so wide, and all of the values so high.
const DAY: i64 = 12;
const HIGH: i64 = 1_000;
/// Room between two days.
const GAP: i64 = 2;
/// How high a piece is at least, so that it is seen.
const THIN: i64 = 10;

/// What a chart shows of every day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its name.
    pub name: &'static str,
    /// Its colour: a class of the style sheet.
    pub class: &'static str,
    /// A value for every day, oldest first.
    pub values: Vec<i64>,
    /// Whether it is drawn below the line of zero: what takes away.
    pub below: bool,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    /// A bar for every day, with a piece for every series.
    Bars,
    /// A line through the days.
    Line,
}

/// The days of a chart as they are written, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartDays {
    /// Below the chart.
    pub short: Vec<String>,
    /// With everything that there is to know.
    pub long: Vec<String>,
}

/// What a chart shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartData {
    /// The days.
    pub days: ChartDays,
    /// What is shown of them.
    pub series: Vec<Series>,
}

/// The words of every chart.
#[derive(Debug, Clone, Copy)]
pub struct ChartWords {
    /// What opens the table.
    pub show_table: &'static str,
    /// The head of the days.
    pub day: &'static str,
    /// What stands where a day's values appear, before one is chosen.
    pub choose: &'static str,
}

/// What the lines across a chart stand for, from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scale {
    bottom: i64,
    top: i64,
}

impl Scale {
    /// Covers all values with round numbers.
    fn of(kind: ChartKind, series: &[Series], days: usize) -> Self {
        let values = || series.iter().flat_map(|one| one.values.iter().copied());
        if kind == ChartKind::Line {
            let (least, most) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
            // A large list that changes little would be a flat line above zero.
            let bottom = if least > most / 2 { least - least % round_up((most - least).max(1)) } else { 0 };
            return Self { bottom, top: bottom + 2 * round_up((most - bottom + 1) / 2) };
        }
        let sum = |day: usize, below: bool| {
            series.iter().filter(|one| one.below == below).filter_map(|one| one.values.get(day)).sum::<i64>()
        };
        let most = |below| (0..days).map(|day| sum(day, below)).max().unwrap_or(0);
        let (above, below) = (most(false), most(true));
        if series.iter().any(|one| one.below) {
            let top = round_up(above.max(below));
            Self { bottom: -top, top }
        } else {
            Self { bottom: 0, top: 2 * round_up((above + 1) / 2) }
        }
    }

    /// How far below the upper edge a value is.
    fn y(self, value: i64) -> i64 {
        (self.top - value) * HIGH / (self.top - self.bottom)
    }

    /// What is written beside the lines at the top, in the middle and at the bottom; below zero, how many there are.
    fn labels(self) -> [String; 3] {
        [self.top, (self.top + self.bottom) / 2, self.bottom].map(|value| grouped(value.abs()))
    }
}

/// The next of 1, 2, 5, 10, 20, 50 and so on.
fn round_up(number: i64) -> i64 {
    let mut power = 1;
    loop {
        for step in [1, 2, 5] {
            if power * step >= number {
                return power * step;
            }
        }
        power *= 10;
    }
}

/// A chart with its legend, the values of the day that is pointed at or chosen by the arrow keys, and all as a table. It stays
/// where it is, open and with the focus in it, while its values change.
#[component]
pub fn Chart(
    /// Its name.
    title: &'static str,
    /// How it is drawn.
    kind: ChartKind,
    /// What it shows.
    data: Memo<ChartData>,
    /// Its words.
    words: ChartWords,
) -> impl IntoView {
    let count = move || data.with(|data| data.days.long.len());
    let (chosen, open) = (RwSignal::new(None::<usize>), RwSignal::new(false));
    let here = move || chosen.get().filter(|day| *day < count());
    let legend = anew(move || data.with(|data| data.series.iter().map(swatch).drawn().into_any()));
    let labels = anew(move || {
        let labels = data.with(|data| Scale::of(kind, &data.series, data.days.long.len()).labels());
        labels.into_iter().map(text).drawn().into_any()
    });
    let marks = anew(move || {
        data.with(|ChartData { days, .. }| {
            let mut marks = vec![0, days.short.len() / 2, days.short.len().saturating_sub(1)];
            marks.dedup();
            let mark = |day: usize| text(days.short.get(day).cloned().unwrap_or_default());
            marks.into_iter().map(mark).drawn().into_any()
        })
    });
    let drawing = anew(move || data.with(|data| drawing(kind, data)));
    let table =
        anew(move || if open.get() { data.with(|data| day_table(title, words.day, data)) } else { ().into_any() });
    let told = memo(move |_| {
        let day = here()?;
        data.with(|ChartData { days, series }| {
            let value = |one: &Series| format!("{} {}", one.name, grouped(one.values.get(day).copied().unwrap_or(0)));
            let values: Vec<_> = series.iter().map(value).collect();
            Some(format!("{}: {}", days.long.get(day)?, values.join(" · ")))
        })
    });
    let plot = NodeRef::<html::Div>::new();
    let last = move || count().saturating_sub(1);
    let point = move |event: ev::PointerEvent| {
        let Some(plot) = plot.get_untracked() else { return };
        let (left, width) = (f64::from(event.offset_x()), f64::from(plot.client_width()));
        chosen.set(Some(((left / width.max(1.0) * untrack(count) as f64) as usize).min(untrack(last))));
    };
    // A finger that is lifted has chosen; one that scrolls the page has not.
    let leave = move |event: ev::PointerEvent| {
        if event.pointer_type() != "touch" {
            chosen.set(None);
        }
    };
    // A click has chosen before it brings the focus.
    let arrive = move |_| {
        if untrack(here).is_none() {
            chosen.set(Some(untrack(last)));
        }
    };
    let press = move |event: ev::KeyboardEvent| {
        let last = untrack(last);
        let day = untrack(here).unwrap_or(last);
        let day = match event.key().as_str() {
            "ArrowLeft" | "ArrowDown" => day.saturating_sub(1),
            "ArrowRight" | "ArrowUp" => (day + 1).min(last),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        chosen.set(Some(day));
    };
    let band = move || here().map(|day| view! { <rect class="band" x=day as i64 * DAY y="0" width=DAY height=HIGH/> });
    let toggled = move |event: ev::Event| open.set(event_target::<HtmlDetailsElement>(&event).open());
    view! {
        <figure class="chart">
            <figcaption><h2>{title}</h2></figcaption>
            <ul class="legend" role="list">{legend}</ul>
            <div class="plot">
                <div class="scale" aria-hidden="true">{labels}</div>
                <div
                    node_ref=plot class="canvas" tabindex="0" role="slider" aria-label=title aria-valuemin="1"
                    aria-valuemax=count aria-valuenow=move || here().unwrap_or_else(last) + 1
                    aria-valuetext=move || told.get().unwrap_or_else(|| words.choose.to_owned())
                    on:pointermove=point on:pointerdown=point on:pointerleave=leave
                    on:pointercancel=move |_| chosen.set(None) on:keydown=press on:focus=arrive
                    on:blur=move |_| chosen.set(None)
                >
                    <svg aria-hidden="true" preserveAspectRatio="none" viewBox=move || format!("0 0 {} {HIGH}", count() as i64 * DAY)>
                        {band}
                        {drawing}
                    </svg>
                </div>
                <div class="marks" aria-hidden="true">{marks}</div>
            </div>
            // A screen reader is told by the slider.
            <p class="told" aria-hidden="true">{move || told.get().unwrap_or_else(|| words.choose.to_owned())}</p>
            <details on:toggle=toggled>
                <summary>{words.show_table}</summary>
                {table}
            </details>
        </figure>
    }
    .into_any()
}

fn swatch(one: &Series) -> AnyView {
    view! { <li><span class=format!("swatch {}", one.class)></span>{one.name}</li> }.into_any()
}

fn text(text: String) -> AnyView {
    view! { <span>{text}</span> }.into_any()
}

/// The lines across, and the values.
fn drawing(kind: ChartKind, data: &ChartData) -> AnyView {
    let count = data.days.long.len();
    let scale = Scale::of(kind, &data.series, count);
    let lines = [0, HIGH / 2, HIGH].into_iter().map(|y| {
        view! { <line class="grid" x1="0" x2=count as i64 * DAY y1=y y2=y/> }
    });
    let values = match kind {
        ChartKind::Bars => bars(&data.series, scale, count),
        ChartKind::Line => line(&data.series, scale),
    };
    view! { {lines.drawn()}{values} }.into_any()
}

/// Pieces on each other, those below zero hanging from it.
fn bars(series: &[Series], scale: Scale, days: usize) -> AnyView {
    let mut pieces = Vec::new();
    for day in 0..days {
        let (mut above, mut below) = (0, 0);
        for one in series {
            let value = one.values.get(day).copied().unwrap_or(0);
            if value == 0 {
                continue;
            }
            let (from, to) = if one.below { (-below, -below - value) } else { (above + value, above) };
            *(if one.below { &mut below } else { &mut above }) += value;
            let (y, end) = (scale.y(from), scale.y(to));
            let (x, y) = (day as i64 * DAY + GAP / 2, y.min(end - THIN));
            pieces.push(view! { <rect class=one.class x=x y=y width=DAY - GAP height=end - y/> }.into_any());
        }
    }
    pieces.into_any()
}

/// Through the middle of each day, and to the edges: one day alone is a line, too.
fn line(series: &[Series], scale: Scale) -> AnyView {
    let path = |one: &Series| {
        let end = one.values.len() as i64 * DAY;
        let middles = one.values.iter().enumerate().map(|(day, value)| (day as i64 * DAY + DAY / 2, value));
        let all = one.values.first().map(|value| (0, value)).into_iter().chain(middles);
        let all = all.chain(one.values.last().map(|value| (end, value)));
        let points = all.map(|(x, value)| format!("{x},{}", scale.y(*value))).collect::<Vec<_>>().join(" ");
        view! { <polyline class=format!("{} line", one.class) points=points/> }.into_any()
    };
    series.iter().map(path).drawn().into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[i64], below: bool) -> Series {
        Series { name: "", class: "", values: values.to_vec(), below }
    }

    #[test]
    fn the_scale_is_round_and_covers_every_day() {
        let scale = Scale::of(ChartKind::Bars, &[series(&[3, 40], false), series(&[0, 21], false)], 2);
        assert_eq!((scale.bottom, scale.top), (0, 100));
        assert_eq!((scale.y(0), scale.y(50), scale.y(100)), (HIGH, HIGH / 2, 0));
        let nothing = Scale::of(ChartKind::Bars, &[series(&[0, 0], false)], 2);
        assert_eq!((nothing.bottom, nothing.top), (0, 2));
    }

    #[test]
    fn what_takes_away_hangs_from_the_middle() {
        let scale = Scale::of(ChartKind::Bars, &[series(&[7], false), series(&[12], true)], 1);
        assert_eq!((scale.bottom, scale.top, scale.y(0)), (-20, 20, HIGH / 2));
        assert_eq!(scale.labels(), ["20", "0", "20"]);
    }

    #[test]
    fn a_line_far_above_zero_is_looked_at_closely() {
        let far = Scale::of(ChartKind::Line, &[series(&[1_000_150, 1_000_370], false)], 2);
        assert!(far.bottom > 999_000 && far.bottom <= 1_000_150 && far.top >= 1_000_370, "{far:?}");
        let near = Scale::of(ChartKind::Line, &[series(&[0, 9], false)], 2);
        assert_eq!((near.bottom, near.top), (0, 10));
        let flat = Scale::of(ChartKind::Line, &[series(&[5, 5], false)], 2);
        assert!(flat.bottom <= 5 && flat.top > 5, "{flat:?}");
    }
}
