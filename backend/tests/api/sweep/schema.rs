//! What the OpenAPI document says about a body, and values that are of the right type or of a wrong one.

use serde_json::{Map, Value, json};

/// Written into a body in place of a number that JSON can write and serde_json's `Value` cannot hold.
const RAW: &str = "raw:";

/// The document.
pub struct Schemas<'a>(pub &'a Value);

/// Something wrong to put at a place, and where the problem must point.
pub struct Wrong {
    /// The body as text.
    pub body: String,
    /// The place.
    pub pointer: String,
    /// What is wrong, for messages.
    pub what: String,
}

impl<'a> Schemas<'a> {
    /// The schema itself: through references, and for what may be left out the schema of what may stand there.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        if let Some(pointer) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            return self.resolve(self.0.pointer(pointer).expect("a dangling $ref"));
        }
        for choice in ["oneOf", "anyOf", "allOf"] {
            if let Some(choices) = schema[choice].as_array() {
                let some = choices.iter().find(|choice| choice["type"] != "null").expect("a choice that is something");
                return self.resolve(some);
            }
        }
        schema
    }

    fn kind(schema: &Value) -> &str {
        match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").expect("a type"),
            kind => kind.as_str().unwrap_or("object"),
        }
    }

    /// Whether null may stand for "nothing".
    fn is_optional(schema: &Value) -> bool {
        let null_type = schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
        let null_choice = ["oneOf", "anyOf"].iter().any(|choice| {
            schema[*choice].as_array().is_some_and(|choices| choices.iter().any(|of| of["type"] == "null"))
        });
        null_type || null_choice
    }

    /// Whether a body is one object, and not a list of them.
    pub fn is_object(&self, schema: &'a Value) -> bool {
        Self::kind(self.resolve(schema)) == "object"
    }

    /// A value of the right type in every part, though not always one that makes sense.
    pub fn example(&self, schema: &'a Value) -> Value {
        let schema = self.resolve(schema);
        if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
            return first.clone();
        }
        match Self::kind(schema) {
            "object" => {
                let fields = schema["properties"].as_object().into_iter().flatten();
                Value::Object(fields.map(|(name, field)| (name.clone(), self.example(field))).collect())
            }
            "array" => json!([self.example(&schema["items"])]),
            "integer" | "number" => json!(1),
            "boolean" => json!(true),
            _ => match schema["format"].as_str() {
                Some("uuid") => json!("00000000-0000-4000-8000-000000000000"),
                Some("date-time") => json!("2026-11-24T12:00:00Z"),
                Some("date") => json!("2026-11-24"),
                // As a checksum it is one, too.
                _ => json!("00000000000000000000000000000000"),
            },
        }
    }

    /// What a query parameter does not take.
    pub fn wrong_parameters(&self, schema: &'a Value) -> &'static [&'static str] {
        let schema = self.resolve(schema);
        match Self::kind(schema) {
            "integer" | "number" => &["", "x", "-1e3", "1.5", "1e400", "99999999999999999999"],
            "boolean" => &["", "x", "1"],
            _ if schema["enum"].is_array() || schema["format"].is_string() => &["", "no such value"],
            _ => &[],
        }
    }

    /// Every body that is wrong in one place.
    pub fn wrong_bodies(&self, schema: &'a Value) -> Vec<Wrong> {
        let whole = self.example(schema);
        let mut wrongs = Vec::new();
        self.wrong_parts(schema, &whole, "", &mut wrongs);
        wrongs
    }

    fn wrong_parts(&self, declared: &'a Value, whole: &Value, pointer: &str, wrongs: &mut Vec<Wrong>) {
        let schema = self.resolve(declared);
        let mut put = |value: Value, what: &str| {
            let mut body = whole.clone();
            *body.pointer_mut(pointer).expect("the place is there") = value;
            wrongs.push(Wrong { body: text(&body), pointer: pointer.to_owned(), what: what.to_owned() });
        };
        for (value, what) in Self::wrong_values(schema) {
            put(value, what);
        }
        if !Self::is_optional(declared) && !pointer.is_empty() {
            put(Value::Null, "null");
        }
        match Self::kind(schema) {
            "object" => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                for name in required.iter().filter_map(Value::as_str) {
                    let mut body = whole.clone();
                    fields(&mut body, pointer).remove(name);
                    let pointer = format!("{pointer}/{name}");
                    wrongs.push(Wrong { body: text(&body), pointer, what: "left out".to_owned() });
                }
                let mut body = whole.clone();
                fields(&mut body, pointer).insert("no_such_field".to_owned(), json!(1));
                let unknown = format!("{pointer}/no_such_field");
                wrongs.push(Wrong { body: text(&body), pointer: unknown, what: "unknown".to_owned() });
                for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                    self.wrong_parts(field, whole, &format!("{pointer}/{name}"), wrongs);
                }
            }
            "array" => self.wrong_parts(&schema["items"], whole, &format!("{pointer}/0"), wrongs),
            _ => {}
        }
    }

    /// Values that a schema does not take.
    fn wrong_values(schema: &Value) -> Vec<(Value, &'static str)> {
        let raw = |number: &str| json!(format!("{RAW}{number}"));
        let absurd = [(raw("1e400"), "1e400"), (raw("-99999999999999999999"), "below every integer")];
        let mut values = match Self::kind(schema) {
            "object" => {
                vec![(json!([]), "an array"), (json!(["a", "b", 1]), "an array of values"), (json!("x"), "a text")]
            }
            "array" => vec![(json!({}), "an object"), (json!("x"), "a text")],
            "integer" | "number" => vec![
                (json!("1"), "a text"),
                (json!(true), "a truth value"),
                (json!([]), "an array"),
                (json!(1.5), "a fraction"),
                (raw("99999999999999999999"), "above every integer"),
            ],
            "boolean" => vec![(json!("true"), "a text"), (json!(1), "a number"), (json!({}), "an object")],
            _ => {
                let mut values = vec![
                    (json!(1), "a number"),
                    (json!(true), "a truth value"),
                    (json!([]), "an array"),
                    (json!({}), "an object"),
                    (json!("a\0b"), "a text with NUL"),
                    (json!(format!("{RAW}\"\\ud800\"")), "half a surrogate pair"),
                ];
                if schema["enum"].is_array() || schema["format"].is_string() {
                    values.push((json!("no such value"), "an unknown value"));
                }
                values
            }
        };
        values.extend(absurd);
        values
    }
}

fn fields<'a>(body: &'a mut Value, pointer: &str) -> &'a mut Map<String, Value> {
    body.pointer_mut(pointer).and_then(Value::as_object_mut).expect("an object")
}

/// The body, with what only text can say.
fn text(body: &Value) -> String {
    let mut text = body.to_string();
    while let Some(start) = text.find(&format!("\"{RAW}")) {
        let end = end_of_string(&text, start);
        let raw: String = serde_json::from_str(&text[start..end]).expect("a string");
        text.replace_range(start..end, raw.trim_start_matches(RAW));
    }
    text
}

fn end_of_string(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, c) in text[start + 1..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return start + at + 2,
            _ => {}
        }
    }
    text.len()
}
