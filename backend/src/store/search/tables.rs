//! The tables of a search.

use sea_orm::DatabaseBackend;

/// A table that is searched, and what its rows are joined with.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// The table.
    pub name: &'static str,
    /// Its alias in all conditions and columns.
    pub alias: &'static str,
    /// What it is joined with for them; begins with a space, or is nothing.
    pub joins: &'static str,
    /// The index of the order, where SQLite has to be told: of two indexes that begin alike it takes the one with fewer
    /// columns, though the other has far fewer rows. PostgreSQL counts rows.
    pub index: Option<&'static str>,
}

impl Tables {
    /// A table alone.
    pub const fn new(name: &'static str, alias: &'static str) -> Self {
        Self { name, alias, joins: "", index: None }
    }

    /// With joins.
    pub const fn join(self, joins: &'static str) -> Self {
        Self { joins, ..self }
    }

    /// `name alias`, to be read by the index of the order.
    pub fn alone(&self, backend: DatabaseBackend) -> String {
        let Self { name, alias, index, .. } = self;
        match index {
            Some(index) if backend == DatabaseBackend::Sqlite => format!("{name} {alias} INDEXED BY {index}"),
            _ => format!("{name} {alias}"),
        }
    }

    /// [`Self::alone`], with the joins.
    pub fn joined(&self, backend: DatabaseBackend) -> String {
        self.alone(backend) + self.joins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_is_told_the_index() {
        let all = Tables::new("exemptions", "e").join(" JOIN change_sets s ON s.id = e.ended_set_id");
        let odd = Tables { index: Some("exemptions_odd"), ..all };
        assert_eq!(all.alone(DatabaseBackend::Sqlite), "exemptions e");
        assert_eq!(odd.alone(DatabaseBackend::Postgres), "exemptions e");
        assert_eq!(
            odd.joined(DatabaseBackend::Sqlite),
            "exemptions e INDEXED BY exemptions_odd JOIN change_sets s ON s.id = e.ended_set_id"
        );
    }
}
