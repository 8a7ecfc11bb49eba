//! What every searched list shares: conditions with bound values, text search, cursors, keyset pages, totals.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use shared::page::{Direction, Page, Total};
use uuid::Uuid;

/// Rows are counted up to this number: a larger total is not worth its wait.
pub const COUNT_LIMIT: u64 = 10_000;

/// Octets of the digest that ties a cursor to its list.
const SEAL: usize = 16;

/// The `WHERE` clause of a search, and the values of its numbered placeholders.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// No condition yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds a value and returns its placeholder, `$3` for example.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Adds a condition that must hold with all others.
    pub fn and(&mut self, condition: impl Into<String>) {
        self.sql.push(condition.into());
    }

    /// `column = value`.
    pub fn equal(&mut self, column: &str, value: impl Into<Value>) {
        let placeholder = self.bind(value);
        self.and(format!("{column} = {placeholder}"));
    }

    /// `from <= column < to`, in Unix milliseconds; an absent end is open.
    pub fn between(&mut self, column: &str, from: Option<i64>, to: Option<i64>) {
        if let Some(from) = from {
            let placeholder = self.bind(from);
            self.and(format!("{column} >= {placeholder}"));
        }
        if let Some(to) = to {
            let placeholder = self.bind(to);
            self.and(format!("{column} < {placeholder}"));
        }
    }

    /// Partial match on an address, case-insensitive, in which `%`, `_` and `\` are plain characters.
    ///
    /// `table` is the alias with the columns `address_key` and `address`. A key has its domain in ASCII form and no
    /// needless quotes, so a text with such characters is looked for in the address as shown too.
    pub fn address_contains(&mut self, table: &str, text: &str) {
        let needle = text.trim().to_lowercase();
        if needle.is_empty() {
            return;
        }
        if needle.contains('\0') {
            // No address holds it, and PostgreSQL refuses it in a text.
            return self.and("1 = 0");
        }
        let pattern = self.bind(like_pattern(&needle));
        let in_key = format!(r"{table}.address_key LIKE {pattern} ESCAPE '\'");
        if needle.is_ascii() && !needle.contains(['"', '\\']) {
            self.and(in_key);
        } else {
            self.and(format!(r"({in_key} OR LOWER({table}.address) LIKE {pattern} ESCAPE '\')"));
        }
    }

    /// Only what comes after a row in the order `columns`, both in the same direction.
    pub fn after(&mut self, columns: [&str; 2], position: [Value; 2], direction: Direction) {
        let [first, second] = position.map(|value| self.bind(value));
        let comparison = match direction {
            Direction::Ascending => '>',
            Direction::Descending => '<',
        };
        self.and(format!("({}, {}) {comparison} ({first}, {second})", columns[0], columns[1]));
    }

    /// The clause, `WHERE …`, or nothing where there is no condition.
    pub fn clause(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!("WHERE {}", self.sql.join(" AND ")) }
    }

    /// A statement of these conditions: `sql` holds the clause, and only placeholders of [`Self::bind`].
    pub fn statement(self, connection: &impl ConnectionTrait, sql: String) -> Statement {
        Statement::from_sql_and_values(connection.get_database_backend(), sql, self.values)
    }

    /// How many rows of `from` (a table, with its alias and joins) match, counted up to [`COUNT_LIMIT`].
    ///
    /// # Errors
    /// The database's.
    pub async fn total(&self, connection: &impl ConnectionTrait, from: &str) -> Result<Total, DbErr> {
        let limit = COUNT_LIMIT + 1;
        let sql =
            format!("SELECT COUNT(*) AS n FROM (SELECT 1 FROM {from} {} LIMIT {limit}) AS matching", self.clause());
        let row = connection.query_one_raw(self.clone().statement(connection, sql)).await?;
        let found: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
        let found = u64::try_from(found).unwrap_or_default();
        Ok(Total { count: found.min(COUNT_LIMIT), more: found > COUNT_LIMIT })
    }
}

/// `ORDER BY` two columns in the same direction.
pub fn order_by(columns: [&str; 2], direction: Direction) -> String {
    let word = match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    };
    format!("ORDER BY {} {word}, {} {word}", columns[0], columns[1])
}

/// A `LIKE` pattern (with `ESCAPE '\'`) that finds `text` anywhere, each character standing for itself.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The cursor is damaged, or of another list, other filters or another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor belongs to another list or other filters: leave it out to start at the first page")]
pub struct InvalidCursor;

/// What a cursor is valid for: one list of one server configuration with the same filters and order.
#[derive(Debug, Clone)]
pub struct CursorScope(Vec<u8>);

impl CursorScope {
    /// `filters` is everything that decides which rows the list has and in which order, without cursor and limit.
    pub fn new(list: &'static str, server_configuration_id: Uuid, filters: &impl Serialize) -> Self {
        let filters = serde_json::to_vec(filters).unwrap_or_default();
        Self([list.as_bytes(), b"\0", server_configuration_id.as_bytes(), &filters].concat())
    }

    /// A cursor for the rows after `position`, the sort columns of the last row that was shown.
    pub fn cursor(&self, position: &impl Serialize) -> String {
        let position = serde_json::to_vec(position).unwrap_or_default();
        URL_SAFE_NO_PAD.encode([&self.seal(&position)[..], &position].concat())
    }

    /// Reads a cursor.
    ///
    /// # Errors
    /// [`InvalidCursor`] when this scope did not make it.
    pub fn position<P: DeserializeOwned>(&self, cursor: &str) -> Result<P, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
        let (seal, position) = bytes.split_at_checked(SEAL).ok_or(InvalidCursor)?;
        if seal != self.seal(position) {
            return Err(InvalidCursor);
        }
        serde_json::from_slice(position).map_err(|_| InvalidCursor)
    }

    /// Not a secret: a forged position could only show rows that the caller may read anyway.
    fn seal(&self, position: &[u8]) -> [u8; SEAL] {
        let digest = Sha256::new().chain_update(&self.0).chain_update(b"\0").chain_update(position).finalize();
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&digest[..SEAL]);
        seal
    }

    /// A page of rows that were read with `LIMIT limit + 1`: the one too many says that there is a next page.
    pub fn page<T, P: Serialize>(
        &self,
        mut rows: Vec<T>,
        limit: u16,
        total: Option<Total>,
        position: impl Fn(&T) -> P,
    ) -> Page<T> {
        let limit = usize::from(limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| self.cursor(&position(row)));
        Page { items: rows, next_cursor, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_plain_characters() {
        assert_eq!(like_pattern(r"a%b_c\d"), r"%a\%b\_c\\d%");
    }

    #[test]
    fn conditions_number_their_placeholders() {
        let mut conditions = Conditions::new();
        assert_eq!(conditions.clause(), "");
        conditions.equal("e.reason", "unknown_user");
        conditions.between("e.occurred_at", Some(1), Some(2));
        conditions.address_contains("e", "  ");
        conditions.address_contains("e", " Ken ");
        conditions.after(["e.occurred_at", "e.id"], [7_i64.into(), 8_i64.into()], Direction::Descending);
        assert_eq!(
            conditions.clause(),
            r"WHERE e.reason = $1 AND e.occurred_at >= $2 AND e.occurred_at < $3 AND e.address_key LIKE $4 ESCAPE '\' AND (e.occurred_at, e.id) < ($5, $6)"
        );
        assert_eq!(conditions.values[3], Value::from("%ken%"));
    }

    #[test]
    fn a_cursor_is_bound_to_its_list_configuration_and_filters() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let scope = CursorScope::new("delivery_events", one, &("q", 1));
        let cursor = scope.cursor(&(17_i64, 4_i64));
        assert_eq!(scope.position(&cursor), Ok((17_i64, 4_i64)));
        for wrong in [
            CursorScope::new("exemptions", one, &("q", 1)),
            CursorScope::new("delivery_events", other, &("q", 1)),
            CursorScope::new("delivery_events", one, &("q", 2)),
        ] {
            assert_eq!(wrong.position::<(i64, i64)>(&cursor), Err(InvalidCursor));
        }
        for broken in ["", "x", "%%%", &cursor[..cursor.len() - 2], &format!("A{cursor}")] {
            assert_eq!(scope.position::<(i64, i64)>(broken), Err(InvalidCursor), "{broken}");
        }
        assert_eq!(scope.position::<(String, Uuid)>(&cursor), Err(InvalidCursor));
    }

    #[test]
    fn a_page_has_a_cursor_only_when_rows_follow() {
        let scope = CursorScope::new("delivery_events", Uuid::nil(), &());
        let page = scope.page(vec![1, 2, 3], 2, None, |row| *row);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(scope.position::<i32>(&page.next_cursor.unwrap()), Ok(2));
        assert_eq!(scope.page(vec![1, 2], 2, None, |row| *row).next_cursor, None);
    }
}
