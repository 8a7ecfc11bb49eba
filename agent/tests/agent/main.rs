//! The agent against a service and a Postfix that the tests play.

mod events;
mod postfix;
mod support;
mod sync;
