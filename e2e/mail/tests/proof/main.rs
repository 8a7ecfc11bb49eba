//! The proof: an error of a real Postfix becomes a block, the list reaches every Postfix, the next mail is refused
//! there, a release lets it through again within seconds; whatever is killed, restarted or corrupted meanwhile.
//!
//! On SQLite, or on PostgreSQL when `STOPLIST_TEST_DATABASE_URL` names one.

mod bounce;
mod crash;
mod notifications;
mod outage;
mod refusal;
mod release;
mod repair;
mod schedule;
mod threshold;
