//! The database itself refuses to change or remove what the audit log says, also to a mistake in a later version of the
//! service. Not even closing an account removes its log, so there is no exception. The end of a log, which is kept beside
//! it, only moves on. Who may take triggers away can still do all of this: the chain shows it.

use crate::{Change, OwnStatements};

pub(crate) const MIGRATION: OwnStatements = OwnStatements {
    name: "m0019_append_only",
    sqlite: Change { up: SQLITE, down: DOWN_SQLITE },
    postgres: Change { up: POSTGRES, down: DOWN_POSTGRES },
};

const SQLITE: &[&str] = &[
    "CREATE TRIGGER audit_log_update BEFORE UPDATE ON audit_log BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END",
    "CREATE TRIGGER audit_log_delete BEFORE DELETE ON audit_log BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END",
    "CREATE TRIGGER audit_chains_update BEFORE UPDATE ON audit_chains
    WHEN NEW.account_id <> OLD.account_id OR NEW.length < OLD.length BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END",
    "CREATE TRIGGER audit_chains_delete BEFORE DELETE ON audit_chains BEGIN
        SELECT RAISE(ABORT, 'the audit log is append-only');
    END",
];

const POSTGRES: &[&str] = &[
    "CREATE FUNCTION refuse_to_change_the_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit log is append-only';
    END
    $$",
    // Of a statement, and not of its rows: TRUNCATE has no rows.
    "CREATE TRIGGER audit_log_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
        EXECUTE FUNCTION refuse_to_change_the_audit_log()",
    "CREATE TRIGGER audit_chains_update BEFORE UPDATE ON audit_chains
        FOR EACH ROW WHEN (NEW.account_id <> OLD.account_id OR NEW.length < OLD.length)
        EXECUTE FUNCTION refuse_to_change_the_audit_log()",
    "CREATE TRIGGER audit_chains_delete BEFORE DELETE OR TRUNCATE ON audit_chains
        EXECUTE FUNCTION refuse_to_change_the_audit_log()",
];

const DOWN_SQLITE: &[&str] = &[
    "DROP TRIGGER audit_chains_delete",
    "DROP TRIGGER audit_chains_update",
    "DROP TRIGGER audit_log_delete",
    "DROP TRIGGER audit_log_update",
];

const DOWN_POSTGRES: &[&str] = &[
    "DROP TRIGGER audit_chains_delete ON audit_chains",
    "DROP TRIGGER audit_chains_update ON audit_chains",
    "DROP TRIGGER audit_log_change ON audit_log",
    "DROP FUNCTION refuse_to_change_the_audit_log()",
];
