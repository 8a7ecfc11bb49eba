//! What reads signals, and forgets them with its component.
//!
//! A signal lists who has read it, and strikes nobody off whose component went away. Of signals that last as long as the
//! console (who is signed in, the connection, the counts of lists) each page would leave something behind, and each row of
//! a list much. So views read such signals through a memo of their own, as [`crate::ui::Show`] does.

use leptos::{
    prelude::*,
    reactive::graph::{AnySubscriber, Subscriber, ToAnySubscriber},
};

/// Does `run` now, and again when what it reads changes, until the component goes away. Compiled once, unlike
/// [`Effect::new`], which keeps the console small.
pub fn effect(run: impl FnMut() + 'static) {
    let mut run: Box<dyn FnMut()> = Box::new(run);
    strike_off_at_end(Effect::new(move |_| run()).to_any_subscriber());
}

/// What `compute` makes of what it reads and of its value before; who reads it hears only of other values.
pub fn memo<T>(compute: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Memo<T>
where
    T: PartialEq + Send + Sync + 'static,
{
    let memo = ArcMemo::new(compute);
    strike_off_at_end(memo.to_any_subscriber());
    memo.into()
}

fn strike_off_at_end(reader: AnySubscriber) {
    on_cleanup(move || reader.clear_sources(&reader));
}
