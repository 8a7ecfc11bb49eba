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
use futures::{Stream, stream};
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};
use shared::page::Direction;
use std::{
    cmp::Ordering,
    iter,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};
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
    /// Of two packed rows that begin with the columns of the order.
    fn compare(&self, a: &str, b: &str) -> Ordering {
        let ([a1, a2], [b1, b2]) = (place(a), place(b));
        let order = self.columns[0].compare(a1, b1).then_with(|| self.columns[1].compare(a2, b2));
        if self.direction == Direction::Descending { order.reverse() } else { order }
    }

    fn names(&self) -> [&'static str; 2] {
        self.columns.map(Field::column)
    }

    /// Reads the place of a row, to continue after it or to end with it.
    fn values(&self, row: &str) -> Result<[Value; 2]> {
        let [first, second] = place(row);
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
    /// Where this does not hold, no row matches; quick to check.
    pub given: Option<Conditions>,
    /// The order.
    pub order: Order,
    /// What is packed of each row, after the columns of the order.
    pub fields: &'static [Field],
}

/// Some rows, packed.
#[derive(Debug)]
pub struct Part {
    /// Of each source that may have some.
    packed: Vec<String>,
    order: Order,
}

impl Part {
    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let is_placed = self.packed.len() > 1;
        let mut sources = Vec::with_capacity(self.packed.len());
        for source in &self.packed {
            sources.push(rows(source).map(move |packed| Row { packed, is_placed }).peekable());
        }
        iter::from_fn(move || {
            let [one] = &mut sources[..] else {
                let heads = sources.iter_mut().enumerate().filter_map(|(index, rows)| Some((index, *rows.peek()?)));
                let (first, _) = heads.min_by(|(_, a), (_, b)| self.order.compare(a.packed, b.packed))?;
                return sources[first].next();
            };
            one.next()
        })
    }
}

fn rows(packed: &str) -> impl Iterator<Item = &str> {
    packed.split_terminator(ROW)
}

/// How many rows are packed.
fn length(packed: &str) -> usize {
    packed.bytes().filter(|byte| *byte == ROW as u8).count()
}

/// The columns of the order of a packed row that begins with them.
fn place(row: &str) -> [&str; 2] {
    let mut fields = row.split(FIELD);
    [fields.next().unwrap_or_default(), fields.next().unwrap_or_default()]
}

/// One packed row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    packed: &'a str,
    /// Whether it begins with the columns of the order.
    is_placed: bool,
}

impl<'a> Row<'a> {
    /// What [`Source::fields`] names; an absent value is the empty text.
    pub fn fields(self) -> impl Iterator<Item = &'a str> {
        self.packed.split(FIELD).skip(if self.is_placed { 2 } else { 0 })
    }
}

/// The rows of some sources with one order, part by part. Each is a future of its own, so that several can be read at a
/// time: where a part ends is known before its rows are.
pub fn parts(db: Db, sources: Vec<Source>) -> impl Stream<Item = Result<impl Future<Output = Result<Part>>>> {
    let sources: Arc<[Source]> = sources.into();
    let walk = Arc::new(AtomicUsize::new(PART));
    stream::try_unfold(Some(None), move |start: Option<Option<String>>| {
        let (db, sources, walk) = (db.clone(), sources.clone(), walk.clone());
        async move {
            let Some(after) = start else { return Ok(None) };
            let snapshot = db.snapshot().await?;
            let mut given = Vec::new();
            for (index, source) in sources.iter().enumerate() {
                if source.is_given(&snapshot).await? {
                    given.push(index);
                }
            }
            let looked_at = walk.load(Relaxed);
            let (mut end, mut walked): (Option<String>, _) = (None, None);
            for source in given.iter().map(|index| &sources[*index]) {
                if walked.replace(source.table) != Some(source.table) {
                    let nearer = source.boundary(&snapshot, after.as_deref(), end.as_deref(), looked_at).await?;
                    end = nearer.or(end);
                }
            }
            let next = end.clone().map(Some);
            let part = async move {
                let mut packed = Vec::with_capacity(given.len());
                for source in given.iter().map(|index| &sources[*index]) {
                    let is_placed = given.len() > 1;
                    packed.push(source.rows(&snapshot, after.as_deref(), end.as_deref(), is_placed).await?);
                }
                snapshot.commit().await?;
                let found: usize = packed.iter().map(|rows| length(rows)).sum();
                walk.store(if found < PART / 4 { WALK.min(looked_at * 4) } else { PART }, Relaxed);
                Ok(Part { packed, order: sources[0].order })
            };
            Ok(Some((part, next)))
        }
    })
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
        Ok(place.as_deref().and_then(|place| rows(place).next()).map(str::to_owned))
    }

    /// What matches after `after`, up to and with `end`, packed; `is_placed`: after the columns of the order.
    async fn rows<C: ConnectionTrait>(
        &self,
        connection: &C,
        after: Option<&str>,
        end: Option<&str>,
        is_placed: bool,
    ) -> Result<String> {
        let mut conditions = self.range(&self.matching, after, end)?;
        let place = self.order.columns.iter().filter(|_| is_placed);
        let line = packed(&mut conditions, connection.get_database_backend(), place.chain(self.fields));
        let sql = format!(
            "SELECT string_agg(line, '') AS lines FROM (SELECT {line} AS line FROM {} {} {}) AS part",
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
