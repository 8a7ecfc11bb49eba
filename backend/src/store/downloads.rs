//! Rows of lists and logs for downloads.
//!
//! The database packs thousands of rows into one text, so that a row costs neither side a message of its own, and each
//! part borrows a connection only for its one statement. Parts continue after the last row of the part before: what
//! stands in the list throughout comes exactly once, whatever is added or removed meanwhile.

use super::{Result, search::Conditions, search::order_by};
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};
use shared::page::Direction;
use std::cmp::Ordering;
use uuid::Uuid;

/// Rows of a part: large enough that a statement costs little, small enough that its text fits in memory many times.
pub const PART: usize = 5_000;

/// Separates the fields of a packed row (US, U+001F). No stored address, id or name holds it.
const FIELD: char = '\u{1f}';
/// Ends a packed row (RS, U+001E).
const ROW: char = '\u{1e}';

/// A column, or an expression, and how it is packed.
#[derive(Debug, Clone, Copy)]
pub enum Field {
    /// A number.
    Number(&'static str),
    /// A text without control characters.
    Name(&'static str),
    /// A text with any characters: those that separate fields and rows become spaces.
    Text(&'static str),
    /// A UUID.
    Id(&'static str),
}

impl Field {
    const fn column(self) -> &'static str {
        match self {
            Self::Number(column) | Self::Name(column) | Self::Text(column) | Self::Id(column) => column,
        }
    }

    fn packed(self, backend: DatabaseBackend, field: &str, row: &str) -> String {
        match self {
            Self::Number(column) | Self::Name(column) => column.to_owned(),
            Self::Text(column) => format!("replace(replace({column}, {field}, ' '), {row}, ' ')"),
            Self::Id(column) if backend == DatabaseBackend::Sqlite => format!("hex({column})"),
            Self::Id(column) => column.to_owned(),
        }
    }

    /// Reads a packed value, to continue after it.
    fn value(self, text: &str) -> Option<Value> {
        match self {
            Self::Number(_) => text.parse::<i64>().ok().map(Into::into),
            Self::Name(_) | Self::Text(_) => Some(text.into()),
            Self::Id(_) => text.parse::<Uuid>().ok().map(Into::into),
        }
    }

    fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Number(_) => a.parse::<i64>().ok().cmp(&b.parse().ok()),
            // Both databases compare keys and UUIDs by their bytes, and one database packs UUIDs in one form.
            Self::Name(_) | Self::Text(_) | Self::Id(_) => a.cmp(b),
        }
    }
}

/// Rows to pack: which, from where, in which order.
#[derive(Debug, Clone)]
pub struct Source {
    /// Which rows.
    pub conditions: Conditions,
    /// The table with its alias and joins.
    pub from: &'static str,
    /// The columns of the order; the second makes it total.
    pub order: [Field; 2],
    /// The direction of the order.
    pub direction: Direction,
    /// What is packed of each row, after the columns of the order.
    pub fields: &'static [Field],
    /// Only what comes after these values of the order.
    pub position: Option<[Value; 2]>,
}

/// Some rows, packed.
#[derive(Debug, Clone, Default)]
pub struct Part(String);

impl Part {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.0.bytes().filter(|byte| *byte == ROW as u8).count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.0.split_terminator(ROW).map(Row)
    }

    fn last(&self) -> Option<Row<'_>> {
        self.0.strip_suffix(ROW).map(|rows| Row(rows.rsplit(ROW).next().unwrap_or(rows)))
    }
}

/// One packed row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a>(&'a str);

impl<'a> Row<'a> {
    /// What [`Source::fields`] names; an absent value is the empty text.
    pub fn fields(self) -> impl Iterator<Item = &'a str> {
        self.0.split(FIELD).skip(2)
    }

    fn order(self) -> [&'a str; 2] {
        let mut fields = self.0.split(FIELD);
        [fields.next().unwrap_or_default(), fields.next().unwrap_or_default()]
    }
}

impl Source {
    /// The order of two rows, of sources with the same order.
    pub fn compare(&self, a: Row<'_>, b: Row<'_>) -> Ordering {
        let ([a1, a2], [b1, b2]) = (a.order(), b.order());
        let order = self.order[0].compare(a1, b1).then_with(|| self.order[1].compare(a2, b2));
        if self.direction == Direction::Descending { order.reverse() } else { order }
    }

    /// The rows after those of `part`; `None` when there are no more.
    pub fn after(&self, part: &Part) -> Option<Self> {
        if part.len() < PART {
            return None;
        }
        let [first, second] = part.last()?.order();
        let position = [self.order[0].value(first)?, self.order[1].value(second)?];
        Some(Self { position: Some(position), ..self.clone() })
    }

    /// The next rows, at most [`PART`].
    ///
    /// # Errors
    /// The database refused.
    pub async fn part<C: ConnectionTrait>(self, connection: &C) -> Result<Part> {
        let Self { mut conditions, from, order, direction, fields, position } = self;
        let columns = order.map(Field::column);
        if let Some(position) = position {
            conditions.after(columns, position, direction);
        }
        let (field, row) = (conditions.bind(FIELD.to_string()), conditions.bind(ROW.to_string()));
        let backend = connection.get_database_backend();
        let packed: Vec<String> =
            order.iter().chain(fields).map(|column| column.packed(backend, &field, &row)).collect();
        let sql = format!(
            "SELECT string_agg(line, '') AS lines FROM (SELECT concat({}, {row}) AS line FROM {from} {} {} LIMIT {PART}) \
             AS part",
            packed.join(&format!(", {field}, ")),
            conditions.clause(),
            order_by(columns, direction)
        );
        let found = connection.query_one_raw(conditions.statement(connection, sql)).await?;
        let lines: Option<String> = found.map(|found| found.try_get("", "lines")).transpose()?.flatten();
        Ok(Part(lines.unwrap_or_default()))
    }
}
