//! Many views of one kind.

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
