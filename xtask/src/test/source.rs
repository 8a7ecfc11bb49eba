//! As much of Rust's grammar as it takes to see what a file uses.

/// A file's code with comments and the content of strings blanked (line breaks stay), and its strings.
pub struct Source {
    pub code: String,
    /// Line (from 1) and content.
    pub strings: Vec<(usize, String)>,
}

impl Source {
    pub fn new(text: &str) -> Self {
        let mut source = Self { code: String::with_capacity(text.len()), strings: Vec::new() };
        let (mut rest, mut line) = (text, 1);
        while let Some(first) = rest.chars().next() {
            let taken = source.token(rest, first, line);
            line += rest[..taken].matches('\n').count();
            rest = &rest[taken..];
        }
        source
    }

    /// Reads one comment, literal or character that begins in this line; returns its length in bytes.
    fn token(&mut self, rest: &str, first: char, line: usize) -> usize {
        if rest.starts_with("//") {
            return rest.find('\n').unwrap_or(rest.len());
        }
        if rest.starts_with("/*") {
            let length = block_comment(rest);
            self.blank(&rest[..length]);
            return length;
        }
        let after_word = self.code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        if first == '"' || (!after_word && raw_string(rest).is_some()) {
            let (start, end, length) = raw_string(rest).unwrap_or_else(|| string(rest));
            self.strings.push((line, rest[start..end].to_owned()));
            self.blank(&rest[..length]);
            return length;
        }
        if first == '\''
            && let Some(length) = character(rest)
        {
            self.code.push(' ');
            return length;
        }
        self.code.push(first);
        first.len_utf8()
    }

    fn blank(&mut self, text: &str) {
        self.code.push(' ');
        self.code.extend(text.chars().filter(|character| *character == '\n'));
    }
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        if rest.starts_with("/*") {
            depth += 1;
            position += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Start and end of the content, and the whole length, of a plain string.
fn string(text: &str) -> (usize, usize, usize) {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (1, index, index + 1),
            _ => {}
        }
    }
    (1, text.len(), text.len())
}

/// The same of a raw string (`r"…"`, `r#"…"#`, `br"…"`), when there is one.
fn raw_string(text: &str) -> Option<(usize, usize, usize)> {
    let prefix = if text.starts_with("br") { 2 } else { 1 };
    if !text.starts_with('r') && !text.starts_with("br") {
        return None;
    }
    let hashes = text[prefix..].chars().take_while(|character| *character == '#').count();
    let start = prefix + hashes;
    if !text[start..].starts_with('"') {
        return None;
    }
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = text[start + 1..].find(&closing).map_or(text.len(), |found| start + 1 + found);
    Some((start + 1, end, (end + closing.len()).min(text.len())))
}

/// The length of a character literal; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().skip(1);
    let (_, first) = characters.next()?;
    if first == '\\' {
        // The escaped character itself may be the quote.
        characters.next()?;
        return characters.find(|(_, character)| *character == '\'').map(|(index, _)| index + 1);
    }
    let (index, second) = characters.next()?;
    (second == '\'').then_some(index + 1)
}

/// Every identifier with its line (from 1).
pub fn identifiers(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(index, line)| {
        line.split(|character: char| !character.is_alphanumeric() && character != '_')
            .filter(|name| !name.is_empty())
            .map(move |name| (index + 1, name))
    })
}

/// The names that follow `crate::` or a chain of `super::`, also inside braces, with their lines.
pub fn names_below_root(code: &str) -> impl Iterator<Item = (usize, &str)> {
    ["crate::", "super::"].into_iter().flat_map(move |root| {
        code.match_indices(root).flat_map(move |(index, _)| {
            let line = code[..index].matches('\n').count() + 1;
            first_names(&code[index + root.len()..], line)
        })
    })
}

/// The first name of a path, or of each path in a group.
fn first_names(path: &str, line: usize) -> Vec<(usize, &str)> {
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return identifiers(path).next().map(|(_, name)| (line, name)).into_iter().collect();
    };
    let mut names = Vec::new();
    let (mut depth, mut at_start, mut line) = (0, true, line);
    for (index, character) in group.char_indices() {
        match character {
            '\n' => line += 1,
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            _ if at_start && !character.is_whitespace() => {
                at_start = false;
                names.extend(identifiers(&group[index..]).next().map(|(_, name)| (line, name)));
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{Source, names_below_root};

    #[test]
    fn keeps_code_and_takes_strings_out() {
        let source = Source::new(
            "let a = \"x \\\" y\"; // \"no\"\nlet b = r#\"raw \"z\" \"#; /* a /* b */ c */ let c = '\"';\n",
        );
        assert_eq!(source.strings, [(1, "x \\\" y".to_owned()), (2, "raw \"z\" ".to_owned())]);
        assert_eq!(source.code.lines().count(), 2);
        assert!(source.code.contains("let c ="));
        assert!(!source.code.contains("no"));
    }

    #[test]
    fn lifetimes_are_not_characters() {
        let source =
            Source::new("fn f<'a>(x: &'a str) -> &'a str { g('\\'', '\\u{1F600}', x) } const S: &str = \"s\";");
        assert_eq!(source.strings, [(1, "s".to_owned())]);
        assert!(source.code.contains("fn f<'a>(x: &'a str)"));
    }

    #[test]
    fn a_string_has_the_line_that_it_begins_in() {
        let source = Source::new("/* a\n /* b\n */ */ \"c\nd\" // e\n'\\n' r#\"f\n\"#\n\"g\"\n");
        assert_eq!(source.strings, [(3, "c\nd".to_owned()), (5, "f\n".to_owned()), (7, "g".to_owned())]);
    }

    #[test]
    fn finds_names_in_groups_over_several_lines() {
        let code =
            "use crate::{\n    clock::{self, Clock},\n    store::runs,\n};\nfn f() { super::super::jobs::g() }\n";
        let names: Vec<_> = names_below_root(code).collect();
        assert_eq!(names, [(2, "clock"), (3, "store"), (5, "super"), (5, "jobs")]);
    }
}
