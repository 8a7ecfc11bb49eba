//! Rows of lists and logs for downloads.
//!
//! The database packs thousands of rows into one text, so that a row costs neither side a message of its own. Each part
//! is a range of the order, read of all sources at one moment, and begins after the part before: what stands in the list
//! throughout comes exactly once, whatever is added, removed or moved from one source to another meanwhile. It ends after
//! so many rows, or after so many that were looked at: nobody waits for a statement without an end.

use super::{
    Db, Error, Result,
    search::{Conditions, order_by},
};
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};
use shared::page::Direction;
use std::{cmp::Ordering, iter};
use uuid::Uuid;

/// Rows of a part: large enough that a statement costs little, small enough that its text fits in memory many times.
const PART: usize = 5_000;
/// Rows that are looked at for a part where few of them match: some hundredths of a second.
const WALK: usize = 50_000;

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

/// The order of a download.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Its columns; the second makes it total.
    pub columns: [Field; 2],
    /// The direction of both.
    pub direction: Direction,
}

impl Order {
    fn compare(&self, a: Row<'_>, b: Row<'_>) -> Ordering {
        let ([a1, a2], [b1, b2]) = (a.place(), b.place());
        let order = self.columns[0].compare(a1, b1).then_with(|| self.columns[1].compare(a2, b2));
        if self.direction == Direction::Descending { order.reverse() } else { order }
    }

    fn names(&self) -> [&'static str; 2] {
        self.columns.map(Field::column)
    }

    /// Reads the place of a row, to continue after it or to end with it.
    fn values(&self, row: &str) -> Result<[Value; 2]> {
        let [first, second] = Row(row).place();
        let values = self.columns[0].value(first).zip(self.columns[1].value(second));
        let (first, second) = values.ok_or_else(|| Error::Unreadable(format!("the place {row:?}")))?;
        Ok([first, second])
    }
}

/// Rows to pack: which, from where, in which order.
#[derive(Debug, Clone)]
pub struct Source {
    /// The table with its alias.
    pub table: &'static str,
    /// The same with its joins.
    pub from: &'static str,
    /// Which of its rows the index of the order answers.
    pub scope: Conditions,
    /// The scope and all other conditions.
    pub matching: Conditions,
    /// Whether nearly all rows of the scope match: then those of a part are never far apart.
    pub is_dense: bool,
    /// Where this does not hold, no row matches; quick to check.
    pub given: Option<Conditions>,
    /// The order.
    pub order: Order,
    /// What is packed of each row, after the columns of the order.
    pub fields: &'static [Field],
}

/// Where a part begins.
#[derive(Debug, Clone)]
pub struct Start {
    /// After this row, of which only the place is known.
    after: Option<String>,
    /// So many rows are looked at.
    walk: usize,
}

impl Default for Start {
    fn default() -> Self {
        Self { after: None, walk: PART }
    }
}

/// Some rows, packed.
#[derive(Debug)]
pub struct Part {
    /// Of each source that has some.
    packed: Vec<String>,
    order: Order,
    /// Where the next part begins; `None` when there is none.
    pub next: Option<Start>,
}

impl Part {
    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut sources: Vec<_> = self.packed.iter().map(|packed| rows(packed).peekable()).collect();
        iter::from_fn(move || {
            let heads = sources.iter_mut().enumerate().filter_map(|(index, rows)| Some((index, *rows.peek()?)));
            let (first, _) = heads.min_by(|(_, a), (_, b)| self.order.compare(*a, *b))?;
            sources[first].next()
        })
    }
}

fn rows(packed: &str) -> impl Iterator<Item = Row<'_>> {
    packed.split_terminator(ROW).map(Row)
}

/// How many rows are packed.
fn length(packed: &str) -> usize {
    packed.bytes().filter(|byte| *byte == ROW as u8).count()
}

fn last(packed: &str) -> Option<&str> {
    packed.strip_suffix(ROW).map(|rows| rows.rsplit(ROW).next().unwrap_or(rows))
}

/// One packed row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a>(&'a str);

impl<'a> Row<'a> {
    /// What [`Source::fields`] names; an absent value is the empty text.
    pub fn fields(self) -> impl Iterator<Item = &'a str> {
        self.0.split(FIELD).skip(2)
    }

    /// The columns of the order.
    fn place(self) -> [&'a str; 2] {
        let mut fields = self.0.split(FIELD);
        [fields.next().unwrap_or_default(), fields.next().unwrap_or_default()]
    }
}

/// The next rows of some sources with one order.
///
/// # Errors
/// The database refused.
pub async fn part(db: &Db, sources: &[Source], start: Start) -> Result<Part> {
    if sources.len() == 1 {
        return read(db.connection(), sources, start).await;
    }
    let snapshot = db.snapshot().await?;
    let part = read(&snapshot, sources, start).await?;
    snapshot.commit().await?;
    Ok(part)
}

async fn read<C: ConnectionTrait>(connection: &C, sources: &[Source], start: Start) -> Result<Part> {
    let order = sources.first().ok_or_else(|| Error::Unreadable("no source".to_owned()))?.order;
    let Start { after, walk } = start;
    let (mut packed, mut found) = (Vec::new(), 0);
    let (mut end, mut walked): (Option<String>, _) = (None, None);
    for source in sources {
        if !source.is_given(connection).await? {
            continue;
        }
        if !source.is_dense && walked.replace(source.table) != Some(source.table) {
            end = source.boundary(connection, after.as_deref(), end.as_deref(), walk).await?.or(end);
        }
        let rows = source.rows(connection, after.as_deref(), end.as_deref()).await?;
        let count = length(&rows);
        found += count;
        if count == PART {
            end = last(&rows).map(str::to_owned);
        }
        packed.push(rows);
    }
    packed.retain(|rows| !rows.is_empty());
    if let Some(end) = &end {
        // Where a source after it ended sooner, the rest is read again with the next part.
        let is_late = |row: &Row<'_>| order.compare(*row, Row(end)).is_gt();
        for late in packed.iter_mut().filter(|packed| last(packed).is_some_and(|last| is_late(&Row(last)))) {
            let kept: usize = rows(late).take_while(|row| !is_late(row)).map(|row| row.0.len() + ROW.len_utf8()).sum();
            late.truncate(kept);
        }
    }
    let walk = if found < PART / 4 { WALK.min(walk * 4) } else { PART };
    Ok(Part { packed, order, next: end.map(|end| Start { after: Some(end), walk }) })
}

impl Source {
    /// The conditions, and only what comes after `after`, up to and with `end`.
    fn range(&self, conditions: &Conditions, after: Option<&str>, end: Option<&str>) -> Result<Conditions> {
        let mut conditions = conditions.clone();
        if let Some(after) = after {
            conditions.after(self.order.names(), self.order.values(after)?, self.order.direction);
        }
        if let Some(end) = end {
            conditions.up_to(self.order.names(), self.order.values(end)?, self.order.direction);
        }
        Ok(conditions)
    }

    async fn is_given<C: ConnectionTrait>(&self, connection: &C) -> Result<bool> {
        let Some(given) = &self.given else { return Ok(true) };
        let sql = format!("SELECT 1 AS one {}", given.clause());
        Ok(connection.query_one_raw(given.clone().statement(connection, sql)).await?.is_some())
    }

    /// The place of the row that is `size` rows after `after`; `None` where `end` comes before it.
    async fn boundary<C: ConnectionTrait>(
        &self,
        connection: &C,
        after: Option<&str>,
        end: Option<&str>,
        size: usize,
    ) -> Result<Option<String>> {
        let mut conditions = self.range(&self.scope, after, end)?;
        let (table, id) = (self.table, self.order.columns[1].column());
        let clause = conditions.clause();
        let place = packed(&mut conditions, connection.get_database_backend(), self.order.columns.iter());
        // Packed is only this one row, not those before it.
        let sql = format!(
            "SELECT {place} AS place FROM {table} WHERE {id} = (SELECT {id} FROM {table} {clause} {} LIMIT 1 OFFSET {})",
            order_by(self.order.names(), self.order.direction),
            size - 1
        );
        let found = connection.query_one_raw(conditions.statement(connection, sql)).await?;
        let place: Option<String> = found.map(|found| found.try_get("", "place")).transpose()?;
        Ok(place.as_deref().and_then(last).map(str::to_owned))
    }

    /// What matches after `after`, up to and with `end`, at most [`PART`] rows, packed.
    async fn rows<C: ConnectionTrait>(&self, connection: &C, after: Option<&str>, end: Option<&str>) -> Result<String> {
        let mut conditions = self.range(&self.matching, after, end)?;
        let columns = self.order.columns.iter().chain(self.fields);
        let line = packed(&mut conditions, connection.get_database_backend(), columns);
        let sql = format!(
            "SELECT string_agg(line, '') AS lines FROM (SELECT {line} AS line FROM {} {} {} LIMIT {PART}) AS part",
            self.from,
            conditions.clause(),
            order_by(self.order.names(), self.order.direction)
        );
        let found = connection.query_one_raw(conditions.statement(connection, sql)).await?;
        let lines: Option<String> = found.map(|found| found.try_get("", "lines")).transpose()?.flatten();
        Ok(lines.unwrap_or_default())
    }
}

/// An expression that packs these columns of a row.
fn packed<'a>(
    conditions: &mut Conditions,
    backend: DatabaseBackend,
    columns: impl Iterator<Item = &'a Field>,
) -> String {
    let (field, row) = (conditions.bind(FIELD.to_string()), conditions.bind(ROW.to_string()));
    let columns: Vec<String> = columns.map(|column| column.packed(backend, &field, &row)).collect();
    format!("concat({}, {row})", columns.join(&format!(", {field}, ")))
}
