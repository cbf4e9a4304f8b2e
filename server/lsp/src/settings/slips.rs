//! Usual slips of the pen in TOML, named for what they are: a value that is missing, `:` for `=`, a word without quotes, `True`, `0,5`.
//! A parser's message names what it expected next, which seldom is what went wrong. It leaves finding the place of a fault to the parser.

use std::collections::BTreeSet;

use super::schema;

/// What is wrong in a line that is no TOML: a sentence that begins with the key. `above` is the text above the line. `None` if it is no usual slip.
pub(super) fn named(above: &str, line: &str) -> Option<String> {
    if let Some(list) = list_above(above) {
        let item = uncommented(line).trim().trim_end_matches([',', ']']).trim();
        let key = list.iter().fold(String::new(), |key, name| schema::join(&key, name));
        return (is_bare(item) && !is_whole(item))
            .then(|| format!("{key} has {item} in its list, a word without quotes"));
    }
    let (name, rest) = key(line.trim())?;
    let mut path = table(above);
    path.extend(segments(name));
    in_pair(&path, name, rest)
}

/// The key of the line, with those of its table.
fn path(above: &str, line: &str) -> Vec<String> {
    let mut path = table(above);
    path.extend(key(line.trim()).map(|(name, _)| segments(name)).unwrap_or_default());
    path
}

/// The tables and rows in which one of these lines stands.
pub(super) fn rows(source: &str, lines: &BTreeSet<Option<usize>>) -> Vec<(String, String)> {
    let (mut header, mut rows) = (Vec::new(), Vec::new());
    for (number, line) in source.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            header = names(line);
        } else if lines.contains(&Some(number + 1)) {
            let mut path = header.clone().into_iter();
            let mut below = key(line).map(|(name, _)| segments(name)).unwrap_or_default().into_iter();
            let mut next = || path.next().or_else(|| below.next());
            rows.extend(next().zip(next()));
        }
    }
    rows
}

/// What is wrong in a key with what stands behind it.
fn in_pair(path: &[String], name: &str, rest: &str) -> Option<String> {
    let key = path.iter().fold(String::new(), |key, name| schema::join(&key, name));
    let node = path.iter().try_fold(schema::root(), |node, name| node.property(name));
    let wanted = node.map(|node| format!("; wanted: {}", node.wanted())).unwrap_or_default();
    let rest = rest.trim_start();
    let Some(value) = rest.strip_prefix('=') else {
        return Some(match rest.chars().next() {
            None | Some('#') => format!("{key} has no value{wanted}"),
            Some(':') => format!("{key} is followed by `:`; TOML has `{name} = …`"),
            Some(_) => format!("{key} is not followed by `=`; TOML has `{name} = …`"),
        });
    };
    if value.starts_with('=') {
        return Some(format!("{key} is followed by `==`; TOML has `{name} = …`"));
    }
    let value = uncommented(value).trim();
    match value.strip_prefix('{') {
        Some(inside) => in_table(path, inside).or_else(|| {
            (!value.contains('}')).then(|| format!("{key} begins a table that does not end; it stands in one line"))
        }),
        None => in_value(value, &wanted).map(|fault| format!("{key} {fault}")),
    }
}

/// What is wrong in the first pair of an inline table that has a slip.
fn in_table(path: &[String], inside: &str) -> Option<String> {
    let inside = inside.trim_end().strip_suffix('}').unwrap_or(inside);
    inside.split(',').find_map(|pair| {
        // One level is enough, and a text of any depth may stand here.
        let (name, rest) = key(pair.trim()).filter(|(_, rest)| !rest.contains('{'))?;
        let path: Vec<String> = path.iter().cloned().chain(segments(name)).collect();
        in_pair(&path, name, rest)
    })
}

/// What is wrong in a value: how its sentence goes on behind the key.
fn in_value(value: &str, wanted: &str) -> Option<String> {
    if value.is_empty() {
        return Some(format!("has no value{wanted}"));
    }
    if let Some(items) = value.strip_prefix('[') {
        let Some(items) = items.strip_suffix(']') else {
            return (!items.contains(']')).then(|| "begins a list that does not end".to_owned());
        };
        let item = items.split(',').map(str::trim).find(|item| is_bare(item) && !is_whole(item))?;
        return Some(format!("has {item} in its list, a word without quotes"));
    }
    if value.starts_with(['“', '”', '„', '‘', '’', '«']) {
        return Some("has quotes that TOML does not know; it has \"…\"".to_owned());
    }
    if let Some(quote) = value.chars().next().filter(|first| ['"', '\''].contains(first)) {
        let behind = value.get(1..).and_then(|rest| rest.split_once(quote));
        return match behind {
            None => Some("has a quote that does not end".to_owned()),
            Some((_, "")) => None,
            Some((_, behind)) => Some(format!("has `{}` behind its value", behind.trim())),
        };
    }
    if let Some((before, _)) = value.split_once("//").filter(|(before, _)| is_whole(before.trim())) {
        return Some(format!("is {}, with a comment that TOML does not know; it has `# …`", before.trim()));
    }
    if let Some(before) = value.strip_suffix([';', ',']).map(str::trim).filter(|before| is_whole(before)) {
        return Some(format!("is `{value}`; TOML has no mark at the end of a value: {before}"));
    }
    if let Some(number) = number_with_commas(value) {
        return Some(format!("is {value}; a number has a point and no comma: {number}"));
    }
    if let Some(number) = number_with_sign(value) {
        return Some(format!("is {value}; a number has no sign of a unit: {number}"));
    }
    if value.parse::<f64>().is_ok() && (value.starts_with('.') || value.ends_with('.')) {
        return Some(format!("is {value}; a number has digits on both sides of its point"));
    }
    let words = || value.split([' ', '\t', ',']).filter(|word| !word.is_empty());
    match words().count() {
        0 => None,
        1 => (is_bare(value) && !is_whole(value)).then(|| format!("is {value}, a word without quotes{wanted}")),
        _ if is_date(value) => None,
        _ if words().all(is_bare) && !words().any(is_whole) && !value.contains(',') => {
            Some(format!("is {value}, a text without quotes{wanted}"))
        }
        _ => Some(format!("is {value}, which is more than one value{wanted}")),
    }
}

/// The key of the list that is open at the end of a text, if one is.
fn list_above(above: &str) -> Option<Vec<String>> {
    let (mut open, mut depth, mut start) = (None, 0, 0);
    for line in above.split_inclusive('\n') {
        let text = uncommented(line);
        // A pair ends what a bracket in a text seemed to begin.
        if let Some(value) = key(text.trim()).and_then(|(_, rest)| rest.trim_start().strip_prefix('=')) {
            (open, depth) = (value.trim_start().starts_with('[').then_some(start), 0);
        }
        depth += text.matches('[').count() as isize - text.matches(']').count() as isize;
        start += line.len();
    }
    let (before, rest) = above.split_at_checked(open.filter(|_| depth > 0)?)?;
    Some(path(before, rest.lines().next().unwrap_or_default()))
}

/// Whether a text is one word without quotes.
fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_-./~$".contains(c))
}

/// Whether TOML takes a word as it is. Then the fault is elsewhere.
fn is_whole(word: &str) -> bool {
    matches!(word, "true" | "false") || word.parse::<f64>().is_ok()
}

/// Whether a value with a blank is a date with a time.
fn is_date(value: &str) -> bool {
    let day = value.split(' ').next().unwrap_or_default();
    day.contains('-') && day.starts_with(|c: char| c.is_ascii_digit())
}

/// `0,5` and `1,000.50` as TOML writes them.
fn number_with_commas(value: &str) -> Option<String> {
    let (whole, rest) = value.split_once(',')?;
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let is_grouped = rest.contains(['.', ',']);
    let number = if is_grouped { value.replace(',', "") } else { format!("{whole}.{rest}") };
    (digits(whole) && rest.starts_with(|c: char| c.is_ascii_digit()) && number.parse::<f64>().is_ok()).then_some(number)
}

/// `50%` and `€1` without the sign.
fn number_with_sign(value: &str) -> Option<&str> {
    let number = value.trim_matches(|c: char| "%€$£¥".contains(c) || c.is_whitespace());
    (number.len() < value.len() && number.parse::<f64>().is_ok()).then_some(number)
}

/// A value without the comment behind it. A `#` in quotes begins none.
fn uncommented(value: &str) -> &str {
    let mut quote = None;
    for (at, c) in value.char_indices() {
        match (quote, c) {
            (None, '#') => return value.get(..at).unwrap_or(value),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    value
}

/// The key at the start of a line, as it is written, and what stands behind it.
fn key(line: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let end = line.char_indices().find(|(_, c)| match (quote, *c) {
        (None, '"' | '\'') => {
            quote = Some(*c);
            false
        }
        (Some(open), c) => {
            if open == c {
                quote = None;
            }
            false
        }
        (None, c) => !(c.is_alphanumeric() || "_-.".contains(c)),
    });
    let end = end.map_or(line.len(), |(at, _)| at);
    line.split_at_checked(end).filter(|(name, _)| !name.is_empty())
}

/// The names in a dotted key.
fn segments(key: &str) -> Vec<String> {
    let (mut names, mut quote) = (vec![String::new()], None);
    for c in key.chars() {
        match (quote, c) {
            (None, '.') => names.push(String::new()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => names.last_mut().into_iter().for_each(|name| name.push(c)),
        }
    }
    names.iter().map(|name| name.trim().to_owned()).collect()
}

/// The line, from 1, above a fault at which a list begins that never ends. The parser reports the place where it gave up.
pub(super) fn opens(source: &str, fault: usize) -> Option<usize> {
    let depth = |text: &str| text.matches('[').count() as isize - text.matches(']').count() as isize;
    let head = source.get(..fault).unwrap_or(source);
    let lines = || source.lines().map(|line| line.split('#').next().unwrap_or_default());
    let begins = |line: &str| line.split_once('=').is_some_and(|(_, value)| value.trim_start().starts_with('['));
    let open = lines().take(head.lines().count()).enumerate().filter(|(_, line)| begins(line) && depth(line) > 0);
    let (at, _) = open.last()?;
    (lines().skip(at).map(depth).sum::<isize>() > 0).then_some(at + 1)
}

/// The names of the table that the end of a text is in.
fn table(above: &str) -> Vec<String> {
    above.lines().rev().map(str::trim).find(|line| line.starts_with('[')).map(names).unwrap_or_default()
}

/// The names in a table's header.
fn names(header: &str) -> Vec<String> {
    let name = header.strip_prefix('[').and_then(|rest| rest.split(']').next()).map(str::trim);
    name.filter(|name| !name.starts_with('[')).map(segments).unwrap_or_default()
}
