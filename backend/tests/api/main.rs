//! The API, as a browser, a script and an agent use it: a real service on a free port with its own database, on SQLite
//! or, with `STOPLIST_TEST_DATABASE_URL` set, on PostgreSQL.

mod support;

mod accounts;
mod audit;
mod bad_input;
mod capped;
mod commands;
mod delivery_events;
mod downloads;
mod idempotency;
mod inquiries;
mod lists;
mod log;
mod methods;
mod metrics;
mod open_at_once;
mod openapi;
mod outage;
mod pages;
mod people;
mod protection;
mod reports;
mod sample;
mod server_configurations;
mod serving;
mod sessions;
mod slowness;
mod suspension;
mod sweep;
mod uploads;
