//! Server configurations and mail servers count their changes.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0020_revisions", up: UP, down: DOWN };

// `revision`: of what people edit, name and time zone or name and activity. `settings_revision` is that of the run settings.
const UP: &[&str] = &[
    "ALTER TABLE server_configurations ADD COLUMN revision BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE mail_servers ADD COLUMN revision BIGINT NOT NULL DEFAULT 1",
];

const DOWN: &[&str] =
    &["ALTER TABLE mail_servers DROP COLUMN revision", "ALTER TABLE server_configurations DROP COLUMN revision"];
