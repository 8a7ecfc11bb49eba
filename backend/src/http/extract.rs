//! Reading requests: every wrong field is named by its JSON pointer or query parameter, and nothing is guessed.

pub use super::body::{Body, StrangersBody};

use crate::service::{Error, Result};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{ETAG, HeaderName, IF_MATCH},
    web,
};
use garde::Validate;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use shared::{
    FieldProblem,
    page::{DEFAULT_LIMIT, MAX_LIMIT},
};
use std::future::{Ready, ready};
use utoipa::IntoParams;

/// The revision that `If-Match` names.
///
/// # Errors
/// [`Error::PreconditionRequired`] without the header, [`Error::PreconditionFailed`] when it names no revision.
pub fn if_match(request: &HttpRequest) -> Result<i64> {
    let header = request.headers().get(IF_MATCH).ok_or(Error::PreconditionRequired)?;
    let tag = header.to_str().ok().map(str::trim).and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    tag.and_then(|tag| tag.parse().ok()).ok_or_else(|| {
        Error::PreconditionFailed("If-Match names no revision: send the ETag exactly as it was read".to_owned())
    })
}

/// The ETag of a revision, which [`if_match`] reads.
pub fn etag(revision: i64) -> (HeaderName, String) {
    (ETAG, format!("\"{revision}\""))
}

/// Reads JSON.
///
/// # Errors
/// [`Error::Malformed`] when it is no JSON, [`Error::Invalid`] naming the field that is wrong.
pub fn from_json<T: DeserializeOwned + Serialize>(text: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let detail = without_position(&error.inner().to_string());
        // serde_json also calls it bad syntax where a name of an enum is a number, a number is too large for any type,
        // or a text has half a surrogate pair: JSON can write that, the field cannot hold it.
        if error.inner().is_data() || serde_json::from_slice::<IgnoredAny>(text).is_ok() {
            let detail = if detail == "expected value" { "wrong type, expected a name".to_owned() } else { detail };
            Error::field(pointer(error.path(), &detail), detail)
        } else {
            Error::Malformed(format!("the body is not JSON: {}", error.inner()))
        }
    })?;
    deserializer.end().map_err(|error| Error::Malformed(format!("the body is not JSON: {error}")))?;
    let not_json = |error| Error::Malformed(format!("the body is not JSON: {error}"));
    let given: Value = serde_json::from_slice(text).map_err(not_json)?;
    let read = serde_json::to_value(&value).map_err(|error| Error::Internal(error.into()))?;
    match oddity(&given, &read, String::new()) {
        Some((pointer, detail)) => Err(Error::field(pointer, detail)),
        None => Ok(value),
    }
}

/// What serde takes and we do not: an array of values in place of an object with names, and NUL, which PostgreSQL's
/// text cannot hold.
fn oddity(given: &Value, read: &Value, pointer: String) -> Option<(String, &'static str)> {
    let part = |key: &str| format!("{pointer}/{}", escape(key));
    match (given, read) {
        (Value::String(text), _) if text.contains('\0') => Some((pointer, NUL)),
        (Value::Array(_), Value::Object(_)) => Some((pointer, "invalid type: an array, expected an object")),
        (Value::Array(items), read) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| oddity(item, read.get(index).unwrap_or(&Value::Null), part(&index.to_string()))),
        (Value::Object(fields), read) => {
            fields.iter().find_map(|(name, field)| oddity(field, read.get(name).unwrap_or(&Value::Null), part(name)))
        }
        _ => None,
    }
}

/// Why a text is refused that has a NUL.
const NUL: &str = "has a NUL character";

/// Checks the limits of a value; pointers begin with `prefix`.
///
/// # Errors
/// [`Error::Invalid`] naming every field that is wrong.
pub fn validate<T: Validate<Context = ()>>(value: &T, prefix: &str) -> Result<()> {
    let Err(report) = value.validate() else { return Ok(()) };
    let problems = report.iter().map(|(path, error)| FieldProblem {
        pointer: format!("{prefix}{}", garde_pointer(&path.to_string())),
        detail: error.message().to_owned(),
    });
    Err(Error::Invalid(problems.collect()))
}

/// `conditions[0].frequency` as a JSON pointer.
fn garde_pointer(path: &str) -> String {
    let parts = path.split(['.', '[']).map(|part| part.trim_end_matches(']')).filter(|part| !part.is_empty());
    parts.map(|part| format!("/{}", escape(part))).collect()
}

/// Where serde stopped. It stops at the object when a field is missing or unknown; then the field is in its words.
fn pointer(path: &Path, detail: &str) -> String {
    let mut pointer: String = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    for prefix in ["unknown field `", "missing field `", "duplicate field `"] {
        if let Some(field) = detail.strip_prefix(prefix).and_then(|rest| rest.split('`').next()) {
            let last = format!("/{}", escape(field));
            if !pointer.ends_with(&last) {
                pointer.push_str(&last);
            }
        }
    }
    pointer
}

fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn without_position(detail: &str) -> String {
    detail.rfind(" at line ").map_or(detail, |at| &detail[..at]).to_owned()
}

/// Ids from the path; what is no id is not there.
pub struct PathIds<T>(pub T);

impl<T: DeserializeOwned> FromRequest for PathIds<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let ids = web::Path::<T>::from_request(request, payload).into_inner();
        ready(ids.map(|ids| Self(ids.into_inner())).map_err(|_| Error::NotFound))
    }
}

/// A query string that is valid; parameters that do not exist are errors, not ignored.
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned + Validate<Context = ()>> FromRequest for QueryParams<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(from_query(request.query_string()).map(Self))
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// `next_cursor` of the page before, with the same filters and order.
    #[garde(skip)]
    pub cursor: Option<String>,
    /// Rows of a page.
    #[garde(range(min = 1, max = MAX_LIMIT))]
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

impl Paging {
    /// Rows of the page.
    pub fn limit(&self) -> u16 {
        self.limit.unwrap_or(DEFAULT_LIMIT)
    }
}

/// A query string in two parts, such as filters and paging: the first takes its own parameters, the second the rest.
pub struct QueryParts<A, B>(pub A, pub B);

impl<A, B> FromRequest for QueryParts<A, B>
where
    A: DeserializeOwned + Validate<Context = ()> + IntoParams,
    B: DeserializeOwned + Validate<Context = ()>,
{
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(query_parts(request.query_string()).map(|(first, rest)| Self(first, rest)))
    }
}

/// Reads a query string in two parts.
///
/// # Errors
/// [`Error::Invalid`] names the parameters that are wrong.
pub fn query_parts<A, B>(query: &str) -> Result<(A, B)>
where
    A: DeserializeOwned + Validate<Context = ()> + IntoParams,
    B: DeserializeOwned + Validate<Context = ()>,
{
    let own = A::into_params(|| None);
    let mut parts = [form_urlencoded::Serializer::new(String::new()), form_urlencoded::Serializer::new(String::new())];
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let is_own = own.iter().any(|parameter| parameter.name == name);
        parts[usize::from(!is_own)].append_pair(&name, &value);
    }
    let [mut first, mut rest] = parts;
    Ok((from_query(&first.finish())?, from_query(&rest.finish())?))
}

fn from_query<T: DeserializeOwned + Validate<Context = ()>>(query: &str) -> Result<T> {
    if let Some((name, _)) = form_urlencoded::parse(query.as_bytes()).find(|(_, value)| value.contains('\0')) {
        return Err(Error::field(name, NUL));
    }
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    let value: T = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let detail = error.inner().to_string();
        Error::field(pointer(error.path(), &detail).trim_start_matches('/'), detail)
    })?;
    match validate(&value, "") {
        Ok(()) => Ok(value),
        Err(Error::Invalid(problems)) => Err(Error::Invalid(
            problems
                .into_iter()
                .map(|problem| FieldProblem { pointer: problem.pointer.trim_start_matches('/').to_owned(), ..problem })
                .collect(),
        )),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::run_settings::{BlockingCondition, RunSettingsUpdate};

    fn pointers(error: Error) -> Vec<String> {
        match error {
            Error::Invalid(problems) => problems.into_iter().map(|problem| problem.pointer).collect(),
            other => panic!("{other:?}"),
        }
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
}
