//! The agent against a service and a Postfix that the tests play.

mod bounce;
mod commands;
mod crash;
mod disk;
mod events;
mod fold;
mod memory;
mod postfix;
mod proxy;
mod repair;
mod support;
mod sync;
mod truncation;
