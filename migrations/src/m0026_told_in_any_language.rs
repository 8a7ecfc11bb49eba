//! What the service says by itself the console says in the reader's language: why something failed is a code beside the
//! text, and where nobody wrote an answer none is stored.

use crate::Statements;

pub(crate) const MIGRATION: Statements = Statements { name: "m0026_told_in_any_language", up: UP, down: DOWN };

const UP: &[&str] = &[
    "ALTER TABLE runs ADD COLUMN error_cause TEXT",
    "ALTER TABLE distributions ADD COLUMN error_cause TEXT",
    "ALTER TABLE list_operations ADD COLUMN error_cause TEXT",
    "UPDATE inquiry_messages SET text = ''
     WHERE enabled_downloads AND text = 'Downloads are enabled for your account.'",
];

const DOWN: &[&str] = &[
    "UPDATE inquiry_messages SET text = 'Downloads are enabled for your account.' WHERE text = ''",
    "ALTER TABLE list_operations DROP COLUMN error_cause",
    "ALTER TABLE distributions DROP COLUMN error_cause",
    "ALTER TABLE runs DROP COLUMN error_cause",
];
