//! What every searched list shares: conditions with bound values, text search, cursors, keyset pages, totals.

mod keyset;
mod listing;
mod needle;
mod tables;

pub use keyset::Keyset;
pub(super) use keyset::{newest, ordered};
pub use listing::{Effort, Found, Listing, Narrow, Order, Portion};
pub use needle::Needle;
pub use tables::Tables;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
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

    /// Each condition is only checked for the rows that are read: no index is chosen for it, because the index of the
    /// order shall be.
    fn checked(mut self) -> Self {
        self.sql = self.sql.into_iter().map(|condition| format!("({condition}) IS TRUE")).collect();
        self
    }

    /// The conditions that the index of an order answers, and the same with `all` others, which are checked. In both
    /// `$1` is the server configuration, which `all` has bound first.
    pub fn scoped(all: Self, server_configuration_id: Uuid, scope: impl Fn(&mut Self)) -> (Self, Self) {
        let mut alone = Self::new();
        alone.bind(server_configuration_id);
        scope(&mut alone);
        let mut matching = all.checked();
        scope(&mut matching);
        (alone, matching)
    }

    /// Partial match on an address, case-insensitive, in which `%`, `_` and `\` are plain characters.
    /// `table` is the alias with the columns `address_key` and `address`.
    pub fn address_contains(&mut self, table: &str, text: &str) {
        if let Some(needle) = Needle::new(text) {
            let comparison = needle.comparison(table, self);
            self.and(comparison);
        }
    }

    /// Only what comes after a row in the order `columns`, both in the same direction.
    pub fn after(&mut self, columns: [&str; 2], position: [Value; 2], direction: Direction) {
        let comparison = match direction {
            Direction::Ascending => ">",
            Direction::Descending => "<",
        };
        self.compare(columns, comparison, position);
    }

    /// Only what comes up to a row in the order `columns`, and the row itself.
    pub fn up_to(&mut self, columns: [&str; 2], position: [Value; 2], direction: Direction) {
        let comparison = match direction {
            Direction::Ascending => "<=",
            Direction::Descending => ">=",
        };
        self.compare(columns, comparison, position);
    }

    fn compare(&mut self, columns: [&str; 2], comparison: &str, position: [Value; 2]) {
        let [first, second] = position.map(|value| self.bind(value));
        self.and(format!("({}, {}) {comparison} ({first}, {second})", columns[0], columns[1]));
    }

    /// Only what comes after `from`, up to and with `end`, in an order.
    fn range(&mut self, order: &Order, from: Option<&Place>, end: Option<&Place>) {
        if let Some(from) = from {
            self.after(order.columns, from.values(), order.direction);
        }
        if let Some(end) = end {
            self.up_to(order.columns, end.values(), order.direction);
        }
    }

    /// A condition with the values in place of their placeholders.
    fn written(&self, condition: &str) -> String {
        // The last number first: $1 is the beginning of $10.
        let numbered = self.values.iter().enumerate().rev();
        numbered.fold(condition.to_owned(), |text, (index, value)| {
            text.replace(&format!("${}", index + 1), &format!("{value:?}"))
        })
    }

    /// Each condition as it is written, without what [`Self::checked`] puts around it.
    fn all_written(&self) -> impl Iterator<Item = String> {
        self.sql.iter().map(|condition| {
            let inner = condition.strip_prefix('(').and_then(|rest| rest.strip_suffix(") IS TRUE"));
            self.written(inner.unwrap_or(condition))
        })
    }

    /// Whether whatever meets `others` and `assured` meets these too: each of these is one of those.
    pub fn follow_from(&self, others: &Self, assured: Option<&str>) -> bool {
        let known: Vec<String> = others.all_written().chain(assured.map(|condition| self.written(condition))).collect();
        self.all_written().all(|condition| known.contains(&condition))
    }

    /// The bound values alone, to go on with other conditions in the same statement.
    fn without_conditions(&self) -> Self {
        Self { sql: Vec::new(), values: self.values.clone() }
    }

    /// The clause, `WHERE …`, or nothing where there is no condition.
    pub fn clause(&self) -> String {
        if self.sql.is_empty() { String::new() } else { format!("WHERE {}", self.sql.join(" AND ")) }
    }

    /// A statement of these conditions: `sql` holds the clause, and only placeholders of [`Self::bind`].
    pub fn statement(self, connection: &impl ConnectionTrait, sql: String) -> Statement {
        Statement::from_sql_and_values(connection.get_database_backend(), sql, self.values)
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

/// The sort columns of a row: where a page ends and the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Place {
    /// A row of a list by time, Unix milliseconds.
    Time(i64, Uuid),
    /// A row of a list by its address.
    Address(String, Uuid),
    /// An event by time, Unix milliseconds.
    Event(i64, i64),
}

impl Place {
    fn values(&self) -> [Value; 2] {
        match self.clone() {
            Self::Time(at, id) => [at.into(), id.into()],
            Self::Address(key, id) => [key.into(), id.into()],
            Self::Event(at, id) => [at.into(), id.into()],
        }
    }

    /// Reads [`Self::Time`].
    ///
    /// # Errors
    /// The columns are of another order.
    pub fn read_time(row: &QueryResult) -> super::Result<Self> {
        Ok(Self::Time(row.try_get("", "place_0")?, row.try_get("", "place_1")?))
    }

    /// Reads [`Self::Address`].
    ///
    /// # Errors
    /// As [`Self::read_time`].
    pub fn read_address(row: &QueryResult) -> super::Result<Self> {
        Ok(Self::Address(row.try_get("", "place_0")?, row.try_get("", "place_1")?))
    }

    /// Reads [`Self::Event`].
    ///
    /// # Errors
    /// As [`Self::read_time`].
    pub fn read_event(row: &QueryResult) -> super::Result<Self> {
        Ok(Self::Event(row.try_get("", "place_0")?, row.try_get("", "place_1")?))
    }
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

    /// A page of what a search found with one row more than `limit`. A search that gave up has a next page too, from
    /// where it stopped, though this one has few rows or none.
    pub fn found<T>(&self, found: Found<T>, limit: u16) -> Page<T> {
        let (mut places, mut items): (Vec<Place>, Vec<T>) = found.rows.into_iter().unzip();
        let limit = usize::from(limit);
        let last = if items.len() > limit { places.drain(..limit).next_back() } else { found.stopped };
        items.truncate(limit);
        Page { items, next_cursor: last.map(|place| self.cursor(&place)), total: Some(found.total) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_an_order_answers_alone_is_known_by_its_conditions() {
        let id = Uuid::from_u128(1);
        let follows = |searched: &[(&'static str, &'static str)], assured| {
            let mut all = Conditions::new();
            all.equal("b.server_configuration_id", id);
            for (column, value) in searched {
                all.equal(column, *value);
            }
            all.and("s.ready");
            let in_scope = |conditions: &mut Conditions| {
                conditions.and("b.server_configuration_id = $1");
                conditions.equal("b.domain", "example.com");
            };
            let (scope, matching) = Conditions::scoped(all, id, in_scope);
            matching.follow_from(&scope, assured)
        };
        let domain = ("b.domain", "example.com");
        assert!(follows(&[], Some("s.ready")) && follows(&[domain], Some("s.ready")));
        assert!(!follows(&[domain], None));
        assert!(!follows(&[("b.domain", "example.net")], Some("s.ready")));
        assert!(!follows(&[domain, ("b.reason", "unknown_user")], Some("s.ready")));
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

    #[test]
    fn a_search_that_gave_up_goes_on_where_it_stopped() {
        let scope = CursorScope::new("exemptions", Uuid::nil(), &());
        let place = |n| Place::Event(n, 0);
        let total = Total { count: 3, more: true };
        let found =
            |rows: &[i64], stopped| Found { rows: rows.iter().map(|n| (place(*n), *n)).collect(), stopped, total };
        let page = scope.found(found(&[1, 2, 3], None), 2);
        assert_eq!((page.items, page.total), (vec![1, 2], Some(total)));
        assert_eq!(scope.position::<Place>(&page.next_cursor.unwrap()), Ok(place(2)));
        assert_eq!(scope.found(found(&[1, 2], None), 2).next_cursor, None);
        let page = scope.found(found(&[], Some(place(9))), 2);
        assert_eq!(scope.position::<Place>(&page.next_cursor.unwrap()), Ok(place(9)));
    }

    #[test]
    fn places_keep_their_kind_in_cursors() {
        let scope = CursorScope::new("exemptions", Uuid::nil(), &());
        let id = Uuid::from_u128(7);
        for place in [Place::Time(5, id), Place::Address("a@example.com".to_owned(), id), Place::Event(5, 6)] {
            assert_eq!(scope.position::<Place>(&scope.cursor(&place)), Ok(place));
        }
    }
}
