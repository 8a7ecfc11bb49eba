//! Colours outside the tokens file: one place decides what light and dark look like.

use super::{layering_rules::Violation, source::Source};

/// The tokens, and what no style sheet reaches: browsers draw the icon outside of the page.
const EXEMPT: [&str; 2] = ["frontend/styles/tokens.css", "frontend/static/icon.svg"];

const FUNCTIONS: [&str; 11] =
    ["rgb(", "rgba(", "hsl(", "hsla(", "hwb(", "lab(", "lch(", "oklab(", "oklch(", "color(", "color-mix("];

/// The colours that CSS has names for. `transparent` and `currentcolor` decide nothing.
const NAMES: &str = "aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet \
    brown burlywood cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan \
    darkgoldenrod darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid darkred \
    darksalmon darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet deeppink deepskyblue \
    dimgray dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro ghostwhite gold goldenrod gray green \
    greenyellow grey honeydew hotpink indianred indigo ivory khaki lavender lavenderblush lawngreen lemonchiffon \
    lightblue lightcoral lightcyan lightgoldenrodyellow lightgray lightgreen lightgrey lightpink lightsalmon \
    lightseagreen lightskyblue lightslategray lightslategrey lightsteelblue lightyellow lime limegreen linen magenta \
    maroon mediumaquamarine mediumblue mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen \
    mediumturquoise mediumvioletred midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive olivedrab \
    orange orangered orchid palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru pink plum \
    powderblue purple rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell sienna \
    silver skyblue slateblue slategray slategrey snow springgreen steelblue tan teal thistle tomato turquoise violet \
    wheat white whitesmoke yellow yellowgreen";

/// Every colour that a file of the console spells itself.
pub fn colours(path: &str, text: &str) -> Vec<Violation> {
    if !path.starts_with("frontend/") || EXEMPT.contains(&path) {
        return Vec::new();
    }
    let is_a = |ending: &str| path.ends_with(ending);
    let found: Vec<(usize, Option<String>)> = if is_a(".css") {
        declared_values(text).into_iter().map(|(line, value)| (line, colour(&value))).collect()
    } else if is_a(".rs") {
        let literals = Source::new(text).strings.into_iter();
        literals.map(|(line, literal)| (line, written(&literal).or_else(|| named_in(&literal)))).collect()
    } else if [".html", ".svg", ".js", ".mjs"].into_iter().any(is_a) {
        let quoted = |line: &str| line.split(['"', '\'', '`']).skip(1).step_by(2).find_map(named_in);
        text.lines().enumerate().map(|(at, line)| (at + 1, written(line).or_else(|| quoted(line)))).collect()
    } else {
        Vec::new()
    };
    found
        .into_iter()
        .filter_map(|(line, colour)| {
            let colour = colour?;
            Some(Violation { line, reason: format!("has the colour {colour}: name it in the tokens file") })
        })
        .collect()
}

/// The values of all declarations, each with the line (from 1) that it begins in. A selector is none: it may be `#add`.
fn declared_values(text: &str) -> Vec<(usize, String)> {
    let mut values = Vec::new();
    let (mut line, mut begun, mut pending) = (1, 1, String::new());
    for character in strip_comments(text).chars() {
        match character {
            '{' => pending.clear(),
            ';' | '}' => {
                if let Some((_, value)) = pending.split_once(':') {
                    values.push((begun, value.to_owned()));
                }
                pending.clear();
            }
            _ => {
                if pending.trim().is_empty() {
                    begun = line;
                }
                pending.push(character);
            }
        }
        line += usize::from(character == '\n');
    }
    values
}

/// The first colour in a CSS value.
fn colour(value: &str) -> Option<String> {
    written(value).or_else(|| named(value))
}

/// `#` with 3, 4, 6 or 8 hexadecimal digits, or a function of colours.
fn written(value: &str) -> Option<String> {
    for (index, _) in value.match_indices('#') {
        let digits = value[index + 1..].chars().take_while(char::is_ascii_alphanumeric).collect::<String>();
        if [3, 4, 6, 8].contains(&digits.len()) && digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return Some(format!("#{digits}"));
        }
    }
    let called = |function: &str| {
        let starts = value.match_indices(function).map(|(index, _)| &value[..index]);
        starts.into_iter().any(|before| !before.ends_with(is_in_name))
    };
    FUNCTIONS.into_iter().find(|function| called(function)).map(|function| format!("{function}…)"))
}

/// A colour's name among the words of a CSS value; `var(--white)` has none.
fn named(value: &str) -> Option<String> {
    let words = value.split(|character| !is_in_name(character)).map(str::to_ascii_lowercase);
    words.into_iter().find(|word| NAMES.split(' ').any(|name| name == word))
}

/// A colour's name in a literal: all of it, as in `fill="white"`, or in a declaration. Sentences may be about colours.
fn named_in(literal: &str) -> Option<String> {
    if !literal.contains([' ', ':']) {
        return named(literal);
    }
    let declarations = literal.split(';').filter_map(|part| part.split_once(':'));
    let is_property = |name: &str| name.chars().all(|character| character.is_ascii_lowercase() || character == '-');
    declarations.into_iter().find_map(|(name, value)| if is_property(name.trim()) { named(value) } else { None })
}

fn is_in_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-' || character == '_'
}

/// Blanks comments, keeps line breaks.
fn strip_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((code, after)) = rest.split_once("/*") {
        kept.push_str(code);
        let (comment, after) = after.split_once("*/").unwrap_or((after, ""));
        kept.extend(comment.chars().filter(|character| *character == '\n'));
        rest = after;
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::colours;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        colours(path, text).iter().map(|violation| violation.line).collect()
    }

    const SHEET: &str = "frontend/styles/blocked.css";

    #[test]
    fn a_colour_outside_the_tokens_is_found() {
        let style = "/* #fff */\n#add { color: var(--text); }\n.b { border: 1px solid #c0ffee; }\n.c {\n  color: oklch(0.5 0 0);\n}\n";
        assert_eq!(lines(SHEET, style), [3, 5]);
        assert!(lines("frontend/styles/tokens.css", style).is_empty());
        assert_eq!(lines("frontend/styles/more-tokens.css", style), [3, 5]);
        assert_eq!(lines("frontend/src/ui/badge.rs", "let a = \"color: #fff\";"), [1]);
    }

    #[test]
    fn a_colour_by_its_name_or_mixed_is_found() {
        let style = ".a { color: White; }\n.b { color: color(srgb 1 0 0); }\n.c { color: color-mix(in srgb, var(--a), var(--b)); }\n\
            .d { color: var(--white); white-space: nowrap; background: transparent; fill: currentcolor; }\n\
            .e { animation: fade-in var(--calm); --my-color: var(--ink); }\n";
        assert_eq!(lines(SHEET, style), [1, 2, 3]);
    }

    #[test]
    fn every_block_of_a_line_and_every_line_of_a_value_is_read() {
        let style = ".a { color: red } .b { margin: 0 }\n.c:hover { &:focus { color: blue } }\n.d {\n  box-shadow: 0 0\n    1px #000;\n}\n";
        assert_eq!(lines(SHEET, style), [1, 2, 4]);
    }

    #[test]
    fn what_is_no_style_sheet_is_read_too() {
        assert_eq!(lines("frontend/index.html", "<p>\n<b style=\"color: tan\">Red</b>\n"), [2]);
        assert_eq!(lines("frontend/static/dot.svg", "<svg>\n<path fill=\"white\"/>\n<path fill=\"#4f46e5\"/>"), [2, 3]);
        assert_eq!(lines("frontend/static/boot.js", "body.style.color = 'navy';"), [1]);
        assert!(lines("frontend/static/icon.svg", "<path fill=\"white\"/>").is_empty());
    }

    #[test]
    fn a_sentence_about_a_colour_is_none() {
        let text =
            "let a = \"Red means late: look at the white ones\";\nlet b = \"background:tomato\";\nlet c = \"snow\";\n";
        assert_eq!(lines("frontend/src/ui/badge.rs", text), [2, 3]);
    }
}
