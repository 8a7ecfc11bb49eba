//! Views that are compiled once for many uses, which keeps the console small.

use leptos::prelude::*;

/// Draws what an iterator yields as views of one type: unlike `collect_view`, that is compiled once, which keeps the
/// console small.
pub trait Drawn: Iterator + Sized {
    /// The views.
    fn drawn(self) -> Vec<AnyView>
    where
        Self::Item: IntoAny,
    {
        self.map(IntoAny::into_any).collect()
    }
}

impl<I: Iterator> Drawn for I {}

/// Draws something anew whenever what it reads changes.
pub fn anew(draw: impl Fn() -> AnyView + Send + 'static) -> AnyView {
    let draw: Box<dyn Fn() -> AnyView + Send> = Box::new(draw);
    (move || draw()).into_any()
}
