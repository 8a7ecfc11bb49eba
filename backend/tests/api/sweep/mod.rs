//! Bad input at every operation there is, made of the OpenAPI document: whatever is wrong, the answer is a problem that
//! names it, and nothing changes. A new operation is covered as soon as it is declared.

mod audited;
mod closing;
mod foreign_ids;
mod permissions;
mod plans;
mod schema;
mod strangers;
mod world;

use crate::support::client::{Response, expect_codes};
use schema::{Schemas, Wrong};
use serde_json::Value;
use shared::Problem;
use world::World;

/// The answer is a problem that names the place.
fn expect_named(answer: &Response, pointer: &str, what: &str) {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status.as_u16(), 422, "{what}: {text}");
    let problem: Problem = answer.json();
    expect_codes(&problem, what);
    // Values in place of named fields are wrong one by one, too.
    let inside = |at: &str| what.contains("an array of values") && at.starts_with(pointer);
    let named = problem.errors.iter().any(|error| error.pointer == pointer || inside(&error.pointer));
    assert!(named, "{what}: {pointer:?} is not in {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_body_is_named_and_changes_nothing() {
    let world = World::new().await;
    let schemas = Schemas(&world.document);
    let before = world.state().await;
    let (mut operations, mut bodies) = (0, 0);
    for operation in world.operations() {
        let (Some(schema), path) = (operation.body(), operation.path(&world.here)) else { continue };
        operations += 1;
        let json = "application/json";
        let name = operation.name();
        let object = schemas.is_object(schema);
        for wrong in schemas.wrong_bodies(schema) {
            bodies += 1;
            let what = format!("{name}, {} at {:?}", wrong.what, wrong.pointer);
            let answer = world.send(&operation, &path, Some((json, wrong.body.clone().into_bytes()))).await;
            if object {
                expect_named(&answer, &wrong.pointer, &what);
            } else if wrong.pointer.is_empty() {
                answer.expect(400);
            } else {
                // Each item of a batch has its own result.
                expect_rejected(&answer.expect(200), &wrong, &what);
            }
        }
        for no_json in [&b""[..], b" ", b"{", b"nothing", b"\xef\xbb\xbf{}", b"\xff\xfe{}"] {
            world.send(&operation, &path, Some((json, no_json.to_vec()))).await.expect(400);
        }
        world.send(&operation, &path, Some(("text/plain", b"{}".to_vec()))).await.expect(415);
        world.send(&operation, &path, Some((json, vec![b' '; 9 * 1024 * 1024]))).await.expect(413);
    }
    println!("FIGURE {bodies} wrong bodies at {operations} operations");
    assert!(operations > 10 && bodies > 300, "{operations} operations, {bodies} bodies: is the document read rightly?");
    assert_eq!(world.state().await, before, "something changed");
}

fn expect_rejected(answer: &Response, wrong: &Wrong, what: &str) {
    let result: Value = answer.json();
    assert_eq!(result["rejected"], 1, "{what}: {result}");
    let field = wrong.pointer.rsplit('/').next().filter(|field| *field != "0").unwrap_or_default();
    let detail = result["items"][0]["detail"].as_str().unwrap_or_default();
    // The example makes no sense in other fields as well, which may be found before.
    assert!(detail.contains(field) || wrong.what.contains("NUL"), "{what}: {detail} does not name it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_is_named_and_changes_nothing() {
    let world = World::new().await;
    let before = world.state().await;
    let mut cursors: Vec<(String, String)> = Vec::new();
    for operation in world.operations().filter(|operation| operation.query().any(|(name, _)| name == "cursor")) {
        for ids in [&world.here, &world.elsewhere] {
            let path = operation.path(ids);
            let answer = world.send(&operation, &format!("{path}?limit=1"), None).await;
            if answer.status == 200 {
                let page: Value = answer.json();
                cursors.extend(page["next_cursor"].as_str().map(|cursor| (path, cursor.to_owned())));
            }
        }
    }
    assert!(cursors.len() > 4, "lists with two rows: {cursors:?}");
    let mut queries = 0;
    for operation in world.operations() {
        let path = operation.path(&world.here);
        let mut ask = async |name: &str, value: &str, encoded: &str| {
            queries += 1;
            let required = operation.required_but(name);
            let answer = world.send(&operation, &format!("{path}?{required}{name}={encoded}"), None).await;
            expect_named(&answer, name, &format!("{}, {name}={value:?}", operation.name()));
        };
        let mut any = false;
        for (name, schema) in operation.query() {
            any = true;
            let wrong = Schemas(&world.document).wrong_parameters(schema);
            let mut values: Vec<_> = wrong.iter().map(|value| (*value, *value)).collect();
            values.push(("a NUL", "a%00b"));
            if name == "cursor" {
                values.extend([("", ""), ("x", "x"), ("eyJ9", "eyJ9")]);
                let others = cursors.iter().filter(|(of, _)| *of != path);
                values.extend(others.map(|(of, cursor)| (of.as_str(), cursor.as_str())));
            }
            for (value, encoded) in values {
                ask(name, value, encoded).await;
            }
        }
        if any {
            ask("no_such_parameter", "1", "1").await;
        }
    }
    println!("FIGURE {queries} wrong queries");
    assert_eq!(world.state().await, before, "something changed");
}
