//! The agent against a service and a Postfix that the tests play.

mod postfix;
mod support;
mod sync;
