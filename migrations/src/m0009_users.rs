//! People come and go: users that may not sign in any more, invitations, links that set a password.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0009_users", up: UP, down: DOWN };

const UP: &[&str] = &[
    "ALTER TABLE users ADD COLUMN active BOOLEAN NOT NULL DEFAULT TRUE",
    "ALTER TABLE users ADD COLUMN revision BIGINT NOT NULL DEFAULT 1",
    "CREATE INDEX users_account ON users (account_id)",
    // `account_id` is NULL for the provider's staff. Ended ones stay for a while, so that their links say what became of
    // them: `state` is `pending`, `accepted` or `withdrawn`.
    "CREATE TABLE invitations (
        id UUID PRIMARY KEY NOT NULL,
        account_id UUID REFERENCES accounts(id),
        email TEXT NOT NULL,
        email_key TEXT NOT NULL,
        role TEXT NOT NULL,
        secret_hash TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        invited_by UUID NOT NULL REFERENCES users(id),
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )",
    "CREATE INDEX invitations_account ON invitations (account_id)",
    "CREATE INDEX invitations_invited_by ON invitations (invited_by)",
    // `made_by` is NULL where the service itself made the link.
    "CREATE TABLE password_resets (
        id UUID PRIMARY KEY NOT NULL,
        user_id UUID NOT NULL REFERENCES users(id),
        secret_hash TEXT NOT NULL UNIQUE,
        made_by UUID REFERENCES users(id),
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        used_at BIGINT
    )",
    "CREATE INDEX password_resets_user ON password_resets (user_id)",
    "CREATE INDEX password_resets_made_by ON password_resets (made_by)",
];

const DOWN: &[&str] = &[
    "DROP TABLE password_resets",
    "DROP TABLE invitations",
    "DROP INDEX users_account",
    "ALTER TABLE users DROP COLUMN revision",
    "ALTER TABLE users DROP COLUMN active",
];
