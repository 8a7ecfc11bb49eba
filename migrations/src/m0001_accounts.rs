//! Accounts, users, sessions, tokens, server configurations, mail servers, the audit log and the service's settings.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0001_accounts", up: UP, down: DOWN };

const UP: &[&str] = &[
    // What the service keeps about itself: the signing key, the hash of the set-up code.
    "CREATE TABLE service_settings (
        name TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL
    )",
    "CREATE TABLE accounts (
        id UUID PRIMARY KEY NOT NULL,
        name TEXT NOT NULL UNIQUE,
        plan TEXT NOT NULL,
        created_at BIGINT NOT NULL
    )",
    // A provider's user belongs to no account. `email_key` decides who signs in.
    "CREATE TABLE users (
        id UUID PRIMARY KEY NOT NULL,
        account_id UUID REFERENCES accounts(id),
        email TEXT NOT NULL,
        email_key TEXT NOT NULL UNIQUE,
        password_hash TEXT NOT NULL,
        role TEXT NOT NULL,
        created_at BIGINT NOT NULL
    )",
    // `account_id` is the account that a provider has entered. The refresh token before the present one is honoured
    // for a few seconds, because two browser tabs may refresh at the same moment.
    "CREATE TABLE sessions (
        id UUID PRIMARY KEY NOT NULL,
        user_id UUID NOT NULL REFERENCES users(id),
        account_id UUID REFERENCES accounts(id),
        refresh_hash TEXT NOT NULL,
        previous_refresh_hash TEXT,
        rotated_at BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )",
    "CREATE INDEX sessions_user ON sessions (user_id)",
    // Run settings and the head of the published list live here: one row to lock for every change of the list.
    "CREATE TABLE server_configurations (
        id UUID PRIMARY KEY NOT NULL,
        account_id UUID NOT NULL REFERENCES accounts(id),
        name TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        epoch UUID NOT NULL,
        list_version BIGINT NOT NULL,
        list_count BIGINT NOT NULL,
        list_checksum TEXT NOT NULL,
        execute_timing TEXT NOT NULL,
        time_zone TEXT NOT NULL,
        watch_period_days BIGINT,
        watch_daily_limit BIGINT,
        watch_warning BIGINT NOT NULL,
        success_resets_count BOOLEAN NOT NULL,
        settings_revision BIGINT NOT NULL,
        conditions_changed BOOLEAN NOT NULL,
        previous_execution_at BIGINT,
        next_run_at BIGINT NOT NULL,
        UNIQUE (account_id, name)
    )",
    "CREATE INDEX server_configurations_next_run ON server_configurations (next_run_at)",
    // Columns from `epoch` on are what the agent acknowledged last.
    "CREATE TABLE mail_servers (
        id UUID PRIMARY KEY NOT NULL,
        server_configuration_id UUID NOT NULL REFERENCES server_configurations(id),
        name TEXT NOT NULL,
        active BOOLEAN NOT NULL,
        created_at BIGINT NOT NULL,
        last_seen_at BIGINT,
        epoch UUID,
        version BIGINT,
        count BIGINT,
        checksum TEXT,
        matches BOOLEAN,
        acknowledged_at BIGINT,
        UNIQUE (server_configuration_id, name)
    )",
    "CREATE TABLE api_tokens (
        id UUID PRIMARY KEY NOT NULL,
        account_id UUID NOT NULL REFERENCES accounts(id),
        mail_server_id UUID REFERENCES mail_servers(id),
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        token_hash TEXT NOT NULL UNIQUE,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        revoked_at BIGINT,
        last_used_at BIGINT
    )",
    "CREATE INDEX api_tokens_account ON api_tokens (account_id)",
    "CREATE INDEX api_tokens_mail_server ON api_tokens (mail_server_id)",
    // `before`, `after`: JSON. `account_id` is NULL for what a provider does outside of all accounts.
    "CREATE TABLE audit_log (
        id UUID PRIMARY KEY NOT NULL,
        account_id UUID,
        at BIGINT NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_id UUID,
        actor_name TEXT NOT NULL,
        action TEXT NOT NULL,
        object TEXT NOT NULL,
        before_value TEXT,
        after_value TEXT,
        comment TEXT,
        request_id TEXT,
        client_address TEXT
    )",
    "CREATE INDEX audit_log_account ON audit_log (account_id, at)",
];

const DOWN: &[&str] = &[
    "DROP TABLE audit_log",
    "DROP TABLE api_tokens",
    "DROP TABLE mail_servers",
    "DROP TABLE server_configurations",
    "DROP TABLE sessions",
    "DROP TABLE users",
    "DROP TABLE accounts",
    "DROP TABLE service_settings",
];
