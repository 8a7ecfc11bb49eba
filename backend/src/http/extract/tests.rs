use super::*;
use shared::run_settings::{BlockingCondition, RunSettingsUpdate};

fn problems(error: Error) -> Vec<FieldProblem> {
    match error {
        Error::Invalid(problems) => problems,
        other => panic!("{other:?}"),
    }
}

fn pointers(error: Error) -> Vec<String> {
    problems(error).into_iter().map(|problem| problem.pointer).collect()
}

#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct Query {
    #[garde(range(min = 1, max = 500))]
    limit: Option<u16>,
}

#[test]
fn wrong_fields_are_named() {
    let condition = |text: &str| pointers(from_json::<BlockingCondition>(text.as_bytes()).unwrap_err());
    assert_eq!(condition(r#"{"reason":"unknown_user","enabled":true}"#), ["/frequency"]);
    assert_eq!(condition(r#"{"reason":"unknown_user","enabled":1,"frequency":1}"#), ["/enabled"]);
    assert_eq!(condition(r#"{"reason":"x","enabled":true,"frequency":1}"#), ["/reason"]);
    assert_eq!(condition(r#"{"reason":"unknown_user","enabled":true,"frequency":1,"x":2}"#), ["/x"]);
    assert!(matches!(from_json::<BlockingCondition>(b"{"), Err(Error::Malformed(_))));
    assert!(matches!(from_json::<u8>(b"1 2"), Err(Error::Malformed(_))));
    assert_eq!(condition(r#"{"reason":"unknown_user","enabled":true,"frequency":1e400}"#), ["/frequency"]);
    assert_eq!(condition(r#"{"reason":"\ud800","enabled":true,"frequency":1}"#), ["/reason"]);
    assert_eq!(condition(r#"{"reason":5,"enabled":true,"frequency":1}"#), ["/reason"]);
    assert_eq!(condition(r#"["unknown_user",true,1]"#), [""]);
}

#[derive(Debug, Deserialize, Serialize, Validate)]
#[serde(deny_unknown_fields)]
struct Limits {
    #[garde(length(chars, min = 2, max = 3))]
    text: String,
    #[garde(range(min = 2, max = 3))]
    number: u8,
}

#[test]
fn what_is_wrong_has_a_code_and_its_limit() {
    let codes = |text: &str| {
        let read = from_json::<Limits>(text.as_bytes()).and_then(|limits| validate(&limits, ""));
        let problems = problems(read.unwrap_err()).into_iter();
        problems.map(|problem| (problem.code.unwrap(), problem.limit)).collect::<Vec<_>>()
    };
    assert_eq!(
        codes(r#"{"text":"a","number":1}"#),
        [(RefusalCode::TooSmall, Some(2)), (RefusalCode::TooShort, Some(2))]
    );
    assert_eq!(
        codes(r#"{"text":"あいうえ","number":4}"#),
        [(RefusalCode::TooLarge, Some(3)), (RefusalCode::TooLong, Some(3))]
    );
    assert_eq!(codes(r#"{"text":"ab"}"#), [(RefusalCode::Missing, None)]);
    assert_eq!(codes(r#"{"text":"ab","number":"2"}"#), [(RefusalCode::WrongType, None)]);
    assert_eq!(codes(r#"{"text":"ab","number":2,"x":1}"#), [(RefusalCode::UnknownField, None)]);
    assert_eq!(codes(r#"{"text":"a\u0000","number":2}"#), [(RefusalCode::ControlCharacters, None)]);
}

#[test]
fn wrong_fields_inside_lists_are_named() {
    let settings = |frequency: &str| {
        format!(
            r#"{{"execute_timing":"00:00","watch_warning":1,"success_resets_count":false,
            "delivery_timing":"now","conditions":[{{"reason":"unknown_user","enabled":true,"frequency":{frequency}}}]}}"#
        )
    };
    let wrong_type = from_json::<RunSettingsUpdate>(settings("\"1\"").as_bytes()).unwrap_err();
    assert_eq!(pointers(wrong_type), ["/conditions/0/frequency"]);
    let zero: RunSettingsUpdate = from_json(settings("0").as_bytes()).unwrap();
    assert!(pointers(validate(&zero, "").unwrap_err()).contains(&"/conditions/0/frequency".to_owned()));
}

#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filters {
    #[garde(skip)]
    from: Option<u8>,
    #[garde(length(max = 3))]
    q: Option<String>,
}

#[test]
fn a_query_in_two_parts_is_checked_whole() {
    let (filters, query) = query_parts::<Filters, Query>("limit=5&q=a%26b&from=1").unwrap();
    assert_eq!((filters.from, filters.q.as_deref(), query.limit), (Some(1), Some("a&b"), Some(5)));
    for (query, wrong) in [("from=x&limit=5", "from"), ("q=abcd", "q"), ("limit=0", "limit"), ("lmit=1", "lmit")] {
        assert_eq!(pointers(query_parts::<Filters, Query>(query).unwrap_err()), [wrong]);
    }
}

#[test]
fn wrong_query_parameters_are_named() {
    assert_eq!(from_query::<Query>("limit=5").unwrap().limit, Some(5));
    assert_eq!(pointers(from_query::<Query>("limit=many").unwrap_err()), ["limit"]);
    assert_eq!(pointers(from_query::<Query>("limit=0").unwrap_err()), ["limit"]);
    assert_eq!(pointers(from_query::<Query>("lmit=5").unwrap_err()), ["lmit"]);
    assert_eq!(pointers(from_query::<Query>("limit=%00").unwrap_err()), ["limit"]);
}
