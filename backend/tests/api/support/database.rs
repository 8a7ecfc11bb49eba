//! An empty database for each test: a copy of one that is brought up to date once.

use super::start_of_test;
use backend::{
    app,
    clock::Clock,
    config::{PasswordCost, Settings},
};
use sea_orm::{ConnectionTrait, Database};
use std::{fs, path::Path};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Names the PostgreSQL server in which each test gets a database of its own; without it tests run on SQLite.
pub const VARIABLE: &str = "STOPLIST_TEST_DATABASE_URL";

/// Settings with a database of their own, and the folder that it may be in.
pub async fn empty() -> (Settings, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = Settings::in_folder(folder.path());
    settings.password_cost = PasswordCost::Least;
    match std::env::var(VARIABLE) {
        Ok(server) => settings.database_url = copy_of_postgres(&server).await,
        Err(_) => fs::write(file(&settings), copy_of_sqlite().await).expect("a database file"),
    }
    (settings, folder)
}

/// The content of a SQLite file that was brought up to date and closed.
async fn copy_of_sqlite() -> &'static [u8] {
    static CONTENT: OnceCell<Vec<u8>> = OnceCell::const_new();
    let make = async || {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings::in_folder(folder.path());
        bring_up_to_date(settings.clone()).await;
        fs::read(file(&settings)).expect("a database file")
    };
    CONTENT.get_or_init(make).await
}

fn file(settings: &Settings) -> &Path {
    Path::new(settings.database_url.strip_prefix("sqlite://").expect("the URL of a file"))
}

/// The URL of a new database in a PostgreSQL server.
async fn copy_of_postgres(server: &str) -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    let create = async |name: &str, how: &str| {
        let connection = Database::connect(server).await.expect("the PostgreSQL server of the tests");
        connection.execute_unprepared(&format!("CREATE DATABASE {name} {how}")).await.expect("a new database");
        connection.close().await.expect("a closed connection");
        format!("{base}/{name}")
    };
    let make = async || {
        let name = format!("template_{}", Uuid::now_v7().simple());
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Settings::in_folder(folder.path());
        settings.database_url = create(&name, "").await;
        bring_up_to_date(settings).await;
        name
    };
    let template = TEMPLATE.get_or_init(make).await;
    create(&format!("test_{}", Uuid::now_v7().simple()), &format!("TEMPLATE {template}")).await
}

async fn bring_up_to_date(settings: Settings) {
    let state = app::open(settings, Clock::manual(start_of_test())).await.expect("an open database");
    state.db.close().await;
}
