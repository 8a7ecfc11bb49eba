//! Searches beside a plain filter in memory: whatever is looked for, in whatever order and with whatever effort, the
//! pages together are exactly what matches.

use crate::support::{TestApp, Workplace};
use backend::store::{
    Db,
    blocked_addresses::{self, Filter},
    exemptions,
    search::{Effort, Found, Place, Portion},
};
use chrono::DateTime;
use sea_orm::{ConnectionTrait, Statement, Value};
use shared::{
    Address, Reason,
    list::{BlockState, ListSort, Origin},
    page::Direction,
};
use std::{collections::HashSet, time::Duration};
use uuid::Uuid;

/// So little that lists of a few hundred rows take every way: short walks, growing ones, given up ones, indexes.
const EFFORTS: [Effort; 4] = [
    Effort { probe: 8, walk: 24, time: Duration::MAX, candidates: 40 },
    Effort { probe: 8, walk: 4_000, time: Duration::ZERO, candidates: 5 },
    Effort { probe: 60, walk: 200, time: Duration::MAX, candidates: 400 },
    Effort { probe: 2_000, walk: 4_000, time: Duration::MAX, candidates: 400 },
];

/// The newest version that all mail servers hold in these tests.
const HELD: i64 = 3;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("a small number")
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    fn address(&mut self) -> Address {
        const PARTS: [&str; 24] = [
            "taro", "ken", "q8", "Sato", ".", "_", "-", "+tag", "100%", "a", "8", "x_y", "o'brien", "..", "é", "日",
            "\"a b\"", "/", "zz", "q", "\\", "ß", "7q8", "=",
        ];
        const DOMAINS: [&str; 9] = [
            "example.com",
            "Example.COM",
            "docomo.ne.jp",
            "日本語.example",
            "a.b",
            "q8.example",
            "under_score.example",
            "bücher.example",
            "BÜCHER.example",
        ];
        loop {
            let local: String = (0..=self.roll(4)).map(|_| *self.pick(&PARTS)).collect();
            let text = format!("{local}{}@{}", self.roll(90), self.pick(&DOMAINS));
            if let Ok(address) = Address::parse(&text) {
                return address;
            }
        }
    }

    /// One to twelve characters of an address, mostly; sometimes of none.
    fn text(&mut self, addresses: &[Address]) -> String {
        if self.roll(8) == 0 {
            return (*self
                .pick(&["zzzz", "q9", "ü", "CHER", "BÜCH", "%", "_", "\\", "\"", "a%b", "\0", "\n", "  ", "'"]))
            .to_owned();
        }
        let address = self.pick(addresses);
        let whole = if self.roll(3) == 0 { address.spelling() } else { address.key().as_str() };
        let characters: Vec<char> = whole.chars().collect();
        let from = self.roll(characters.len());
        let length = 1 + self.roll(12);
        let part: String = characters[from..].iter().take(length).collect();
        if self.roll(4) == 0 { part.to_uppercase() } else { part }
    }
}

/// What a search compares, by the rules of PRODUCT section 4 alone.
fn contains(address: &Address, text: &str) -> bool {
    let needle = text.trim().to_lowercase();
    let shown = !needle.is_ascii() || needle.contains(['"', '\\']);
    address.key().as_str().contains(&needle) || shown && address.spelling().to_lowercase().contains(&needle)
}

/// A row of either list.
struct Model {
    address: Address,
    id: Uuid,
    reason: Reason,
    origin: Origin,
    at: i64,
    /// `None`: not on the list at all.
    state: Option<BlockState>,
}

impl Model {
    fn place(&self, sort: ListSort) -> Place {
        match sort {
            ListSort::Date => Place::Time(self.at, self.id),
            ListSort::Address => Place::Address(self.address.key().as_str().to_owned(), self.id),
        }
    }

    fn matches(&self, filter: &Filter) -> bool {
        let time = |time: DateTime<chrono::Utc>| time.timestamp_millis();
        filter.text.as_ref().is_none_or(|text| contains(&self.address, text))
            && filter.reason.is_none_or(|reason| reason == self.reason)
            && filter.origin.is_none_or(|origin| origin == self.origin)
            && self.state.is_some_and(|state| filter.state.is_none_or(|wanted| wanted == state))
            && filter.domain.as_ref().is_none_or(|domain| domain == self.address.key().domain())
            && filter.from.is_none_or(|from| time(from) <= self.at)
            && filter.to.is_none_or(|to| self.at < time(to))
    }
}

/// Change sets: version and whether they are ready.
const SETS: [(Option<i64>, bool); 6] =
    [(Some(1), true), (Some(2), true), (Some(5), true), (None, true), (None, false), (None, false)];

/// How far a row is that the set `added` made and `removed` takes off.
fn state(added: (Option<i64>, bool), removed: Option<(Option<i64>, bool)>) -> Option<BlockState> {
    let (version, ready) = added;
    let on_the_list = ready.then_some(if version.is_some() { BlockState::InEffect } else { BlockState::Pending });
    match removed {
        None | Some((_, false)) => on_the_list,
        Some((Some(removed), true)) if removed <= HELD => None,
        Some((removed, true)) => {
            let published = version.is_some_and(|version| removed.is_none_or(|removed| version <= removed));
            published.then_some(BlockState::Releasing)
        }
    }
}

/// Inserts a row whose first values are its id and its configuration; the same for another configuration, too, if one is
/// named.
async fn insert(db: &Db, sql: &str, values: Vec<Value>, other: Option<Uuid>) {
    if let Some(other) = other {
        let mut values = values.clone();
        (values[0], values[1]) = (Uuid::now_v7().into(), other.into());
        run(db, sql, values).await;
    }
    run(db, sql, values).await;
}

async fn run(db: &Db, sql: &str, values: Vec<Value>) {
    let statement = Statement::from_sql_and_values(db.backend(), sql, values);
    db.connection().execute_raw(statement).await.expect(sql);
}

async fn change_sets(db: &Db, place: &Workplace) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for (version, ready) in SETS {
        let id = Uuid::now_v7();
        let sql = "INSERT INTO change_sets (id, server_configuration_id, version, added_count, added_checksum, \
                   removed_count, removed_checksum, created_at, ready) VALUES ($1, $2, $3, 0, '', 0, '', 0, $4)";
        run(db, sql, vec![id.into(), place.configuration.into(), version.into(), ready.into()]).await;
        ids.push(id);
    }
    ids
}

/// Fills both tables; the rows of the other configuration must never be found.
async fn fill(db: &Db, place: &Workplace, other: Uuid, dice: &mut Dice) -> Vec<Model> {
    let sets = change_sets(db, place).await;
    let mut keys = HashSet::new();
    let mut models = Vec::new();
    for n in 0..420 {
        let address = dice.address();
        let live = n % 4 != 0;
        if live && !keys.insert(address.key().as_str().to_owned()) {
            continue;
        }
        let (added, removed) = (dice.roll(5), (!live).then(|| dice.roll(SETS.len())));
        let model = Model {
            id: Uuid::from_u128(dice.roll(usize::MAX) as u128),
            reason: *dice.pick(&[Reason::UnknownUser, Reason::UnknownUser, Reason::UnknownHost, Reason::Registered]),
            origin: *dice.pick(&Origin::ALL),
            at: 1_700_000_000_000 + dice.roll(60) as i64 * 1_000,
            state: state(SETS[added], removed.map(|set| SETS[set])),
            address,
        };
        let mut values: Vec<Value> = vec![
            model.id.into(),
            place.configuration.into(),
            model.address.key().as_str().into(),
            model.address.spelling().into(),
            model.address.key().domain().into(),
            model.reason.as_str().into(),
            model.origin.as_str().into(),
            model.at.into(),
            sets[added].into(),
        ];
        let sql = match removed {
            None => {
                "INSERT INTO blocked_addresses (id, server_configuration_id, address_key, address, domain, reason, \
                 origin, blocked_at, added_set_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
            }
            Some(set) => {
                values.push(sets[set].into());
                "INSERT INTO removed_blocks (id, server_configuration_id, address_key, address, domain, reason, \
                 origin, blocked_at, added_set_id, cause, removed_at, removed_set_id) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'release', 5, $10)"
            }
        };
        insert(db, sql, values, Some(other).filter(|_| live && n % 10 == 1)).await;
        models.push(model);
    }
    models
}

/// Fills the stop cancellation list, also with what a list operation makes or ends; the rows of the other configuration
/// must never be found.
async fn fill_exemptions(db: &Db, place: &Workplace, other: Uuid, dice: &mut Dice) -> Vec<Model> {
    let is_ready = |set: usize| SETS[set].1;
    let sets = change_sets(db, place).await;
    let mut keys = HashSet::new();
    let mut models = Vec::new();
    for n in 0..260 {
        let address = dice.address();
        let open = n % 4 != 0;
        if open && !keys.insert(address.key().as_str().to_owned()) {
            continue;
        }
        let made = (dice.roll(2) == 0).then(|| dice.roll(SETS.len()));
        let ended = (!open).then(|| dice.roll(SETS.len()));
        let in_force = made.is_none_or(is_ready) && ended.is_none_or(|set| !is_ready(set));
        let model = Model {
            id: Uuid::from_u128(dice.roll(usize::MAX) as u128),
            reason: *dice.pick(&[Reason::UnknownUser, Reason::UnknownUser, Reason::UnknownHost, Reason::Registered]),
            // It has none.
            origin: Origin::Api,
            at: 1_700_000_000_000 + dice.roll(60) as i64 * 1_000,
            state: in_force.then_some(BlockState::InEffect),
            address,
        };
        let values: Vec<Value> = vec![
            model.id.into(),
            place.configuration.into(),
            model.address.key().as_str().into(),
            model.address.spelling().into(),
            model.address.key().domain().into(),
            model.reason.as_str().into(),
            model.at.into(),
            made.map(|set| sets[set]).into(),
            ended.map(|set| sets[set]).into(),
        ];
        let sql = "INSERT INTO exemptions (id, server_configuration_id, address_key, address, domain, reason, \
                   released_at, made_set_id, ended_set_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        insert(db, sql, values, Some(other).filter(|_| open && n % 10 == 1)).await;
        models.push(model);
    }
    models
}

fn filter(dice: &mut Dice, addresses: &[Address]) -> Filter {
    let time = |dice: &mut Dice| DateTime::from_timestamp_millis(1_700_000_000_000 + dice.roll(60) as i64 * 1_000);
    let mut filter = Filter::default();
    if dice.roll(5) != 0 {
        filter.text = Some(dice.text(addresses));
    }
    if dice.roll(4) == 0 {
        filter.reason = Some(*dice.pick(&[Reason::UnknownUser, Reason::Registered, Reason::ResendTimeout]));
    }
    if dice.roll(5) == 0 {
        filter.origin = Some(*dice.pick(&Origin::ALL));
    }
    if dice.roll(3) == 0 {
        filter.state = Some(*dice.pick(&[BlockState::InEffect, BlockState::Pending, BlockState::Releasing]));
    }
    if dice.roll(4) == 0 {
        filter.domain = Some(dice.pick(addresses).key().domain().to_owned());
    }
    if dice.roll(5) == 0 {
        filter.from = time(dice);
    }
    if dice.roll(5) == 0 {
        filter.to = time(dice);
    }
    filter
}

/// Reads page after page as a caller does, and compares them with all that match.
async fn compare<T>(
    mut matching: Vec<Place>,
    direction: Direction,
    limit: usize,
    search: impl AsyncFn(Option<Place>) -> Found<T>,
    what: &str,
) {
    matching.sort();
    if direction == Direction::Descending {
        matching.reverse();
    }
    let mut seen: Vec<Place> = Vec::new();
    let mut after = None;
    for page in 0.. {
        assert!(page < 600, "no end: {what}");
        let found = search(after).await;
        let (count, more) = (found.total.count, found.total.more);
        assert!(count <= matching.len() as u64, "{count} of {}: {what}", matching.len());
        assert!(more || count == matching.len() as u64, "{count} of {}: {what}", matching.len());
        let is_full = found.rows.len() > limit;
        seen.extend(found.rows.into_iter().take(limit).map(|(place, _)| place));
        after = if is_full { seen.last().cloned() } else { found.stopped };
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, matching, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_the_blocked_list_finds_exactly_what_matches() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let other = place.administrator.create_configuration("Other").await;
    let db = &app.running.state.db;
    let mut dice = Dice(0x5eed);
    let mut models = fill(db, &place, other, &mut dice).await;
    let addresses: Vec<Address> = models.iter().map(|model| model.address.clone()).collect();
    for round in 0..240 {
        if round == 140 {
            // What is taken out is not found any more, nor is the text index confused by it.
            let (gone, kept): (Vec<_>, Vec<_>) = models.into_iter().partition(|model| model.at % 7_000 == 0);
            models = kept;
            for model in &gone {
                run(db, "DELETE FROM blocked_addresses WHERE id = $1", vec![model.id.into()]).await;
                run(db, "DELETE FROM removed_blocks WHERE id = $1", vec![model.id.into()]).await;
            }
        }
        let filter = filter(&mut dice, &addresses);
        let sort = *dice.pick(&[ListSort::Date, ListSort::Address]);
        let direction = *dice.pick(&[Direction::Ascending, Direction::Descending]);
        let effort = *dice.pick(&EFFORTS);
        let limit = 1 + dice.roll(40);
        let matching = models.iter().filter(|model| model.matches(&filter)).map(|model| model.place(sort)).collect();
        let search = async |after: Option<Place>| {
            let portion = Portion { after: after.as_ref(), limit: limit as u64 + 1, effort };
            let found = blocked_addresses::search(
                db.connection(),
                place.configuration,
                &filter,
                HELD,
                (sort, direction),
                portion,
            );
            found.await.expect("a page")
        };
        let what = format!("round {round}: {filter:?} {sort:?} {direction:?} {effort:?} limit {limit}");
        compare(matching, direction, limit, search, &what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_the_stop_cancellation_list_finds_exactly_what_matches() {
    let app = TestApp::start_without_jobs().await;
    let place = app.workplace().await;
    let other = place.administrator.create_configuration("Other").await;
    let db = &app.running.state.db;
    let mut dice = Dice(0xd1ce);
    let models = fill_exemptions(db, &place, other, &mut dice).await;
    let addresses: Vec<Address> = models.iter().map(|model| model.address.clone()).collect();
    for round in 0..150 {
        // What both lists are searched by.
        let common = Filter { origin: None, state: None, ..filter(&mut dice, &addresses) };
        let (text, domain) = (common.text.clone(), common.domain.clone());
        let filter = exemptions::Filter { text, reason: common.reason, domain, from: common.from, to: common.to };
        let sort = *dice.pick(&[ListSort::Date, ListSort::Address]);
        let direction = *dice.pick(&[Direction::Ascending, Direction::Descending]);
        let effort = *dice.pick(&EFFORTS);
        let limit = 1 + dice.roll(40);
        let matching = models.iter().filter(|model| model.matches(&common)).map(|model| model.place(sort)).collect();
        let search = async |after: Option<Place>| {
            let portion = Portion { after: after.as_ref(), limit: limit as u64 + 1, effort };
            let found = exemptions::search(db.connection(), place.configuration, &filter, (sort, direction), portion);
            found.await.expect("a page")
        };
        let what = format!("round {round}: {filter:?} {sort:?} {direction:?} {effort:?} limit {limit}");
        compare(matching, direction, limit, search, &what).await;
    }
}
