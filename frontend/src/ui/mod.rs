//! Building blocks that know no page.

mod address;
mod badge;
mod chart;
mod chart_table;
mod control;
mod dialog;
mod drawn;
mod field;
mod file;
mod focus;
mod icon;
mod progress;
mod reply;
mod secret;
mod show;
mod states;
pub mod time;
mod toast;

pub use address::mail_address;
pub use badge::{Badge, Dot, Tone};
pub use chart::{Chart, ChartData, ChartDays, ChartKind, ChartWords, Series};
pub use control::{Button, Kind};
pub use dialog::Dialog;
pub use drawn::{Drawn, anew};
pub use field::{Check, Field, Search, Select, TextArea};
pub use file::{FilePicker, save, save_blob};
pub use focus::{focus, keep_focus};
pub use icon::{Icon, Shape};
pub use progress::Progress;
pub use reply::smtp_reply;
pub use secret::Secret;
pub use show::Show;
pub use states::{Empty, Failure, Notice, Pager, Skeleton, Table};
pub use time::Moment;
pub use toast::{ToastRegion, Toasts};
