//! The search of a list of any length with bounded work.
//!
//! Where nothing is looked for but what the index of the order answers, the page is its next rows. Else three ways lead to
//! a page, the cheapest first:
//! 1. *A probe*, the beginning of the list in its order, says how frequent matches are. Short lists are known as a whole
//!    by it.
//! 2. *In order*: where matches are frequent, the next page is near. Rows are walked by the index of the order, in
//!    ranges that grow.
//! 3. *By an index*: where matches are rare, an index of something that is looked for names them all, and sorting them
//!    is quick.
//!
//! A walk ends after so many rows or so much time ([`Effort`]), and the page says so by a cursor after few rows or none:
//! the caller goes on, nobody waits for a statement without an end.

mod effort;
mod postgres;
mod whole;

pub use effort::Effort;

use super::{COUNT_LIMIT, Conditions, Needle, Place, Tables, order_by};
use crate::store::{Error, Result};
use postgres::{bitmap_scans, is_cancelled};
use sea_orm::{ConnectionTrait, DatabaseBackend, QueryResult, TransactionSession, TransactionTrait, Value};
use shared::page::{Direction, Total};
use std::time::{Duration, Instant};

/// Which rows of what matches are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Portion<'a> {
    /// Those after this place.
    pub after: Option<&'a Place>,
    /// So many.
    pub limit: u64,
    /// With this effort.
    pub effort: Effort,
}

impl<'a> Portion<'a> {
    /// A page, and the row that says whether there is a next one.
    pub fn page(after: Option<&'a Place>, limit: u16) -> Self {
        Self { after, limit: u64::from(limit) + 1, effort: Effort::default() }
    }
}

/// A page may need this many times the rows of the probe before an index is worth its random reads.
const PATIENCE: u64 = 5;

/// A range of rows that was read in this time is followed by a larger one.
const QUICK: Duration = Duration::from_millis(100);

/// The order of a list: two columns, in one direction, that make it total.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The columns, with the alias of their table.
    pub columns: [&'static str; 2],
    /// The direction of both.
    pub direction: Direction,
    /// Reads the two columns (`place_0`, `place_1`) of a row.
    pub place: fn(&QueryResult) -> Result<Place>,
}

/// An index that may name all matches.
#[derive(Debug, Clone)]
pub enum Narrow {
    /// The trigram index of the list.
    Text(Needle),
    /// `column = value`.
    Equal(&'static str, Value),
    /// `from <= column < to`.
    Between(&'static str, Option<i64>, Option<i64>),
    /// A condition without values but `$1`, the server configuration.
    Among(String),
}

/// A search of one table.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The table, and what it is joined with for conditions and columns.
    pub tables: Tables,
    /// What a page reads of a row.
    pub columns: &'static str,
    /// The order.
    pub order: Order,
    /// What the index of the order answers; `$1` is the server configuration.
    pub scope: Conditions,
    /// The scope and all other conditions; `$1` is the same.
    pub matching: Conditions,
    /// A condition of `matching` that all rows are known to meet at present.
    pub assured: Option<&'static str>,
    /// An index that names few rows as a rule: tried before anything else.
    pub first: Option<Narrow>,
    /// Indexes to try where matches are rare.
    pub narrow: Vec<Narrow>,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Found<T> {
    /// Rows in order, each with its place.
    pub rows: Vec<(Place, T)>,
    /// Where the search gave up: what comes after this place was not looked at.
    pub stopped: Option<Place>,
    /// How many rows match, from the beginning of the list.
    pub total: Total,
}

impl<T> Found<T> {
    /// Reads the rows.
    ///
    /// # Errors
    /// A row holds what cannot be read.
    pub fn read<U>(self, read: impl Fn(&T) -> Result<U>) -> Result<Found<U>> {
        let rows = self.rows.into_iter().map(|(place, row)| Ok((place, read(&row)?))).collect::<Result<_>>()?;
        Ok(Found { rows, stopped: self.stopped, total: self.total })
    }

    /// Two parts of one list in one order. Where one part gave up, rows of the other that come later have to wait.
    pub fn merge(mut self, other: Self, direction: Direction) -> Self {
        let in_order = |a: &Place, b: &Place| match direction {
            Direction::Ascending => a.cmp(b),
            Direction::Descending => b.cmp(a),
        };
        self.rows.extend(other.rows);
        self.rows.sort_by(|a, b| in_order(&a.0, &b.0));
        self.stopped = self.stopped.into_iter().chain(other.stopped).min_by(in_order);
        if let Some(stopped) = &self.stopped {
            self.rows.retain(|(place, _)| in_order(place, stopped).is_le());
        }
        let count = self.total.count + other.total.count;
        let more = self.total.more || other.total.more || count > COUNT_LIMIT;
        self.total = Total { count: count.min(COUNT_LIMIT), more };
        self
    }
}

/// How to go on after the look at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    InOrder,
    ByIndex,
}

impl Strategy {
    /// `hits` rows of the probe match, and a page has `limit` rows.
    fn choose(hits: u64, limit: u64) -> Self {
        if hits * PATIENCE >= limit { Self::InOrder } else { Self::ByIndex }
    }
}

impl Listing {
    /// What matches, in order.
    ///
    /// # Errors
    /// The database's.
    pub async fn search<C: ConnectionTrait + TransactionTrait>(
        &self,
        connection: &C,
        portion: Portion<'_>,
    ) -> Result<Found<QueryResult>> {
        let Portion { after, limit, effort } = portion;
        if let Some(first) = &self.first
            && let Some(found) = self.by_index(connection, first, portion).await?
        {
            return Ok(found);
        }
        if self.matching.follow_from(&self.scope, self.assured) {
            let rows = self.rows(connection, after, None, limit).await?;
            let alone = self.tables.alone(connection.get_database_backend());
            let count = count(connection, &alone, self.scope.clone()).await?;
            let total = Total { count: count.min(COUNT_LIMIT), more: count > COUNT_LIMIT };
            return Ok(Found { rows, stopped: None, total });
        }
        let end = self.boundary(connection, None, effort.probe).await?;
        let mut probed = self.matching.clone();
        probed.range(&self.order, None, end.as_ref());
        let joined = self.tables.joined(connection.get_database_backend());
        let hits = count(connection, &joined, probed).await?;
        if end.is_some()
            && Strategy::choose(hits, limit) == Strategy::ByIndex
            && let Some(found) = self.look_up(connection, portion).await?
        {
            return Ok(found);
        }
        let more = end.is_some();
        let (rows, stopped) = if more {
            // The probe's range is the first one to walk, unless the page begins elsewhere.
            self.in_order(connection, portion, end.filter(|_| after.is_none())).await?
        } else {
            (self.rows(connection, after, None, limit).await?, None)
        };
        let seen = if after.is_none() { rows.len() as u64 } else { 0 };
        let total = Total { count: hits.max(seen).min(COUNT_LIMIT), more: more || hits > COUNT_LIMIT };
        Ok(Found { rows, stopped, total })
    }

    /// Walks ranges that grow until the page is full, the list ends or the effort is spent.
    async fn in_order(
        &self,
        connection: &impl ConnectionTrait,
        Portion { after, limit, effort }: Portion<'_>,
        mut known_end: Option<Place>,
    ) -> Result<(Vec<(Place, QueryResult)>, Option<Place>)> {
        let mut rows = Vec::new();
        let mut from = after.cloned();
        let (mut size, mut left) = (effort.probe, effort.walk);
        let begun = Instant::now();
        loop {
            let range_begun = Instant::now();
            let end = match known_end.take() {
                Some(end) => Some(end),
                None => self.boundary(connection, from.as_ref(), size).await?,
            };
            let wanted = limit - rows.len() as u64;
            rows.extend(self.rows(connection, from.as_ref(), end.as_ref(), wanted).await?);
            left -= size;
            if rows.len() as u64 >= limit || end.is_none() {
                return Ok((rows, None));
            }
            if left == 0 || begun.elapsed() > effort.time {
                return Ok((rows, end));
            }
            from = end;
            let growth = if range_begun.elapsed() < QUICK { 4 } else { 1 };
            size = (size * growth).min(left);
        }
    }

    fn place_columns(&self) -> String {
        format!("{} AS place_0, {} AS place_1", self.order.columns[0], self.order.columns[1])
    }

    /// The place of the row that is `size` rows after `from`; `None` where the list ends before it.
    async fn boundary(
        &self,
        connection: &impl ConnectionTrait,
        from: Option<&Place>,
        size: u64,
    ) -> Result<Option<Place>> {
        let mut conditions = self.scope.clone();
        conditions.range(&self.order, from, None);
        let sql = format!(
            "SELECT {} FROM {} {} {} LIMIT 1 OFFSET {}",
            self.place_columns(),
            self.tables.alone(connection.get_database_backend()),
            conditions.clause(),
            order_by(self.order.columns, self.order.direction),
            size - 1
        );
        let row = connection.query_one_raw(conditions.statement(connection, sql)).await?;
        row.as_ref().map(self.order.place).transpose()
    }

    /// The first `limit` matches after `from`, up to and with `end`.
    async fn rows(
        &self,
        connection: &impl ConnectionTrait,
        from: Option<&Place>,
        end: Option<&Place>,
        limit: u64,
    ) -> Result<Vec<(Place, QueryResult)>> {
        let mut conditions = self.matching.clone();
        conditions.range(&self.order, from, end);
        let sql = format!(
            "SELECT {}, {} FROM {} {} {} LIMIT {limit}",
            self.columns,
            self.place_columns(),
            self.tables.joined(connection.get_database_backend()),
            conditions.clause(),
            order_by(self.order.columns, self.order.direction)
        );
        let rows = connection.query_all_raw(conditions.statement(connection, sql)).await?;
        self.placed(rows)
    }

    /// The condition of the candidates, where there is such an index; it may stop after `limit` of them.
    fn candidates(
        &self,
        backend: DatabaseBackend,
        narrow: &Narrow,
        limit: u64,
        conditions: &mut Conditions,
    ) -> Option<String> {
        let Tables { name, alias, .. } = self.tables;
        match narrow {
            Narrow::Text(needle) => needle.candidates(backend, (name, alias), limit, conditions),
            Narrow::Among(condition) => Some(condition.clone()),
            Narrow::Equal(column, value) => {
                let value = conditions.bind(value.clone());
                Some(format!("{alias}.server_configuration_id = $1 AND {column} = {value}"))
            }
            Narrow::Between(column, from, to) => {
                let (from, to) = (conditions.bind(from.unwrap_or(i64::MIN)), conditions.bind(to.unwrap_or(i64::MAX)));
                Some(format!("{alias}.server_configuration_id = $1 AND {column} >= {from} AND {column} < {to}"))
            }
        }
    }

    fn placed(&self, rows: Vec<QueryResult>) -> Result<Vec<(Place, QueryResult)>> {
        rows.into_iter().map(|row| Ok(((self.order.place)(&row)?, row))).collect()
    }

    /// All matches are among the candidates that an index names; `None` where it names too many.
    async fn by_index<C: ConnectionTrait + TransactionTrait>(
        &self,
        connection: &C,
        narrow: &Narrow,
        Portion { after, limit, effort }: Portion<'_>,
    ) -> Result<Option<Found<QueryResult>>> {
        let backend = connection.get_database_backend();
        let mut conditions = self.matching.clone();
        let matching = conditions.clause();
        let Some(condition) = self.candidates(backend, narrow, effort.candidates + 1, &mut conditions) else {
            return Ok(None);
        };
        let mut page = conditions.without_conditions();
        let by_place = Order { columns: ["place_0", "place_1"], ..self.order };
        page.range(&by_place, after, None);
        let Tables { name, alias, joins, .. } = self.tables;
        let by_place = order_by(by_place.columns, by_place.direction);
        // At least one row, with the counts, comes back.
        let sql = format!(
            "WITH candidates AS MATERIALIZED (SELECT {alias}.* FROM {name} {alias} WHERE {condition} LIMIT {}), \
             found AS MATERIALIZED (SELECT 1 AS is_match, {}, {} FROM candidates {alias}{joins} {matching}), \
             page AS (SELECT * FROM found {} {by_place} LIMIT {limit}) \
             SELECT counts.candidate_count, counts.found_count, page.* FROM (SELECT \
             (SELECT COUNT(*) FROM candidates) AS candidate_count, (SELECT COUNT(*) FROM found) AS found_count) \
             AS counts LEFT JOIN page ON TRUE {by_place}",
            effort.candidates + 1,
            self.columns,
            self.place_columns(),
            page.clause(),
        );
        let statement = page.statement(connection, sql);
        let rows = if backend == DatabaseBackend::Postgres && matches!(narrow, Narrow::Text(_)) {
            let transaction = connection.begin().await?;
            transaction.execute_unprepared(&bitmap_scans()).await?;
            let rows = match transaction.query_all_raw(statement).await {
                Err(error) if is_cancelled(&error) => return Ok(None),
                rows => rows?,
            };
            // What was set for this statement goes with it, also within a larger transaction.
            transaction.rollback().await?;
            rows
        } else {
            connection.query_all_raw(statement).await?
        };
        let Some(first) = rows.first() else { return Ok(None) };
        if number(first, "candidate_count")? > effort.candidates {
            return Ok(None);
        }
        let count = number(first, "found_count")?;
        let total = Total { count, more: false };
        let is_empty = first.try_get::<Option<i32>>("", "is_match")?.is_none();
        let rows = if is_empty { Vec::new() } else { self.placed(rows)? };
        Ok(Some(Found { rows, stopped: None, total }))
    }
}

/// How many rows match, counted up to [`COUNT_LIMIT`] and one more.
async fn count(connection: &impl ConnectionTrait, from: &str, conditions: Conditions) -> Result<u64> {
    let sql = format!(
        "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM {from} {} LIMIT {}) AS matching",
        conditions.clause(),
        COUNT_LIMIT + 1
    );
    let row = connection.query_one_raw(conditions.statement(connection, sql)).await?;
    row.map_or(Ok(0), |row| number(&row, "n"))
}

fn number(row: &QueryResult, column: &str) -> Result<u64> {
    let number: i64 = row.try_get("", column)?;
    u64::try_from(number).map_err(|_| Error::Unreadable(format!("{column} {number}")))
}

#[cfg(test)]
mod tests;
