//! The Stoplist service: HTTP API, jobs and the embedded console.
//!
//! Layers: `http` → `service` → `store`, `jobs` → `service` → `store`; the same noun names the file in each layer.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod http;
pub mod jobs;
pub mod service;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod tls;
