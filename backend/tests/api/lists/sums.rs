//! The sums of change sets and of the published list, computed again from the rows.

use super::*;
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use std::collections::BTreeMap;

/// A number of addresses and their checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    count: i64,
    checksum: ListChecksum,
}

impl Sum {
    fn add(&mut self, key: &str) {
        self.count += 1;
        self.checksum.add(&AddressKey::from_stored(key.to_owned()));
    }

    fn read(row: &QueryResult, name: &str) -> Self {
        let checksum: String = row.try_get("", &format!("{name}_checksum")).expect("a column");
        let count = row.try_get("", &format!("{name}_count")).expect("a column");
        Self { count, checksum: checksum.parse().expect("a checksum") }
    }
}

struct Set {
    version: Option<i64>,
    ready: bool,
    added: Sum,
    removed: Sum,
}

async fn rows(scene: &Scene, sql: &str) -> Vec<QueryResult> {
    let connection = scene.app.running.state.db.connection();
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(statement).await.expect("rows")
}

/// Proves that every sum is what its rows say.
pub(super) async fn prove(scene: &Scene, context: &str) {
    let mut sets: BTreeMap<Uuid, Set> = BTreeMap::new();
    for row in rows(scene, "SELECT * FROM change_sets").await {
        let set = Set {
            version: row.try_get("", "version").expect("a column"),
            ready: row.try_get("", "ready").expect("a column"),
            added: Sum::read(&row, "added"),
            removed: Sum::read(&row, "removed"),
        };
        assert!(set.ready || set.version.is_none(), "{context}: published before it was ready");
        sets.insert(row.try_get("", "id").expect("an id"), set);
    }
    let (mut added, mut removed): (BTreeMap<Uuid, Sum>, BTreeMap<Uuid, Sum>) = Default::default();
    let mut held: BTreeSet<String> = BTreeSet::new();
    let mut live: BTreeSet<String> = BTreeSet::new();
    for row in rows(scene, "SELECT address_key, added_set_id FROM blocked_addresses").await {
        let key: String = row.try_get("", "address_key").expect("a key");
        let set_id: Uuid = row.try_get("", "added_set_id").expect("an id");
        added.entry(set_id).or_default().add(&key);
        if sets[&set_id].version.is_some() {
            assert!(held.insert(key.clone()), "{context}: {key} is held twice");
        }
        if sets[&set_id].ready {
            assert!(live.insert(key.clone()), "{context}: {key} is blocked twice");
        }
    }
    for row in rows(scene, "SELECT address_key, added_set_id, removed_set_id FROM removed_blocks").await {
        let key: String = row.try_get("", "address_key").expect("a key");
        let set_id: Uuid = row.try_get("", "added_set_id").expect("an id");
        let Some(removed_set_id) = row.try_get::<Option<Uuid>>("", "removed_set_id").expect("a column") else {
            continue;
        };
        let (set, remover) = (&sets[&set_id], &sets[&removed_set_id]);
        if !remover.ready {
            assert!(live.insert(key.clone()), "{context}: {key} is blocked twice");
        }
        // Taken off before it was ever published: in neither sum.
        if remover.ready && set.version.is_none_or(|version| remover.version.is_some_and(|later| later <= version)) {
            continue;
        }
        added.entry(set_id).or_default().add(&key);
        removed.entry(removed_set_id).or_default().add(&key);
        if set.version.is_some() && remover.version.is_none() {
            assert!(held.insert(key.clone()), "{context}: {key} is held twice");
        }
    }
    for (id, set) in &sets {
        assert_eq!(set.added, added.remove(id).unwrap_or_default(), "{context}: what {id} adds");
        assert_eq!(set.removed, removed.remove(id).unwrap_or_default(), "{context}: what {id} removes");
    }
    let mut sum = Sum::default();
    held.iter().for_each(|key| sum.add(key));
    for row in rows(scene, "SELECT list_count, list_checksum FROM server_configurations").await {
        assert_eq!(Sum::read(&row, "list"), sum, "{context}: the published list");
    }
    let exempt = "SELECT e.address_key FROM exemptions e LEFT JOIN change_sets m ON m.id = e.made_set_id \
                  LEFT JOIN change_sets n ON n.id = e.ended_set_id \
                  WHERE (e.made_set_id IS NULL OR m.ready) AND (e.ended_set_id IS NULL OR NOT n.ready)";
    for row in rows(scene, exempt).await {
        let key: String = row.try_get("", "address_key").expect("a key");
        assert!(!live.contains(&key), "{context}: {key} is blocked and exempt");
    }
}

/// The addresses that a change set holds in a table.
pub(super) async fn of_set(scene: &Scene, set: Uuid, table: &str, column: &str) -> BTreeSet<String> {
    let connection = scene.app.running.state.db.connection();
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        format!("SELECT address_key FROM {table} WHERE {column} = $1"),
        [set.into()],
    );
    let found = connection.query_all_raw(statement).await.expect("rows");
    found.iter().map(|row| row.try_get("", "address_key").expect("a key")).collect()
}

async fn keys(scene: &Scene, sql: &str) -> BTreeSet<String> {
    rows(scene, sql).await.iter().map(|row| row.try_get("", "address_key").expect("a key")).collect()
}

/// The addresses that a run or a list operation at work takes off, and that are on the list until it is done.
pub(super) async fn being_taken_off(scene: &Scene) -> BTreeSet<String> {
    let sql = "SELECT r.address_key FROM removed_blocks r JOIN change_sets s ON s.id = r.removed_set_id \
               WHERE NOT s.ready";
    keys(scene, sql).await
}

/// The addresses that a list operation at work is about to block or to exempt.
pub(super) async fn claimed(scene: &Scene) -> BTreeSet<String> {
    let sql = "SELECT b.address_key FROM blocked_addresses b JOIN change_sets s ON s.id = b.added_set_id \
               WHERE NOT s.ready UNION SELECT e.address_key FROM exemptions e \
               JOIN change_sets s ON s.id = e.made_set_id WHERE NOT s.ready";
    keys(scene, sql).await
}

/// The change set of a list operation.
pub(super) async fn set_of(scene: &Scene, operation: Uuid) -> Option<Uuid> {
    let state = &scene.app.running.state;
    let stored = backend::store::list_operations::get(state.db.connection(), operation).await.expect("a row");
    stored.expect("the operation").change_set_id
}

/// The addresses with errors that are counted.
pub(super) async fn counted(scene: &Scene) -> BTreeSet<String> {
    keys(scene, "SELECT address_key FROM error_tallies WHERE count > 0").await
}

/// Makes an analysed upload of these addresses.
pub(crate) async fn upload(scene: &Scene, addresses: &[String]) -> Uuid {
    let connection = scene.app.running.state.db.connection();
    let database = connection.get_database_backend();
    let id = Uuid::now_v7();
    let sql = "INSERT INTO uploads (id, server_configuration_id, created_by, file_name, metadata, size, received, \
               state, reading, progress, attempts, rung_at, created_at, updated_at, expires_at) \
               VALUES ($1, $2, 'test', 'list.csv', '', 0, 0, 'ready', '{}', 1, 0, $3, $3, $3, $4)";
    let now = scene.app.clock.now().timestamp_millis();
    let values = [id.into(), scene.place.configuration.into(), now.into(), (now + 86_400_000).into()];
    connection.execute_raw(Statement::from_sql_and_values(database, sql, values)).await.expect("an upload");
    let rows: Vec<(i64, &String)> = (2_i64..).zip(addresses).collect();
    for chunk in rows.chunks(1_000) {
        let mut values = vec![sea_orm::Value::from(id)];
        let mut names = Vec::new();
        for (line, address) in chunk {
            let key = shared::Address::parse(address).expect("an address").into_parts().1;
            let n = values.len();
            names.push(format!("($1, ${}, ${}, ${}, ${})", n + 1, n + 2, n + 3, n + 4));
            values.extend([(*line).into(), key.as_str().into(), address.as_str().into(), key.domain().into()]);
        }
        let sql = format!(
            "INSERT INTO upload_addresses (upload_id, place, address_key, address, domain) VALUES {}",
            names.join(", ")
        );
        connection.execute_raw(Statement::from_sql_and_values(database, sql, values)).await.expect("rows");
    }
    id
}
