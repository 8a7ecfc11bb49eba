//! Files that are no lists, or bad ones.

use super::*;
use shared::upload::{Encoding, FailureCode};

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_says_why_and_where() {
    let scene = Scene::start().await;
    let line = vec![b'x'; 3 * 1024 * 1024];
    let long = [b"mail\na@example.com\n", &line[..]].concat();
    let open = format!("mail,note\n{}b@example.com,\"never closed\n{}", addresses(2000), addresses(2000));
    let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 1, 2, 3, 250, 251].repeat(1000)].concat();
    let zip = [&b"PK\x03\x04\x14\x00"[..], &[7; 1000]].concat();
    let named = |name: &'static str| vec![("column", name)];
    for (file, metadata, code, line) in [
        (&b""[..], vec![], FailureCode::Empty, None),
        (b"\r\n\r\n", vec![], FailureCode::Empty, None),
        (b"mail,name\r\n", vec![], FailureCode::HeaderOnly, None),
        (b"mail,name\r\na@example.com,A\r\n", named("address"), FailureCode::NoSuchColumn, None),
        (b"mail,name\r\na@example.com,A\r\n", vec![("column_number", "3")], FailureCode::NoSuchColumn, None),
        (b"mail,Mail\r\na@example.com,b@example.com\r\n", named("mail"), FailureCode::AmbiguousColumn, None),
        (b"id,name\r\n1,A\r\n", vec![], FailureCode::NoAddressColumn, None),
        (&png, vec![], FailureCode::NotText, None),
        (&zip, vec![], FailureCode::NotText, None),
        (b"mail\na@example.com\n\"b@example.com\nc@example.com\n", vec![], FailureCode::UnclosedQuote, Some(3)),
        (open.as_bytes(), vec![], FailureCode::UnclosedQuote, Some(2002)),
        (&long, vec![], FailureCode::RecordTooLong, Some(3)),
    ] {
        let failure = scene.failure(file, &metadata).await;
        assert_eq!((failure.code, failure.line), (code, line), "{failure:?}");
        assert!(!failure.detail.is_empty());
    }
    nothing_is_left(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_failed_shows_its_columns_and_can_be_read_in_another_way() {
    let scene = Scene::start().await;
    let path = scene.send(b"Mail,mail\na@example.com,b\n", &[("column", "mail")]).await;
    let upload = scene.analysed(&path).await;
    assert_eq!(upload.state, UploadState::Failed);
    let analysis = upload.analysis.expect("what was found so far");
    assert_eq!((analysis.columns.len(), analysis.preview.len(), analysis.counts), (2, 1, None));
    scene.read_again(&path, &serde_json::json!({ "column_number": 1 })).await.expect(202);
    let upload = scene.analysed(&path).await;
    assert_eq!((upload.state, upload.failure), (UploadState::Ready, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_that_opens_far_into_the_file_leaves_nothing_behind() {
    let scene = Scene::start().await;
    let file = format!("{}\"open@example.com\n", addresses(50_000));
    let path = scene.send(file.as_bytes(), &[]).await;
    let upload = scene.analysed(&path).await;
    assert_eq!(
        upload.failure.map(|failure| (failure.code, failure.line)),
        Some((FailureCode::UnclosedQuote, Some(50_001)))
    );
    let id = upload.id;
    let state = &scene.app.running.state;
    let counts = backend::store::uploads::contents::count(state.db.connection(), scene.place.configuration, id).await;
    assert_eq!(counts.expect("counts").total, 0, "nothing is half there");
    assert!(scene.app.unused_pages().await < 50, "the room is given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_without_meaning_cost_their_row_only() {
    let scene = Scene::start().await;
    // UTF-8 with a row of Shift_JIS, a row with NUL in the address, one with NUL elsewhere.
    let mut file = "名前,mail\n太郎,taro@example.com\n".as_bytes().to_vec();
    file.extend_from_slice(b"\x8e\x52\x93\x63,\x8e\x52@example.com\n");
    file.extend_from_slice(b"\x8e\x52\x93\x63,yamada@example.com\n");
    file.extend_from_slice(b"x,na\0ul@example.com\nna\0ul,nul@example.com\n");
    file.extend_from_slice(addresses(50).replace("user", "花子,user").as_bytes());
    // Whether somebody says so, or it is found out.
    for encoding in [&[("encoding", "utf-8")][..], &[]] {
        let path = scene.send(&file, encoding).await;
        let upload = scene.analysed(&path).await;
        assert_eq!(upload.failure, None);
        let analysis = upload.analysis.expect("an analysis");
        assert_eq!(analysis.reading.encoding, Encoding::Utf8);
        let counts = analysis.counts.expect("counts");
        assert_eq!((counts.total, counts.new, counts.invalid), (55, 53, 2));
        let csv = scene.invalid_rows(&path).await;
        assert_eq!(
            csv,
            "line,value,cause\r\n3,\"\u{fffd}R@example.com\",undecodable\r\n5,\"na\u{fffd}ul@example.com\",control_character\r\n"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_invalid_rows_all_are_listed_as_long_as_the_file_is_there() {
    let scene = Scene::start().await;
    // An encoding in which pieces end in the middle of a character, and the last row without a line break.
    let text = format!("email\n{}a@example.com\nlast", "not an address\n".repeat(119_999));
    let file: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let path = scene.send(&file, &[]).await;
    let upload = scene.analysed(&path).await;
    let counts = upload.analysis.and_then(|analysis| analysis.counts).expect("counts");
    assert_eq!((counts.total, counts.invalid, counts.invalid_kept), (120_001, 120_000, 100_000));
    let csv = scene.invalid_rows(&path).await;
    let lines = (2..=120_000).map(|line| format!("{line},\"not an address\",no_at\r\n")).collect::<String>();
    assert!(csv == format!("line,value,cause\r\n{lines}120002,\"last\",no_at\r\n"), "{} lines", csv.lines().count());

    let registration = serde_json::json!({ "delivery_timing": "next_execution" });
    scene.client().post(&format!("{path}/registration"), &registration).await.expect(202);
    until_rows(&scene, "upload_pieces", false).await;
    let csv = scene.invalid_rows(&path).await;
    assert_eq!(csv.lines().count(), 100_002);
    assert_eq!(csv.lines().nth(100_000), Some("100001,\"not an address\",no_at"));
    let missing = ",\"20000 more rows have no valid address: their file went when it was registered\",";
    assert_eq!(csv.lines().last(), Some(missing));
    scene.client().delete(&path).await.expect(204);
    nothing_is_left(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_rows_are_told_in_japanese_too() {
    let scene = Scene::start().await;
    let path = scene.send("mail\n=1+1\n@\n".as_bytes(), &[("column", "mail")]).await;
    assert_eq!(scene.analysed(&path).await.failure, None);
    let answer = scene.client().get(&format!("{path}/invalid-rows?language=ja&bom=true")).await.expect(200);
    let expected = "\u{feff}行,値,原因\r\n2,\"'=1+1\",@ がない\r\n3,\"'@\",@ の前が空\r\n";
    assert_eq!(String::from_utf8(answer.body).expect("UTF-8"), expected);
    scene.client().get(&format!("{path}/invalid-rows?language=de")).await.expect_problem(422, "language");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_quote_the_next_row_closes_is_invalid_and_costs_no_other() {
    let scene = Scene::start().await;
    let file = "mail,note\n\"a@x.jp\",\"n\"\n\"b@x.jp\",\"n\n\"c@x.jp\",\"n\"\n\"d@x.jp\",\"two\nlines\"\n";
    let path = scene.send(file.as_bytes(), &[]).await;
    let counts = scene.analysed(&path).await.analysis.and_then(|analysis| analysis.counts).expect("counts");
    assert_eq!((counts.total, counts.new, counts.invalid), (3, 2, 1));
    let csv = scene.invalid_rows(&path).await;
    assert_eq!(csv, "line,value,cause\r\n3,\"b@x.jp\",unclosed_quote\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_may_be_too_long_and_is_shown_cut() {
    let scene = Scene::start().await;
    let long = format!("{}@example.com", "x".repeat(2000));
    let path = scene.send(format!("a@example.com\n{long}\n").as_bytes(), &[]).await;
    let counts = scene.analysed(&path).await.analysis.and_then(|analysis| analysis.counts).expect("counts");
    assert_eq!((counts.new, counts.invalid), (1, 1));
    let csv = scene.invalid_rows(&path).await;
    assert_eq!(csv.lines().last(), Some(format!("2,\"{}\",too_long", "x".repeat(500)).as_str()));
}
