//! Icons, drawn from strokes in the colour of the text.

use leptos::prelude::*;

/// What an icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A magnifying glass.
    Search,
    /// A cross.
    Close,
    /// A plus.
    Plus,
    /// A cog.
    Settings,
    /// A triangle that points on.
    Play,
    /// A triangle with an exclamation mark.
    Warning,
    /// A tick in a circle.
    Done,
    /// Two sheets.
    Copy,
    /// An arrow down to a line.
    Download,
    /// An open tray.
    Empty,
    /// An arrow up from a tray.
    Upload,
    /// The product.
    Brand,
}

/// An icon beside words, hidden from screen readers.
#[component]
pub fn Icon(shape: Shape, #[prop(default = 16)] size: u32) -> impl IntoView {
    let path = match shape {
        Shape::Search => "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 5 5",
        Shape::Close => "M6 6l12 12M18 6 6 18",
        Shape::Plus => "M12 5v14M5 12h14",
        Shape::Settings => {
            "M4 7h10m4 0h2M4 17h2m4 0h10M14 7a2 2 0 1 0 4 0 2 2 0 0 0-4 0ZM6 17a2 2 0 1 0 4 0 2 2 0 0 0-4 0Z"
        }
        Shape::Play => "M7 5v14l12-7Z",
        Shape::Warning => "M12 4 2.5 20h19ZM12 10v4.5m0 2.5v.2",
        Shape::Done => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm-4-9 3 3 5-6",
        Shape::Copy => "M9 9h11v11H9ZM5 15H4V4h11v1",
        Shape::Download => "M12 4v11m-5-5 5 5 5-5M5 20h14",
        Shape::Empty => "M3 13l3-8h12l3 8v6H3Zm0 0h5l1.5 3h5L16 13h5",
        Shape::Upload => "M12 15V4m-5 5 5-5 5 5M4 15v5h16v-5",
        Shape::Brand => "M4 6h16v12H4Zm0 1 8 6 8-6M3 21 21 3",
    };
    view! {
        <svg
            aria-hidden="true" width=size height=size viewBox="0 0 24 24" fill="none" stroke="currentColor"
            stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"
        >
            <path d=path/>
        </svg>
    }
}
