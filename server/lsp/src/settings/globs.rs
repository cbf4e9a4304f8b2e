//! What is wrong with a pattern of `ignore` or `secrets`. Git knows no faulty patterns, only such that match nothing. Here a person protects
//! files with them, so a pattern that can hardly be meant as it is written is refused, with a reason.
//! It leaves matching to `patterns`.

use std::path::Path;

use ignore::gitignore::GitignoreBuilder;

use crate::paths;

/// Characters that are seen in no editor: marks of byte order and of direction, and blanks without width.
const UNSEEN: [std::ops::RangeInclusive<char>; 5] = [
    '\u{feff}'..='\u{feff}',
    '\u{200b}'..='\u{200b}',
    '\u{200e}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{2069}',
];

/// What a backslash takes as itself wherever it stands.
const ESCAPED: &str = " #!{}[]";

/// A test that finds a fault in a pattern without its `!`, and what is said of it.
type Fault = (fn(&str) -> bool, &'static str);

const FAULTS: [Fault; 11] = [
    (|glob| glob.chars().any(is_unseen), "it holds a line break or another character that is not seen"),
    (has_blank_end, "a blank stands at one of its ends; `\\ ` is one that is meant"),
    (
        |glob| glob.starts_with('#') || glob.contains(" #"),
        "there are no comments inside of patterns; `\\#` is a `#` that is meant",
    ),
    (
        |glob| glob.split('{').skip(1).any(|rest| rest.split('}').next().is_some_and(|inside| inside.contains(','))),
        "braces mean themselves, as in `.gitignore`; write a pattern for each",
    ),
    (is_list, "it is several patterns; write a text for each, and `?` for a comma or blank that is meant"),
    (
        |glob| {
            ["~/", "~\\", "$HOME", "${"].iter().any(|begin| glob.starts_with(begin))
                || has_drive(glob)
                || (glob.starts_with('%') && glob.matches('%').count() > 1)
                || glob.contains("://")
        },
        "it matches nothing, because patterns begin at the folder, not at the disk or a home",
    ),
    (has_idle_backslash, "a backslash separates no folders; write `/`"),
    (has_open_class, "a `[` is not closed; `\\[` is one that is meant"),
    (
        |glob| glob.starts_with('^') && (glob.ends_with('$') || glob.contains(".*")),
        "it is a regular expression; `*` stands for any characters",
    ),
    (|glob| glob == "/", "it matches nothing; `*` is everything"),
    (
        |glob| inner(glob).split('/').any(|part| matches!(part, "" | "." | "..")) && !inner(glob).is_empty(),
        "it matches nothing, because patterns begin at the folder; `/sub/` is its folder `sub`",
    ),
];

/// What to say of a pattern that counts in a folder, or everywhere, if something is wrong with it.
pub(super) fn glob_fault(glob: &str, folder: Option<&Path>) -> Option<String> {
    let shown: String =
        glob.chars().flat_map(|c| if is_unseen(c) { c.escape_unicode().collect() } else { vec![c] }).collect();
    fault(glob, folder).map(|fault| format!("has `{shown}`, which is not a pattern: {fault}"))
}

fn fault(glob: &str, folder: Option<&Path>) -> Option<String> {
    let plain = glob.strip_prefix('!').unwrap_or(glob);
    let fault = FAULTS.iter().find(|(is_at_fault, _)| is_at_fault(plain)).map(|(_, fault)| (*fault).to_owned());
    let is_absolute = || {
        let home = paths::home();
        let real = folder.and_then(|folder| folder.canonicalize().ok());
        let mut above = [folder, real.as_deref(), home.as_deref()].into_iter().flatten();
        above.any(|folder| folder.file_name().is_some() && Path::new(plain).starts_with(folder))
    };
    let absolute = || is_absolute().then(|| "it matches nothing, because `/` is the folder, not the disk".to_owned());
    let refused = || GitignoreBuilder::new("").add_line(None, glob).err().map(|error| error.to_string());
    fault.or_else(absolute).or_else(refused)
}

fn is_unseen(c: char) -> bool {
    c.is_control() || UNSEEN.iter().any(|range| range.contains(&c))
}

/// A pattern without the slashes that may stand at its ends.
fn inner(glob: &str) -> &str {
    let glob = glob.strip_prefix('/').unwrap_or(glob);
    glob.strip_suffix('/').unwrap_or(glob)
}

fn has_blank_end(glob: &str) -> bool {
    let is_escaped = glob.trim_end().ends_with('\\');
    glob.starts_with(char::is_whitespace) || glob.ends_with(char::is_whitespace) && !is_escaped
}

/// Whether each of several parts looks like a pattern by itself. Between commas, a star or a slash is enough; between blanks, a name may have both.
fn is_list(glob: &str) -> bool {
    let has_ending = |part: &str| {
        part.rsplit_once('.').is_some_and(|(_, end)| end.len() > 1 && end.chars().all(|c| c.is_ascii_alphabetic()))
    };
    let are_all = |separators: &[char], is_pattern: &dyn Fn(&str) -> bool| {
        let parts: Vec<&str> = glob.split(separators).map(str::trim).filter(|part| !part.is_empty()).collect();
        parts.len() > 1 && parts.iter().all(|part| is_pattern(part))
    };
    are_all(&[',', ';'], &|part| part.contains(['*', '/']) || has_ending(part)) || are_all(&[' '], &has_ending)
}

/// `C:\` or `C:/`
fn has_drive(glob: &str) -> bool {
    matches!(glob.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

/// Whether a backslash stands where nothing needs one: before a character that means itself, or behind the name of a folder.
fn has_idle_backslash(glob: &str) -> bool {
    let (mut before, mut in_class, mut chars) = (None, false, glob.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(&next)) if !in_class => {
                let is_star = matches!(next, '*' | '?') && !before.is_some_and(char::is_alphanumeric);
                if !is_star && !ESCAPED.contains(next) {
                    return true;
                }
                chars.next();
            }
            ('[', _) => in_class = true,
            (']', _) => in_class = false,
            _ => {}
        }
        before = Some(c);
    }
    false
}

/// Whether a class of characters has no end, as Git reads it.
fn has_open_class(glob: &str) -> bool {
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => {
                let rest = chars.as_str();
                // The first character of a class is no end of it.
                let inside = rest.strip_prefix(['!', '^']).unwrap_or(rest);
                match class_end(inside) {
                    Some(end) => chars = inside.get(end..).unwrap_or_default().chars(),
                    None => return true,
                }
            }
            _ => {}
        }
    }
    false
}

/// Whether a capital letter stands behind a backslash, outside of a class of characters.
pub(super) fn has_escaped_capital(glob: &str) -> bool {
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_some_and(|next| next.is_ascii_uppercase()) => return true,
            '[' => {
                let inside = chars.as_str();
                let rest = inside.strip_prefix(['!', '^']).unwrap_or(inside);
                // Without an end it is no class, and matches nothing.
                let Some(end) = class_end(rest) else { return false };
                chars = rest.get(end..).unwrap_or_default().chars();
            }
            _ => {}
        }
    }
    false
}

/// Where a class of characters ends, from behind its opening on.
fn class_end(inside: &str) -> Option<usize> {
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            // `[:alpha:]`
            '[' if chars.as_str().starts_with(':') => {
                let end = chars.as_str().find(":]")?;
                let behind = chars.offset() + end + ":]".len();
                while chars.offset() < behind {
                    chars.next();
                }
            }
            ']' if at > 0 => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_hardly_be_meant_is_no_pattern() {
        let folder = Path::new("/w/project");
        for (glob, expected) in [
            ("a\n!.env", "line break"),
            ("a\r\n!*", "line break"),
            ("\u{feff}!.env", "not seen"),
            ("secret.py\u{200b}", "not seen"),
            ("a\0", "not seen"),
            ("[a", "not closed"),
            ("[!a", "not closed"),
            ("[]a", "not closed"),
            ("secret[.py", "not closed"),
            ("[[:alpha:]", "not closed"),
            ("~/x/secret.py", "not at the disk"),
            ("$HOME/secret.py", "not at the disk"),
            ("%APPDATA%/secret.py", "not at the disk"),
            ("${workspaceFolder}/secret.py", "not at the disk"),
            ("C:\\w\\secret.py", "not at the disk"),
            ("c:/w/secret.py", "not at the disk"),
            ("file:///w/project/secret.py", "not at the disk"),
            ("/w/project/secret.py", "not the disk"),
            ("/w/project", "not the disk"),
            ("sub\\secret.py", "separates no folders"),
            ("sub\\.env", "separates no folders"),
            ("sub\\*.py", "separates no folders"),
            ("sub\\\\secret.py", "separates no folders"),
            ("sub//secret.py", "matches nothing"),
            ("//secret.py", "matches nothing"),
            ("sub/./secret.py", "matches nothing"),
            ("/sub/../secret.py", "matches nothing"),
            ("./sub", "matches nothing"),
            (".", "matches nothing"),
            ("/", "`*` is everything"),
            ("secret.py # keys", "no comments"),
            ("#secret.py", "no comments"),
            ("a.py, secret.py", "several patterns"),
            ("*.pem;*.key", "several patterns"),
            ("a.py secret.py", "several patterns"),
            ("{a,b}.py", "braces mean themselves"),
            (" secret.py", "a blank"),
            ("secret.py ", "a blank"),
            ("^secret.*$", "regular expression"),
            ("a{", "unclosed"),
            ("sub\\", "dangling"),
        ] {
            for glob in [glob.to_owned(), format!("!{glob}")] {
                let fault = glob_fault(&glob, Some(folder)).unwrap_or_default();
                assert!(fault.contains(expected), "{glob:?}: {fault}");
            }
        }
    }

    #[test]
    fn unusual_patterns_that_may_be_meant_are_patterns() {
        for glob in [
            "",
            "*",
            "**",
            "/sub/",
            "a/**/b",
            "**/secret.py",
            "!keep.py",
            "[a-z].py",
            "[]a].py",
            "[!]a].py",
            "[\\]a].py",
            "[a\\-z].py",
            "[[:alpha:]_].py",
            "app/\\[id\\]/page.tsx",
            "[id]/page.tsx",
            "\\#draft#",
            "\\!important",
            "\\*.md",
            "a\\ ",
            "Doe, John.txt",
            "src/My Folder/",
            "docs/My Notes/*",
            "%done",
            "My notes v1.2 (final).txt",
            "foo.c,v",
            "C#",
            "*$py.class",
            "~$*",
            "*~",
            "...",
            ".env.*",
            "/work",
            "a:b",
        ] {
            assert_eq!(glob_fault(glob, Some(Path::new("/w/project"))), None, "{glob}");
        }
    }
}
