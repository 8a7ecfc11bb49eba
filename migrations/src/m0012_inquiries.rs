//! Inquiries from an account to the provider, with the messages of both sides.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0012_inquiries", up: UP, down: DOWN };

const UP: &[&str] = &[
    // Messages of an inquiry are numbered from 1: `messages` is how many there are, `last_by_*` the last of each side (0:
    // none yet), `read_by_*` up to which each side has read. `downloads_enabled_at` is when this inquiry led to that.
    "CREATE TABLE inquiries (
        id UUID PRIMARY KEY NOT NULL,
        account_id UUID NOT NULL REFERENCES accounts(id),
        category TEXT NOT NULL,
        subject TEXT NOT NULL,
        state TEXT NOT NULL,
        made_by UUID NOT NULL REFERENCES users(id),
        created_at BIGINT NOT NULL,
        changed_at BIGINT NOT NULL,
        messages BIGINT NOT NULL,
        last_by_account BIGINT NOT NULL,
        last_by_provider BIGINT NOT NULL,
        read_by_account BIGINT NOT NULL,
        read_by_provider BIGINT NOT NULL,
        downloads_enabled_at BIGINT
    )",
    "CREATE INDEX inquiries_account ON inquiries (account_id, changed_at, id)",
    "CREATE INDEX inquiries_changed ON inquiries (changed_at, id)",
    "CREATE INDEX inquiries_made_by ON inquiries (made_by)",
    "CREATE TABLE inquiry_messages (
        inquiry_id UUID NOT NULL REFERENCES inquiries(id),
        number BIGINT NOT NULL,
        side TEXT NOT NULL,
        author_id UUID NOT NULL REFERENCES users(id),
        text TEXT NOT NULL,
        enabled_downloads BOOLEAN NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (inquiry_id, number)
    )",
    "CREATE INDEX inquiry_messages_author ON inquiry_messages (author_id)",
];

const DOWN: &[&str] = &["DROP TABLE inquiry_messages", "DROP TABLE inquiries"];
