//! Stretches of other languages anywhere in a text: scripts and styles in markup, fences and front matter in Markdown, markup around PHP. They are
//! for those who may not see one of the languages, so a stretch that may be of one counts as one.
//! It leaves the language at the cursor to `region`.

use std::ops::Range;

use pennyworth_grammars::{Facts, Injection, Language, by_id, by_name};

/// Most levels of languages inside of each other: a script in markup in a fence.
const LEVELS: usize = 4;
/// What may stand before the mark of a fence in its line: comments, quotes and lists.
const BEFORE_FENCE: [char; 12] = [' ', '\t', '>', '-', '*', '+', '/', '!', '#', '"', '|', '%'];

/// A stretch of a text in another language than the text's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its bytes.
    pub range: Range<usize>,
    /// The languages that it may be in, by name.
    pub languages: Vec<&'static str>,
}

impl Guest {
    /// Whether it shares bytes with a part of the text.
    pub fn touches(&self, part: &Range<usize>) -> bool {
        self.range.start < part.end && part.start < self.range.end
    }
}

/// Whether a text of this language may hold others.
pub fn may_have_guests(language: &Language) -> bool {
    let facts = language.facts();
    !facts.injections.is_empty() || !facts.front_matter.is_empty() || facts.examples.is_some()
}

/// The stretches of other languages in a text of this language.
pub fn guests(text: &str, language: &'static Language) -> Vec<Guest> {
    let mut found = Vec::new();
    if may_have_guests(language) {
        collect(text, 0, language, LEVELS, &mut found);
    }
    found
}

/// Adds the stretches in a part of the text that begins at an offset.
fn collect(text: &str, at: usize, language: &'static Language, levels: usize, found: &mut Vec<Guest>) {
    let Some(levels) = levels.checked_sub(1) else { return };
    let facts = language.facts();
    let mut all = Vec::from_iter(front_matter(text, facts));
    if facts.examples.is_some() || facts.injections.iter().any(|injection| injection.named_by.is_some()) {
        all.extend(fences(text));
    }
    for injection in &facts.injections {
        let Some(inner) = injection.language.as_deref().and_then(by_name) else { continue };
        match injection.within.as_deref().and_then(|within| within.strip_suffix("_element")) {
            Some(tag) => all.extend(elements(text, tag, injection)),
            None => {
                all.extend(match &facts.islands {
                    Some(islands) => between(text, islands, inner.name()),
                    None => tagged_lines(text, inner.name()),
                });
                // An element may begin in one of these stretches and end in another.
                collect(text, at, inner, levels, found);
            }
        }
    }
    for Guest { range, languages } in all {
        let part = text.get(range.clone()).unwrap_or_default();
        for inner in languages.iter().filter_map(|name| by_name(name)) {
            collect(part, at + range.start, inner, levels, found);
        }
        found.push(Guest { range: at + range.start..at + range.end, languages });
    }
}

/// The lines of a text, with the offset of each.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        at += line.len();
        (at - line.len(), line)
    })
}

/// The settings of a page, between two marks at its head.
fn front_matter(text: &str, facts: &Facts) -> Option<Guest> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let mut lines = lines(text.get(start..)?);
    let (_, first) = lines.next()?;
    let (mark, language) = facts.front_matter.iter().find(|(mark, _)| first.trim_end() == mark)?;
    let end = lines.find(|(_, line)| line.trim_end() == mark).map_or(text.len(), |(at, _)| start + at);
    let name = by_name(language)?.name();
    Some(Guest { range: start + first.len()..end, languages: vec![name] })
}

/// The blocks between fences that name a language.
fn fences(text: &str) -> Vec<Guest> {
    let mut found = Vec::new();
    let mut open: Option<(&str, Option<&'static Language>, usize)> = None;
    let mut close = |language: Option<&'static Language>, range: Range<usize>| {
        found.extend(language.map(|language| Guest { range, languages: vec![language.name()] }));
    };
    for (at, line) in lines(text) {
        let bare = line.trim_start_matches(BEFORE_FENCE).trim_end();
        let Some(sign) = bare.chars().next().filter(|sign| matches!(sign, '`' | '~')) else { continue };
        let info = bare.trim_start_matches(sign);
        let mark = bare.get(..bare.len() - info.len()).unwrap_or_default();
        if mark.len() < 3 {
            continue;
        }
        open = match open {
            Some((opened, language, from)) if mark.starts_with(opened) && info.trim().is_empty() => {
                close(language, from..at);
                None
            }
            Some(open) => Some(open),
            None => {
                let mut words =
                    info.split([' ', ',', ':', '{', '}', '=', '"']).map(|word| word.trim_start_matches('.'));
                Some((mark, words.find(|word| !word.is_empty()).and_then(by_id), at + line.len()))
            }
        };
    }
    if let Some((_, language, from)) = open {
        close(language, from..text.len());
    }
    found
}

/// The contents of the elements of a tag.
fn elements(text: &str, tag: &str, injection: &Injection) -> Vec<Guest> {
    let mut found = Vec::new();
    let lower = text.to_ascii_lowercase();
    let (opens, closes) = (format!("<{tag}"), format!("</{tag}"));
    let mut at = 0;
    while let Some(opened) = lower.get(at..).and_then(|rest| rest.find(&opens)).map(|found| at + found) {
        let behind = opened + opens.len();
        at = behind;
        let rest = lower.get(behind..).unwrap_or_default();
        if rest.starts_with(|c: char| c.is_alphanumeric() || c == '-') {
            continue;
        }
        let head = rest.find('>').map_or(rest, |end| rest.get(..=end).unwrap_or_default());
        let from = behind + head.len();
        let to = lower.get(from..).and_then(|rest| rest.find(&closes)).map_or(text.len(), |end| from + end);
        at = to;
        let usual = || injection.language.iter().chain(&injection.or).filter_map(|name| by_name(name)).collect();
        let languages: Vec<&Language> = named(head).map_or_else(usual, |language| vec![language]);
        let languages = languages.into_iter().map(Language::name).collect();
        found.push(Guest { range: from..to, languages });
    }
    found
}

/// The language that the head of an element names: `lang="ts"`.
fn named(head: &str) -> Option<&'static Language> {
    let (_, value) = head.split_once("lang=")?;
    by_id(value.trim_start_matches(['"', '\'']).split(['"', '\'', ' ', '>', '/']).next()?)
}

/// What stands outside of the marks of code.
fn between(text: &str, (open, close): &(String, String), language: &'static str) -> Vec<Guest> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let code = rest.find(open.as_str()).into_iter().chain(rest.find("<?=")).min();
        let to = code.map_or(text.len(), |code| at + code);
        if text.get(at..to).is_some_and(|part| !part.trim().is_empty()) {
            found.push(Guest { range: at..to, languages: vec![language] });
        }
        let end = text.get(to..).and_then(|rest| rest.find(close.as_str()));
        at = end.map_or(text.len(), |end| to + end + close.len());
    }
    found
}

/// The lines with tags.
fn tagged_lines(text: &str, language: &'static str) -> Vec<Guest> {
    let has_tag = |line: &str| {
        line.match_indices('<').any(|(at, _)| {
            line.get(at + 1..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || "/!".contains(c)))
        })
    };
    let tagged = lines(text).filter(|(_, line)| has_tag(line));
    tagged.map(|(at, line)| Guest { range: at..at + line.len(), languages: vec![language] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_languages_inside_of_a_text_are_found() {
        for (language, text, expected) in [
            ("html", "<p>\n<script>\nlet x;\n</script><style>p{}</style>", &["javascript:\nlet x;\n", "css:p{}"][..]),
            ("html", "<SCRIPT lang=\"ts\">let x", &["typescript:let x"]),
            ("html", "<scripts>a</scripts><p>", &[]),
            ("vue", "<script>a</script><style>b</style>", &["typescript/javascript:a", "scss/css:b"]),
            ("vue", "<script setup lang='ts'>a</script><style lang=scss>b", &["typescript:a", "scss:b"]),
            ("markdown", "a\n```python x\nb\n```\n> ~~~sql\n> c\n> ~~~\n```\nd\n```\n", &["python:b\n", "sql:> c\n"]),
            ("markdown", "````md\n```go\na\n```\n````\n", &["go:a\n", "markdown:```go\na\n```\n"]),
            ("markdown", "---\na: 1\n---\nb\n", &["yaml:a: 1\n"]),
            ("markdown", "+++\na = 1\n+++\nb\n", &["toml:a = 1\n"]),
            ("markdown", "a\n---\nb\n---\n", &[]),
            ("markdown", "a < b\n<p>c\n", &["html:<p>c\n"]),
            ("markdown", "```html\n<style>a\n```\n", &["css:a\n```\n", "html:<style>a\n", "css:a\n"]),
            (
                "php",
                "<p>\n<?php a(); ?>\n<script>b<?= $c ?>d</script>",
                &["javascript:b<?= $c ?>d", "html:<p>\n", "html:\n<script>b", "javascript:b", "html:d</script>"],
            ),
            ("php", "<?php\na();\n", &[]),
            ("rust", "/// ```sql\n/// a\n/// ```\nfn b() {}", &["sql:/// a\n"]),
            ("python", "```sql\na\n```", &[]),
        ] {
            let found = guests(text, by_name(language).unwrap());
            let mut found: Vec<String> = found
                .iter()
                .map(|guest| format!("{}:{}", guest.languages.join("/"), text.get(guest.range.clone()).unwrap()))
                .collect();
            let mut expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
            found.sort();
            // Several ways may lead to one stretch.
            found.dedup();
            expected.sort();
            assert_eq!(found, expected, "{text}");
        }
    }
}
