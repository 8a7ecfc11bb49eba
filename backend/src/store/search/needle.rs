//! A part of an address that is looked for: how rows are compared with it, and how an index finds candidates.

use super::Conditions;
use sea_orm::DatabaseBackend;
use std::collections::BTreeSet;

/// Trigrams that FTS5 is asked for at most, so that a long text is no long work.
const TRIGRAMS: usize = 8;

/// A text in lower case, not empty, in which `%`, `_` and `\` are plain characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle(String);

/// A character of nearly every address; the migration `m0005_search` has the same ones in `odd`.
fn is_usual(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '-' | '@' | '.' | '_' | '+')
}

impl Needle {
    /// What somebody typed; `None` where that is nothing.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        (!text.is_empty()).then_some(Self(text))
    }

    /// Whether only rows marked `odd` can hold it.
    fn is_odd(&self) -> bool {
        !self.0.chars().all(is_usual)
    }

    /// Whether what somebody may have typed is something that only rows marked `odd` can hold.
    pub fn is_odd_text(text: Option<&str>) -> bool {
        text.and_then(Self::new).is_some_and(|needle| needle.is_odd())
    }

    /// A key has its domain in ASCII form and no needless quotes: a text with such characters is looked for in the
    /// address as shown too.
    fn is_in_key_only(&self) -> bool {
        self.0.is_ascii() && !self.0.contains(['"', '\\'])
    }

    /// The comparison with a row: `alias` has the columns `address_key` and `address`.
    pub fn comparison(&self, alias: &str, conditions: &mut Conditions) -> String {
        if self.0.contains('\0') {
            // No address holds it, and PostgreSQL refuses it in a text.
            return "1 = 0".to_owned();
        }
        let pattern = conditions.bind(like_pattern(&self.0));
        let in_key = format!(r"{alias}.address_key LIKE {pattern} ESCAPE '\'");
        if self.is_in_key_only() {
            in_key
        } else {
            let shown = self.folded(&[&format!("{alias}.address")], conditions);
            format!(r"({in_key} OR {} LIKE {pattern} ESCAPE '\')", shown.concat())
        }
    }

    /// Columns in lower case, as far as this text is concerned: SQLite, and PostgreSQL in some locales, knows the case of
    /// ASCII letters only.
    fn folded(&self, columns: &[&str], conditions: &mut Conditions) -> Vec<String> {
        let mut folded: Vec<String> = columns.iter().map(|column| format!("LOWER({column})")).collect();
        let beyond: BTreeSet<char> = self.0.chars().filter(|c| !c.is_ascii()).collect();
        for c in beyond {
            let mut upper = c.to_uppercase();
            let (Some(first), None) = (upper.next(), upper.next()) else { continue };
            if first != c && first.to_lowercase().eq([c]) {
                let [first, c] = [first, c].map(|c| conditions.bind(c.to_string()));
                for column in &mut folded {
                    *column = format!("REPLACE({column}, {first}, {c})");
                }
            }
        }
        folded
    }

    /// A condition that holds where one of some columns has the text.
    pub fn within(&self, columns: &[&str], conditions: &mut Conditions) -> String {
        if self.0.contains('\0') {
            return "1 = 0".to_owned();
        }
        let pattern = conditions.bind(like_pattern(&self.0));
        let columns = self.folded(columns, conditions);
        let comparisons = columns.iter().map(|column| format!(r"{column} LIKE {pattern} ESCAPE '\'"));
        format!("({})", comparisons.collect::<Vec<_>>().join(" OR "))
    }

    /// A condition that every match fulfils and that the list's trigram index answers; `None` where it cannot help.
    /// `$1` is the server configuration, `table` the list with the index, `alias` its name in the statement; `limit`:
    /// more candidates are not needed.
    pub fn candidates(
        &self,
        backend: DatabaseBackend,
        (table, alias): (&str, &str),
        limit: u64,
        conditions: &mut Conditions,
    ) -> Option<String> {
        if backend == DatabaseBackend::Postgres {
            let condition = self.like_trigrams(&format!("address_trigrams({alias}.address_key)"), conditions)?;
            return Some(format!("{alias}.server_configuration_id = $1 AND {condition}"));
        }
        let query = conditions.bind(self.full_text_query()?);
        let number = "SELECT number FROM search_numbers WHERE server_configuration_id = $1";
        Some(format!(
            "{alias}.seq IN (SELECT rowid & 1099511627775 FROM {table}_text WHERE {table}_text MATCH {query} \
             AND rowid BETWEEN ({number}) << 40 AND (({number}) + 1 << 40) - 1 LIMIT {limit})"
        ))
    }

    /// PostgreSQL: `text` is made of letters and digits only, because pg_trgm sees nothing else. Two characters make no
    /// trigram: all that begin with them are asked for, and the end of the text.
    fn like_trigrams(&self, text: &str, conditions: &mut Conditions) -> Option<String> {
        if !self.is_in_key_only() {
            return None;
        }
        let mapped: String = self.0.chars().map(mapped).collect();
        match mapped.len() {
            0 | 1 => None,
            2 if self.is_odd() => None,
            2 => {
                let followed = ('a'..='z').chain('0'..='9').map(|next| format!("'%{mapped}{next}%'"));
                let patterns: Vec<String> = followed.chain([format!("'%{mapped}'")]).collect();
                Some(format!("{text} LIKE ANY (ARRAY[{}])", patterns.join(", ")))
            }
            _ => {
                let pattern = conditions.bind(format!("%{mapped}%"));
                Some(format!("{text} LIKE {pattern}"))
            }
        }
    }

    /// SQLite: what to ask FTS5 for. The indexed text ends with two line feeds, a third marks keys with characters
    /// outside of ASCII (see the migration).
    fn full_text_query(&self) -> Option<String> {
        let characters: Vec<char> = self.0.chars().collect();
        let (trigrams, operator): (Vec<String>, &str) = match characters.len() {
            0 | 1 => return None,
            _ if self.0.contains('\0') => return None,
            2 if self.is_odd() => return None,
            2 => {
                let next = (' '..='~').filter(|c| !c.is_ascii_uppercase()).chain(['\n']);
                let marked = "\n\n\n".to_owned();
                (next.map(|next| format!("{}{next}", self.0)).chain([marked]).collect(), " OR ")
            }
            _ => {
                // Side by side: overlapping ones would find little less and take twice as long.
                let last = characters.len() - 3;
                let starts = (0..last).step_by(last.div_ceil(TRIGRAMS - 1).max(3)).chain([last]);
                (starts.map(|start| characters[start..start + 3].iter().collect()).collect(), " AND ")
            }
        };
        let quoted: Vec<String> = trigrams.iter().map(|t| format!("\"{}\"", t.replace('"', "\"\""))).collect();
        Some(quoted.join(operator))
    }
}

/// As `address_trigrams` in the migration.
fn mapped(c: char) -> char {
    match c {
        'a'..='z' | '0'..='9' => c,
        '@' => 'q',
        '.' => 'x',
        '-' => 'z',
        '_' => 'j',
        _ => 'v',
    }
}

/// A `LIKE` pattern (with `ESCAPE '\'`) that finds `text` anywhere, each character standing for itself.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use DatabaseBackend::{Postgres, Sqlite};
    use sea_orm::Value;

    fn candidates(text: &str, backend: DatabaseBackend) -> Option<(String, Conditions)> {
        let mut conditions = Conditions::new();
        let sql = Needle::new(text)?.candidates(backend, ("exemptions", "e"), 9, &mut conditions)?;
        Some((sql, conditions))
    }

    #[test]
    fn wildcards_are_plain_characters() {
        assert_eq!(like_pattern(r"a%b_c\d"), r"%a\%b\_c\\d%");
    }

    #[test]
    fn letters_beyond_ascii_are_folded_one_by_one() {
        let mut conditions = Conditions::new();
        let sql = Needle::new("BÜCHER日ß").unwrap().comparison("b", &mut conditions);
        let folded = "REPLACE(LOWER(b.address), $2, $3)";
        assert_eq!(sql, format!(r"(b.address_key LIKE $1 ESCAPE '\' OR {folded} LIKE $1 ESCAPE '\')"));
        assert_eq!(conditions.values[1..], ["Ü".into(), "ü".into()]);
    }

    #[test]
    fn nothing_typed_looks_for_nothing() {
        assert_eq!(Needle::new("  "), None);
        assert_eq!(Needle::new(" Ken "), Some(Needle("ken".to_owned())));
    }

    #[test]
    fn an_index_is_asked_for_trigrams() {
        let (sql, conditions) = candidates("Q8.k_", Postgres).unwrap();
        assert_eq!(sql, "e.server_configuration_id = $1 AND address_trigrams(e.address_key) LIKE $1");
        assert_eq!(conditions.values, ["%q8xkj%".into()]);
        let (sql, conditions) = candidates("a\"b c", Sqlite).unwrap();
        assert!(sql.starts_with("e.seq IN (SELECT rowid & 1099511627775 FROM exemptions_text"), "{sql}");
        assert_eq!(conditions.values, [r#""a""b" AND "b c""#.into()]);
        for (text, query) in [("abc", r#""abc""#), ("abcdef", r#""abc" AND "def""#), ("abcd", r#""abc" AND "bcd""#)] {
            assert_eq!(candidates(text, Sqlite).unwrap().1.values, [query.into()]);
        }
        let Value::String(Some(query)) = candidates(&"abcde".repeat(50), Sqlite).unwrap().1.values.remove(0) else {
            panic!("a text")
        };
        assert_eq!(query.split(" AND ").count(), TRIGRAMS);
    }

    #[test]
    fn two_characters_are_looked_for_with_all_that_may_follow() {
        let (sql, _) = candidates(".q", Postgres).unwrap();
        assert!(sql.contains("'%xqa%'") && sql.contains("'%xq9%'") && sql.ends_with("'%xq'])"), "{sql}");
        let (_, conditions) = candidates("q8", Sqlite).unwrap();
        let Value::String(Some(query)) = &conditions.values[0] else { panic!("a text") };
        for part in ["\"q8a\"", "\"q8@\"", "\"q8\"\"\"", "\"q8~\"", "\"q8\n\"", "\"\n\n\n\""] {
            assert!(query.contains(part), "{part:?}");
        }
    }

    #[test]
    fn short_or_odd_texts_have_no_trigrams() {
        for text in ["a", "'", "é", "/x", "本"] {
            assert!(candidates(text, Postgres).is_none() && candidates(text, Sqlite).is_none(), "{text}");
        }
        assert!(candidates("日本語", Postgres).is_none(), "pg_trgm indexes keys only");
        assert!(candidates("日本語", Sqlite).is_some());
        assert!(candidates("o'b", Postgres).is_some() && candidates("o'b", Sqlite).is_some());
    }

    #[test]
    fn odd_are_texts_that_usual_addresses_do_not_hold() {
        for (text, odd) in [("q8_a.b-c+d@", false), ("o'brien", true), ("é", true), ("\"", true), ("a b", true)] {
            assert_eq!(Needle::new(text).unwrap().is_odd(), odd, "{text}");
        }
    }
}
