//! The contract: a response that the OpenAPI document does not declare fails the test that got it.

use jsonschema::Validator;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

/// The OpenAPI document of the service under test.
pub struct Contract {
    document: Value,
    /// By schema: making one takes far longer than asking it.
    validators: Mutex<HashMap<Value, Arc<Validator>>>,
}

impl Contract {
    /// That of the service's document, once for all tests; `openapi.rs` tests that it is the one served.
    pub fn of_service() -> &'static Self {
        static OF_SERVICE: LazyLock<Contract> = LazyLock::new(|| {
            Contract::new(serde_json::to_value(backend::http::openapi::document()).expect("a JSON document"))
        });
        &OF_SERVICE
    }

    fn new(document: Value) -> Self {
        assert_eq!(document["openapi"].as_str().map(|v| v.starts_with("3.1")), Some(true), "no OpenAPI 3.1 document");
        Self { document, validators: Mutex::default() }
    }

    /// Refuses a response whose operation, status, media type or body is not declared.
    ///
    /// # Panics
    /// With what the document declares instead.
    pub fn check(&self, method: &str, path: &str, status: u16, media_type: Option<&str>, body: &[u8]) {
        let call = format!("{method} {path} → {status}");
        let operation = self.operation(method, path).unwrap_or_else(|| panic!("{call}: no such operation is declared"));
        let responses = &operation["responses"];
        let declared = responses.get(status.to_string()).unwrap_or_else(|| {
            let known: Vec<_> = responses.as_object().into_iter().flat_map(|r| r.keys()).collect();
            panic!("{call}: declared are {known:?}; body {}", String::from_utf8_lossy(body))
        });
        let declared = self.resolve(declared);
        if method == "HEAD" {
            assert!(body.is_empty(), "{call}: a body came");
            return;
        }
        let Some(content) = declared.get("content").and_then(Value::as_object).filter(|c| !c.is_empty()) else {
            assert!(body.is_empty(), "{call}: a body came, none is declared: {}", String::from_utf8_lossy(body));
            return;
        };
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let entry = content
            .get(media_type)
            .unwrap_or_else(|| panic!("{call}: {media_type:?} came, declared are {:?}", content.keys()));
        if media_type == "application/json" || media_type.ends_with("+json") {
            let value = serde_json::from_slice(body).unwrap_or_else(|e| panic!("{call}: the body is no JSON: {e}"));
            self.check_schema(&call, &entry["schema"], &value);
        }
    }

    /// Refuses a 405 for a method that is declared, or one that does not list the methods that are.
    ///
    /// # Panics
    /// With what the document declares instead.
    pub fn check_not_allowed(
        &self,
        method: &str,
        path: &str,
        allow: Option<&str>,
        media_type: Option<&str>,
        body: &[u8],
    ) {
        let call = format!("{method} {path} → 405");
        let declared = |method: &str| self.operation(method, path).is_some();
        assert!(!declared(method), "{call}: this method is declared");
        let methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
        let methods: Vec<_> = methods.into_iter().filter(|method| declared(method)).collect();
        assert!(!methods.is_empty(), "{call}: there is no such path");
        assert_eq!(allow, Some(methods.join(", ").as_str()), "{call}");
        let response = self.resolve(&self.document["components"]["responses"]["MethodNotAllowed"]);
        let media_type = media_type.unwrap_or_default();
        let schema = &response["content"][media_type]["schema"];
        assert!(schema.is_object(), "{call}: {media_type:?} came");
        let value = serde_json::from_slice(body).unwrap_or_else(|e| panic!("{call}: the body is no JSON: {e}"));
        self.check_schema(&call, schema, &value);
    }

    /// Refuses an answer that says when to come back where that is not declared, or does not where it is.
    ///
    /// # Panics
    /// With the call.
    pub fn check_headers(&self, method: &str, path: &str, status: u16, headers: &HeaderMap) {
        let declared = self.operation(method, path).map(|operation| &operation["responses"][status.to_string()]);
        let declared = declared.is_some_and(|response| self.resolve(response)["headers"]["Retry-After"].is_object());
        let came = headers.get("retry-after").map(|value| value.to_str().expect("text").parse::<u32>());
        let came = came.map(|seconds| seconds.expect("a number of seconds"));
        assert_eq!(came.is_some(), declared, "{method} {path} → {status}: Retry-After");
    }

    fn check_schema(&self, call: &str, schema: &Value, value: &Value) {
        let validator = self.validator(call, schema);
        let errors: Vec<_> = validator.iter_errors(value).map(|e| format!("{} at {}", e, e.instance_path())).collect();
        assert!(errors.is_empty(), "{call}: the body breaks its schema: {errors:?}\n{value:#}");
    }

    fn validator(&self, call: &str, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(schema) {
            return validator.clone();
        }
        let rooted = json!({ "allOf": [schema], "components": self.document["components"] });
        let made = jsonschema::validator_for(&rooted).unwrap_or_else(|e| panic!("{call}: no valid schema: {e}"));
        let made = Arc::new(made);
        validators.insert(schema.clone(), made.clone());
        made
    }

    /// The operation whose path template fits; a template without parameters is preferred.
    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or_default();
        let paths = self.document["paths"].as_object()?;
        let mut fitting: Vec<_> = paths.iter().filter(|(template, _)| fits(template, path)).collect();
        fitting.sort_by_key(|(template, _)| template.matches('{').count());
        // HEAD answers as GET where it is no operation of its own.
        let methods = if method == "HEAD" { vec!["head", "get"] } else { vec![method] };
        methods.iter().find_map(|method| {
            let method = method.to_ascii_lowercase();
            fitting.iter().find_map(|(_, item)| item.get(&method))
        })
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).expect("a dangling $ref"),
            None => value,
        }
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut want, mut have) = (template.split('/'), path.split('/'));
    loop {
        match (want.next(), have.next()) {
            (None, None) => return true,
            (Some(w), Some(h)) if w == h || (w.starts_with('{') && !h.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Contract {
        Contract::new(json!({
            "openapi": "3.1.0",
            "paths": { "/things/{id}": { "get": { "responses": {
                "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } },
                "204": {},
            } } } },
            "components": { "schemas": { "Thing": { "type": "object", "required": ["name"],
                "properties": { "name": { "type": "string" } } } } },
        }))
    }

    #[test]
    fn a_declared_response_passes() {
        contract().check("GET", "/things/1", 200, Some("application/json"), br#"{"name":"a"}"#);
        contract().check("GET", "/things/1", 204, None, b"");
    }

    #[test]
    #[should_panic(expected = "breaks its schema")]
    fn a_body_against_its_schema_fails() {
        contract().check("GET", "/things/1", 200, Some("application/json"), br#"{"name":1}"#);
    }

    #[test]
    #[should_panic(expected = "declared are")]
    fn an_undeclared_status_fails() {
        contract().check("GET", "/things/1", 404, Some("application/json"), b"{}");
    }

    #[test]
    #[should_panic(expected = "no such operation")]
    fn an_undeclared_operation_fails() {
        contract().check("DELETE", "/things/1", 204, None, b"");
    }

    #[test]
    #[should_panic(expected = "none is declared")]
    fn an_undeclared_body_fails() {
        contract().check("GET", "/things/1", 204, None, b"x");
    }
}
