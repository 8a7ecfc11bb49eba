//! Rows of lists and logs for downloads.
//!
//! The database packs thousands of values of a column into one text, so that a row costs neither side a message of its
//! own. Each part is a range of the order, read of all sources at one moment, and begins after the part before: what
//! stands in the list throughout comes exactly once, whatever is added, removed or moved from one source to another
//! meanwhile. It ends after so many rows were looked at: nobody waits for a statement without an end.

use super::{
    Db, Error, Result,
    search::{Conditions, Tables, order_by},
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

/// Separates packed values (US, U+001F). No stored address, id or name holds it.
const SEPARATOR: char = '\u{1f}';
/// The most that is packed of a row: the audit log has so many.
pub const MAX_FIELDS: usize = 12;

/// What is packed of a row, as [`Source::fields`] names it; an absent value is the empty text.
pub type Fields<'a> = [&'a str; MAX_FIELDS];

/// A column, or an expression, and how it is packed.
#[derive(Debug, Clone, Copy)]
pub enum Field {
    /// A number.
    Number(&'static str),
    /// A text without control characters.
    Name(&'static str),
    /// A text with any characters: what separates values becomes a space.
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

    /// As a text; `separator`: a placeholder.
    fn text(self, backend: DatabaseBackend, separator: &str) -> String {
        let text = match self {
            Self::Name(column) => column.to_owned(),
            Self::Text(column) => format!("replace({column}, {separator}, ' ')"),
            Self::Id(column) if backend == DatabaseBackend::Sqlite => format!("hex({column})"),
            Self::Number(column) | Self::Id(column) => format!("CAST({column} AS TEXT)"),
        };
        format!("COALESCE({text}, '')")
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
    fn compare(&self, [a1, a2]: Place<'_>, [b1, b2]: Place<'_>) -> Ordering {
        let order = self.columns[0].compare(a1, b1).then_with(|| self.columns[1].compare(a2, b2));
        if self.direction == Direction::Descending { order.reverse() } else { order }
    }

    fn names(&self) -> [&'static str; 2] {
        self.columns.map(Field::column)
    }

    /// Reads a place, to continue after it or to end with it.
    fn values(&self, place: Place<'_>) -> Result<[Value; 2]> {
        let values = self.columns[0].value(place[0]).zip(self.columns[1].value(place[1]));
        let (first, second) = values.ok_or_else(|| Error::Unreadable(format!("the place {place:?}")))?;
        Ok([first, second])
    }
}

/// The values of the order's columns.
type Place<'a> = [&'a str; 2];

/// What comes after one place, up to and with another; `None`: from the first row, or to the last.
#[derive(Debug)]
struct Range {
    after: Option<[String; 2]>,
    end: Option<[String; 2]>,
}

/// Rows to pack: which, from where, in which order.
#[derive(Debug, Clone)]
pub struct Source {
    /// The table, and what it is joined with for conditions and fields.
    pub tables: Tables,
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
    packed: Vec<Packed>,
    order: Order,
}

impl Part {
    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Fields<'_>> {
        let mut sources: Vec<_> = self.packed.iter().map(|packed| packed.rows().peekable()).collect();
        iter::from_fn(move || {
            let first = if sources.len() > 1 {
                let heads = sources.iter_mut().enumerate().filter_map(|(index, rows)| Some((index, rows.peek()?.0)));
                heads.min_by(|(_, a), (_, b)| self.order.compare(*a, *b))?.0
            } else {
                0
            };
            Some(sources.get_mut(first)?.next()?.1)
        })
    }
}

/// Rows of one source.
#[derive(Debug)]
struct Packed {
    /// All values of each column: those of the order, where there are other sources, then those of the fields.
    columns: Vec<String>,
    has_places: bool,
    rows: usize,
}

impl Packed {
    fn rows(&self) -> impl Iterator<Item = (Place<'_>, Fields<'_>)> {
        let mut columns: Vec<_> = self.columns.iter().map(|column| column.split(SEPARATOR)).collect();
        (0..self.rows).map(move |_| {
            let mut values = columns.iter_mut().map(|values| values.next().unwrap_or_default());
            let (mut place, mut fields) = (Place::default(), Fields::default());
            if self.has_places {
                place.iter_mut().zip(&mut values).for_each(|(slot, value)| *slot = value);
            }
            fields.iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
            (place, fields)
        })
    }
}

/// The rows of some sources with one order, part by part. Each is a future of its own, so that several can be read at a
/// time: where a part ends is known before its rows are.
pub fn parts(db: Db, sources: Vec<Source>) -> impl Stream<Item = Result<impl Future<Output = Result<Part>>>> {
    let sources: Arc<[Source]> = sources.into();
    let walk = Arc::new(AtomicUsize::new(PART));
    // The first part begins after no place.
    stream::try_unfold(Some(None), move |start: Option<Option<[String; 2]>>| {
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
            let (mut range, mut walked) = (Range { after, end: None }, None);
            for source in given.iter().map(|index| &sources[*index]) {
                if walked.replace(source.tables.name) != Some(source.tables.name) {
                    range.end = source.boundary(&snapshot, &range, looked_at).await?.or(range.end);
                }
            }
            let next = range.end.clone().map(Some);
            let part = async move {
                let mut packed = Vec::with_capacity(given.len());
                for source in given.iter().map(|index| &sources[*index]) {
                    packed.push(source.rows(&snapshot, &range, given.len() > 1).await?);
                }
                snapshot.commit().await?;
                let found: usize = packed.iter().map(|packed: &Packed| packed.rows).sum();
                walk.store(if found < PART / 4 { WALK.min(looked_at * 4) } else { PART }, Relaxed);
                Ok(Part { packed, order: sources[0].order })
            };
            Ok(Some((part, next)))
        }
    })
}

impl Source {
    /// The conditions, and only what is in a range.
    fn within(&self, range: &Range, conditions: &Conditions) -> Result<Conditions> {
        let mut conditions = conditions.clone();
        let values = |place: &[String; 2]| self.order.values(place.each_ref().map(String::as_str));
        if let Some(after) = &range.after {
            conditions.after(self.order.names(), values(after)?, self.order.direction);
        }
        if let Some(end) = &range.end {
            conditions.up_to(self.order.names(), values(end)?, self.order.direction);
        }
        Ok(conditions)
    }

    async fn is_given<C: ConnectionTrait>(&self, connection: &C) -> Result<bool> {
        let Some(given) = &self.given else { return Ok(true) };
        let sql = format!("SELECT 1 AS one {}", given.clause());
        Ok(connection.query_one_raw(given.clone().statement(connection, sql)).await?.is_some())
    }

    /// The place of the row that is `size` rows after the beginning of a range; `None` where the range ends before it.
    async fn boundary<C: ConnectionTrait>(
        &self,
        connection: &C,
        range: &Range,
        size: usize,
    ) -> Result<Option<[String; 2]>> {
        let mut conditions = self.within(range, &self.scope)?;
        let backend = connection.get_database_backend();
        let (Tables { name, alias, .. }, id) = (self.tables, self.order.columns[1].column());
        let clause = conditions.clause();
        let separator = conditions.bind(SEPARATOR.to_string());
        let [first, second] = self.order.columns.map(|field| field.text(backend, &separator));
        // Only this one row is made a text of, not those before it.
        let sql = format!(
            "SELECT {first} AS first, {second} AS second FROM {name} {alias} \
             WHERE {id} = (SELECT {id} FROM {} {clause} {} LIMIT 1 OFFSET {})",
            self.tables.alone(backend),
            order_by(self.order.names(), self.order.direction),
            size - 1
        );
        let found = connection.query_one_raw(conditions.statement(connection, sql)).await?;
        found.map(|found| Ok([found.try_get("", "first")?, found.try_get("", "second")?])).transpose()
    }

    /// What matches in a range, packed.
    async fn rows<C: ConnectionTrait>(&self, connection: &C, range: &Range, has_places: bool) -> Result<Packed> {
        let mut conditions = self.within(range, &self.matching)?;
        let clause = conditions.clause();
        let separator = conditions.bind(SEPARATOR.to_string());
        let backend = connection.get_database_backend();
        let places = self.order.columns.iter().filter(|_| has_places);
        let columns: Vec<_> = places.chain(self.fields).map(|field| field.text(backend, &separator)).collect();
        let each = |write: &dyn Fn(usize) -> String| (0..columns.len()).map(write).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT COUNT(*) AS n, {} FROM (SELECT {} FROM {} {clause} {}) AS part",
            each(&|n| format!("string_agg(c{n}, {separator}) AS c{n}")),
            each(&|n| format!("{} AS c{n}", columns[n])),
            self.tables.joined(backend),
            order_by(self.order.names(), self.order.direction)
        );
        let found = connection.query_one_raw(conditions.statement(connection, sql)).await?;
        let found = found.ok_or_else(|| Error::Unreadable("an aggregate without a row".to_owned()))?;
        let texts = (0..columns.len()).map(|n| found.try_get::<Option<String>>("", &format!("c{n}")));
        let columns = texts.map(|text| Ok(text?.unwrap_or_default())).collect::<Result<_>>()?;
        Ok(Packed { columns, has_places, rows: found.try_get::<i64>("", "n")? as usize })
    }
}
