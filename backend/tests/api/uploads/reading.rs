//! What is found in a file.

use super::*;
use backend::{
    service::uploads,
    store::uploads::contents::{self, Batch, ValidRow},
};
use serde_json::json;
use shared::{
    Address,
    run::{Run, RunState},
    upload::{Delimiter, Encoding, Reading, RecordCounts},
};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn every_encoding_is_read() {
    let scene = Scene::start().await;
    let text = "氏名,メールアドレス\r\n山田太郎,taro@例え.example\r\n佐藤花子,hanako@例え.example\r\n佐藤次郎,jiro@例え.example\r\n";
    let utf16 = |little: bool| {
        let bytes = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
    };
    let encode = |encoding: &'static encoding_rs::Encoding| encoding.encode(text).0.into_owned();
    for (encoding, file) in [
        (Encoding::Utf8, text.as_bytes().to_vec()),
        (Encoding::Utf8, [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        (Encoding::Utf16Le, [&b"\xff\xfe"[..], &utf16(true)].concat()),
        (Encoding::Utf16Be, [&b"\xfe\xff"[..], &utf16(false)].concat()),
        (Encoding::Utf16Le, utf16(true)),
        (Encoding::ShiftJis, encode(encoding_rs::SHIFT_JIS)),
        (Encoding::EucJp, encode(encoding_rs::EUC_JP)),
        (Encoding::Iso2022Jp, encode(encoding_rs::ISO_2022_JP)),
    ] {
        let analysis = scene.analysis(&file, &[]).await;
        let expected = Reading { encoding, delimiter: Delimiter::Comma, header: true, column_number: Some(2) };
        assert_eq!(analysis.reading, expected);
        assert_eq!(analysis.columns[1].name.as_deref(), Some("メールアドレス"));
        assert_eq!(analysis.preview[0], ["山田太郎", "taro@例え.example"]);
        let counts = analysis.counts.expect("counts");
        assert_eq!((counts.new, counts.invalid), (3, 0), "{encoding:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_counted_by_what_becomes_of_them() {
    let scene = Scene::start().await;
    let client = scene.client();
    let event = |address: &str| {
        json!({ "id": Uuid::new_v4(), "address": address, "outcome": "error", "reason": "unknown_user",
            "occurred_at": scene.app.clock.now() })
    };
    let events: Vec<Value> = ["blocked@example.com", "released@example.com"].map(event).to_vec();
    client.post(&scene.place.path("/delivery-events"), &events).await.expect(200);
    let run: Run = client.post(&scene.place.path("/runs"), &json!({})).await.expect(202).json();
    let begun = tokio::time::Instant::now();
    while client.get(&scene.place.path(&format!("/runs/{}", run.id))).await.json::<Run>().state != RunState::Done {
        assert!(begun.elapsed() < PATIENCE, "the run ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let release = json!({ "addresses": ["released@example.com"] });
    client.post(&scene.place.path("/releases"), &release).await.expect(200);

    let file = "mail,note\n\
                Blocked@Example.com,\n\
                released@example.com,\n\
                new@example.com,\"two\nlines\"\n\
                NEW@example.com.,again\n\
                abc..def@carrier.example,malformed but real\n\
                \n\
                no address,x\n\
                '=no formula,guarded\n\
                ,empty\n\
                @example.com,\"a \"\"quote\"\"\"\n";
    let path = scene.send(file.as_bytes(), &[]).await;
    let upload = scene.analysed(&path).await;
    let expected =
        RecordCounts { total: 9, new: 2, already_blocked: 1, exempt: 1, duplicate: 1, invalid: 4, invalid_kept: 4 };
    assert_eq!(upload.analysis.and_then(|analysis| analysis.counts), Some(expected));
    let csv = scene.invalid_rows(&path).await;
    assert_eq!(
        csv,
        "line,value,cause\r\n9,\"no address\",no_at\r\n10,\"'=no formula\",no_at\r\n\
         11,\"\",empty\r\n12,\"'@example.com\",empty_local_part\r\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_can_be_read_in_another_way() {
    let scene = Scene::start().await;
    let path = scene.begin(100, &[]).await;
    scene.read_again(&path, &json!({})).await.expect(409);
    let file = "from;to\na@example.com;x@example.com\nb@example.com;y\n";
    let path = scene.send(file.as_bytes(), &[("column", "to")]).await;
    let upload = scene.analysed(&path).await;
    let column = |upload: &Upload| upload.analysis.as_ref().and_then(|analysis| analysis.reading.column_number);
    let counts = |upload: &Upload| upload.analysis.as_ref().and_then(|analysis| analysis.counts).expect("counts");
    assert_eq!((column(&upload), counts(&upload).invalid), (Some(2), 1));
    let answer = scene.read_again(&path, &json!({ "column": "FROM" })).await.expect(202);
    assert_eq!(answer.json::<Upload>().state, UploadState::Analysing);
    let upload = scene.analysed(&path).await;
    assert_eq!((column(&upload), counts(&upload).new, counts(&upload).invalid), (Some(1), 2, 0));
    assert_eq!(scene.invalid_rows(&path).await, "line,value,cause\r\n", "the rows of the reading before are gone");
    let wanted = json!({ "delimiter": "comma", "header": false, "column_number": 1, "encoding": "shift_jis" });
    scene.read_again(&path, &wanted).await.expect(202);
    let upload = scene.analysed(&path).await;
    let reading =
        Reading { encoding: Encoding::ShiftJis, delimiter: Delimiter::Comma, header: false, column_number: Some(1) };
    assert_eq!(upload.analysis.as_ref().map(|analysis| analysis.reading), Some(reading));
    assert_eq!(counts(&upload).total, 3);
    let both = json!({ "column": "to", "column_number": 2 });
    scene.read_again(&path, &both).await.expect_problem(422, "/column_number");
    scene.read_again(&path, &json!({ "encoding": "utf-7" })).await.expect_problem(422, "/encoding");
    scene.read_again(&path, &json!({ "colunm": "to" })).await.expect_problem(422, "/colunm");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_the_encoding_better_is_believed() {
    let scene = Scene::start().await;
    // ﾃｩ in Shift_JIS, and by chance é in UTF-8.
    let path = scene.send(b"name,mail\n\xc3\xa9,taro@example.com\n,\xc3\xa9\n", &[]).await;
    let seen = async || {
        let analysis = scene.analysed(&path).await.analysis.expect("an analysis");
        let rows = scene.invalid_rows(&path).await;
        (analysis.reading.encoding, analysis.preview[0][0].clone(), rows)
    };
    let rows = |value: &str| format!("line,value,cause\r\n3,\"{value}\",no_at\r\n");
    assert_eq!(seen().await, (Encoding::Utf8, "é".to_owned(), rows("é")));
    scene.read_again(&path, &json!({ "encoding": "shift_jis" })).await.expect(202);
    assert_eq!(seen().await, (Encoding::ShiftJis, "ﾃｩ".to_owned(), rows("ﾃｩ")));
    let path = scene.send(b"name,mail\n\xc3\xa9,taro@example.com\n", &[("encoding", "shift_jis")]).await;
    assert_eq!(scene.analysed(&path).await.analysis.expect("an analysis").preview[0][0], "ﾃｩ");
}

fn row(address: &str) -> ValidRow {
    let (address, key) = Address::parse(address).expect("an address").into_parts();
    ValidRow { key, address }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_that_was_killed_begins_anew_after_the_restart() {
    let scene = Scene::start_without_jobs().await;
    let path = scene.send(addresses(1000).as_bytes(), &[]).await;
    let id = scene.show(&path).await.id;
    let state = &scene.app.running.state;
    // What a process leaves that is killed in the middle.
    let dead = Uuid::now_v7();
    let now = scene.app.clock.now();
    assert!(contents::claim(state.db.connection(), id, dead, now).await.expect("claimed"));
    let valid = vec![row("left@example.com"), row("over@example.com")];
    let batch = Batch { first: 1, valid, invalid: Vec::new() };
    assert!(contents::append(&state.db, id, dead, &batch, 0.5).await.expect("written"));
    assert_eq!(scene.show(&path).await.progress, 0.5);
    scene.app.clock.set(now + chrono::TimeDelta::minutes(1));
    let scene = Scene { app: scene.app.restart().await, ..scene };
    let administrator = scene.app.sign_in("administrator@first.example").await;
    let scene = Scene { place: Workplace { administrator, ..scene.place }, ..scene };
    let upload = scene.analysed(&path).await;
    let counts = upload.analysis.and_then(|analysis| analysis.counts);
    assert_eq!(counts.map(|counts| (counts.total, counts.new)), Some((1000, 1000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_analyses_the_later_one_writes() {
    let scene = Scene::start_without_jobs().await;
    let path = scene.send(addresses(10).as_bytes(), &[]).await;
    let id = scene.show(&path).await.id;
    let state = &scene.app.running.state;
    let stalled = Uuid::now_v7();
    assert!(contents::claim(state.db.connection(), id, stalled, scene.app.clock.now()).await.expect("claimed"));
    uploads::perform(state, id).await.expect("analysed");
    let batch = Batch { first: 99, valid: vec![row("late@example.com")], invalid: Vec::new() };
    assert!(!contents::append(&state.db, id, stalled, &batch, 0.5).await.expect("refused"));
    let counts = contents::count(state.db.connection(), scene.place.configuration, id).await.expect("counts");
    assert_eq!(counts.total, 10);
    uploads::perform(state, id).await.expect("twice does no harm");
    assert_eq!(scene.show(&path).await.state, UploadState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_hears_of_the_analysis() {
    use futures::StreamExt;
    let scene = Scene::start().await;
    let request = scene.client().request(Method::GET, &scene.place.path("/live"));
    let mut pieces = request.send().await.expect("an answer").bytes_stream();
    pieces.next().await.expect("a first piece").expect("bytes");
    scene.send(addresses(10).as_bytes(), &[]).await;
    let mut heard = String::new();
    let all = async {
        while !heard.contains("\"state\":\"ready\"") {
            let piece = pieces.next().await.expect("a piece").expect("bytes");
            heard.push_str(std::str::from_utf8(&piece).expect("UTF-8"));
        }
    };
    assert!(tokio::time::timeout(PATIENCE, all).await.is_ok(), "{heard}");
    assert!(heard.contains("event: upload\n"), "{heard}");
}
