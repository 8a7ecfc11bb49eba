//! Reading requests: every wrong field is named by its JSON pointer or query parameter, and nothing is guessed.

use crate::service::{Error, Result};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{ETAG, HeaderName, IF_MATCH},
    web,
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, future::LocalBoxFuture};
use garde::Validate;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use shared::{
    FieldProblem, RefusalCode,
    page::{DEFAULT_LIMIT, MAX_LIMIT},
};
use std::future::{Ready, ready};
use utoipa::IntoParams;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 8 * 1024 * 1024;

/// A JSON body that is valid.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + Serialize + Validate<Context = ()> + 'static> FromRequest for Body<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.content_type().to_ascii_lowercase();
        let payload = payload.take();
        let length = content_length(request);
        Box::pin(async move {
            if content_type != "application/json" {
                return Err(Error::UnsupportedMediaType("send the body as application/json".to_owned()));
            }
            let body = read_body(length, payload).await?;
            let value = from_json::<T>(&body)?;
            validate(&value, "")?;
            Ok(Self(value))
        })
    }
}

/// The length that the request announces.
pub fn content_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(actix_web::http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

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

/// Reads a whole body.
///
/// # Errors
/// [`Error::TooLarge`] above [`MAX_BODY`], [`Error::Malformed`] when it breaks off.
pub async fn read_body(length: Option<usize>, mut payload: Payload) -> Result<Bytes> {
    let too_large = || Error::TooLarge(format!("send at most {} MiB at once", MAX_BODY / 1024 / 1024));
    if length.is_some_and(|length| length > MAX_BODY) {
        return Err(too_large());
    }
    let mut body = BytesMut::with_capacity(length.unwrap_or(0));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Error::Malformed(format!("the body broke off: {error}")))?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
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
            Error::field(pointer(error.path(), &detail), unread(&detail), detail)
        } else {
            Error::Malformed(format!("the body is not JSON: {}", error.inner()))
        }
    })?;
    deserializer.end().map_err(|error| Error::Malformed(format!("the body is not JSON: {error}")))?;
    let not_json = |error| Error::Malformed(format!("the body is not JSON: {error}"));
    let given: Value = serde_json::from_slice(text).map_err(not_json)?;
    let read = serde_json::to_value(&value).map_err(|error| Error::Internal(error.into()))?;
    match oddity(&given, &read, String::new()) {
        Some((pointer, code, detail)) => Err(Error::field(pointer, code, detail)),
        None => Ok(value),
    }
}

/// What serde takes and we do not: an array of values in place of an object with names, and NUL, which PostgreSQL's
/// text cannot hold.
fn oddity(given: &Value, read: &Value, pointer: String) -> Option<(String, RefusalCode, &'static str)> {
    let part = |key: &str| format!("{pointer}/{}", escape(key));
    match (given, read) {
        (Value::String(text), _) if text.contains('\0') => Some((pointer, RefusalCode::ControlCharacters, NUL)),
        (Value::Array(_), Value::Object(_)) => {
            Some((pointer, RefusalCode::WrongType, "invalid type: an array, expected an object"))
        }
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
    let problems = report.iter().map(|(path, error)| {
        let (code, limit) = beyond(error.message());
        let pointer = format!("{prefix}{}", garde_pointer(&path.to_string()));
        FieldProblem { limit, ..FieldProblem::new(pointer, code, error.message()) }
    });
    Err(Error::Invalid(problems.collect()))
}

/// Which limit garde says was passed; whoever checks in another way says that a value is not accepted.
fn beyond(detail: &str) -> (RefusalCode, Option<u64>) {
    let sentences = [
        ("length is lower than ", RefusalCode::TooShort),
        ("length is greater than ", RefusalCode::TooLong),
        ("lower than ", RefusalCode::TooSmall),
        ("greater than ", RefusalCode::TooLarge),
    ];
    let found =
        sentences.iter().find_map(|(sentence, code)| Some((*code, detail.strip_prefix(sentence)?.parse().ok()?)));
    found.map_or((RefusalCode::NotAccepted, None), |(code, limit)| (code, Some(limit)))
}

/// Why serde could not read a field, by how its sentence begins.
fn unread(detail: &str) -> RefusalCode {
    let sentences = [
        ("missing field", RefusalCode::Missing),
        ("unknown field", RefusalCode::UnknownField),
        ("invalid type", RefusalCode::WrongType),
        ("wrong type", RefusalCode::WrongType),
    ];
    sentences
        .iter()
        .find(|(sentence, _)| detail.starts_with(sentence))
        .map_or(RefusalCode::NotAccepted, |(_, code)| *code)
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
        return Err(Error::field(name, RefusalCode::ControlCharacters, NUL));
    }
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    let value: T = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let detail = error.inner().to_string();
        Error::field(pointer(error.path(), &detail).trim_start_matches('/'), unread(&detail), detail)
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
mod tests;
