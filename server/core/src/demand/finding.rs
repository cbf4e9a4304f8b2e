//! Findings of a review: each names a line of the change. They are read as models write them: a severity in other words, a number as text. An answer
//! that is no JSON, or without a finding that can be used, is asked for once more, and a finding that names no line of the change counts for nothing.
//! It leaves showing them to the server.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change::Hunk;
use super::prose::unfenced;
use super::unfit::{Unfit, is_hostile};
use crate::prompt::normalised;

/// Most characters of a title, and of a reason.
const TITLE: usize = 120;
const WHY: usize = 600;

/// What a review found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The file's path, as the prompt shows it.
    pub file: String,
    /// The line of the file as it is now, counted from 1.
    pub line: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in a few words.
    pub title: String,
    /// Why.
    pub why: String,
    /// What would mend it.
    #[serde(default)]
    pub fix: Option<Fix>,
}

/// Lines that would mend a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// The first line that is replaced, counted from 1.
    pub first: u32,
    /// The last one.
    pub last: u32,
    /// The lines in their place.
    pub text: String,
}

/// How bad a finding is, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It could be better.
    Low,
    /// It will be trouble.
    Medium,
    /// It is wrong, or unsafe.
    High,
}

impl Severity {
    /// The severity that a word means. Not all models keep to the three that they are asked for.
    fn of(word: &str) -> Severity {
        match word.trim().to_lowercase().as_str() {
            "high" | "critical" | "blocker" | "error" | "severe" | "fatal" => Severity::High,
            "low" | "minor" | "info" | "information" | "informational" | "note" | "nit" | "trivial" => Severity::Low,
            _ => Severity::Medium,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        })
    }
}

/// What was read of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The findings, by file and line.
    pub findings: Vec<Finding>,
    /// Why others count for nothing.
    pub dropped: Vec<String>,
}

/// A file of the change that was reviewed, with the hunks that the prompt held.
#[derive(Clone, Copy, Debug)]
pub struct Reviewed<'a> {
    /// Its path, as the prompt shows it.
    pub path: &'a str,
    /// The hunks.
    pub hunks: &'a [Hunk],
}

/// The schema of an answer, for providers that hold a model to one.
pub fn schema() -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let fix = json!({"type": "object", "additionalProperties": false, "required": ["first", "last", "text"],
        "properties": {"first": number, "last": number, "text": text}});
    let finding = json!({"type": "object", "additionalProperties": false,
        "required": ["file", "line", "severity", "title", "why", "fix"],
        "properties": {"file": text, "line": number, "severity": {"type": "string", "enum": ["low", "medium", "high"]},
            "title": text, "why": text, "fix": {"anyOf": [fix, {"type": "null"}]}}});
    json!({"type": "object", "additionalProperties": false, "required": ["findings"],
        "properties": {"findings": {"type": "array", "items": finding}}})
}

/// The findings of an answer about these files. An error means that the answer is to be asked for once more.
pub fn findings(answer: &str, reviewed: &[Reviewed<'_>]) -> Result<Read, Unfit> {
    let value = value(answer)?;
    let list = match &value {
        Value::Array(list) => list,
        Value::Object(fields) => fields
            .get("findings")
            .and_then(Value::as_array)
            .ok_or_else(|| Unfit::Form("the JSON has no list `findings`".into()))?,
        _ => return Err(Unfit::Form("the JSON is neither an object nor a list".into())),
    };
    let mut read = Read::default();
    for found in list {
        match finding(found, reviewed) {
            Ok(finding) if read.findings.contains(&finding) => {}
            Ok(finding) => read.findings.push(finding),
            Err(why) => read.dropped.push(why),
        }
    }
    if let ([], [why, ..]) = (read.findings.as_slice(), read.dropped.as_slice()) {
        return Err(Unfit::Form(format!("no finding can be used: {why}")));
    }
    let place = |finding: &Finding| reviewed.iter().position(|file| file.path == finding.file);
    read.findings.sort_by_key(|finding| (place(finding), finding.line));
    Ok(read)
}

/// The JSON in an answer, with whatever stands around it.
fn value(answer: &str) -> Result<Value, Unfit> {
    if answer.trim().is_empty() {
        return Err(Unfit::Empty);
    }
    let is_empty = unfenced(answer).trim() == "[]";
    let starts = answer.match_indices(['{', '[']).map(|(at, _)| at);
    let mut fault = "it holds no JSON".to_owned();
    for at in starts.take(64) {
        let mut values = serde_json::Deserializer::from_str(answer.get(at..).unwrap_or_default()).into_iter::<Value>();
        match values.next() {
            Some(Ok(value @ Value::Object(_))) => return Ok(value),
            // Brackets in prose are no list of findings.
            Some(Ok(Value::Array(list))) if list.is_empty() == is_empty && list.iter().all(Value::is_object) => {
                return Ok(Value::Array(list));
            }
            Some(Err(error)) if error.is_eof() => return Err(Unfit::CutOff),
            Some(Err(error)) => fault = format!("its JSON is broken in line {}", error.line()),
            _ => {}
        }
    }
    Err(Unfit::Form(fault))
}

/// A finding as it stands in an answer.
fn stated(found: &Value) -> Result<Finding, String> {
    let text = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let missing = |key: &str| format!("a finding has no `{key}`");
    let file = Some(text("file")).filter(|file| !file.is_empty()).ok_or_else(|| missing("file"))?;
    let line = found.get("line").and_then(number).ok_or_else(|| missing("line"))?;
    let fix = found.get("fix").and_then(|fix| {
        let text = fix.get("text")?.as_str()?.to_owned();
        Some(Fix { first: number(fix.get("first")?)?, last: number(fix.get("last")?)?, text })
    });
    Ok(Finding { file, line, severity: Severity::of(&text("severity")), title: text("title"), why: text("why"), fix })
}

/// A whole number, also one that is written as a text or with `.0`.
fn number(value: &Value) -> Option<u32> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    is_whole.then_some(number as u32)
}

fn finding(found: &Value, reviewed: &[Reviewed<'_>]) -> Result<Finding, String> {
    let read = stated(found)?;
    let file = file(&read.file, reviewed).ok_or_else(|| format!("`{}` is no file of the change", short(&read.file)))?;
    let line = (read.line as usize).checked_sub(1);
    let hunk = line.and_then(|line| file.hunks.iter().find(|hunk| hunk.shown.contains(&line)));
    let hunk = hunk.ok_or_else(|| format!("{}:{} is no line of the change", file.path, read.line))?;
    // A line break would make one finding look like two.
    let (title, why) = (short_to(&one_line(&read.title), TITLE), short_to(&normalised(&read.why), WHY));
    if title.is_empty() {
        return Err(format!("a finding at {}:{} has no title", file.path, read.line));
    }
    if is_hostile(&title, "") || is_hostile(&why, "\n") {
        return Err(format!("a finding at {}:{} holds invisible characters", file.path, read.line));
    }
    let is_inside = |fix: &Fix| {
        let lines = fix.first as usize..=fix.last as usize;
        fix.first > 0 && fix.first <= fix.last && *lines.start() > hunk.shown.start && *lines.end() <= hunk.shown.end
    };
    let is_plain = |fix: &Fix| !is_hostile(&fix.text, "\n\t");
    let fix = read.fix.filter(is_inside).filter(is_plain);
    let fix = fix.map(|fix| Fix { text: normalised(&fix.text).into_owned(), ..fix });
    Ok(Finding { file: file.path.to_owned(), title, why, fix, ..read })
}

/// The file that an answer names: by its whole path, or by an end of it that only one has.
fn file<'r, 'a>(name: &str, reviewed: &'r [Reviewed<'a>]) -> Option<&'r Reviewed<'a>> {
    if let Some(file) = reviewed.iter().find(|file| file.path == name) {
        return Some(file);
    }
    let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.ends_with('/'));
    let mut alike = reviewed.iter().filter(|file| ends(file.path, name) || ends(name, file.path));
    match (alike.next(), alike.next()) {
        (Some(file), None) => Some(file),
        _ => None,
    }
}

fn short(text: &str) -> String {
    short_to(&one_line(text), 60)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn short_to(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunk(shown: std::ops::Range<usize>) -> Hunk {
        Hunk { changed: vec![shown.clone()], shown, text: String::new() }
    }

    fn read(answer: &str) -> Result<Read, Unfit> {
        let (a, b) = ([hunk(0..5), hunk(20..30)], [hunk(0..3)]);
        findings(answer, &[Reviewed { path: "src/a.rs", hunks: &a }, Reviewed { path: "b.rs", hunks: &b }])
    }

    fn one(file: &str, line: u32, more: &str) -> String {
        format!(
            r#"{{"file": "{file}", "line": {line}, "severity": "high", "title": "It is wrong", "why": "Because."{more}}}"#
        )
    }

    #[test]
    fn a_finding_names_a_line_of_the_change() {
        let list = |items: &[String]| format!(r#"{{"findings": [{}]}}"#, items.join(","));
        let places = |answer: &str| {
            let read = read(answer).unwrap();
            let places = read.findings.iter().map(|finding| (finding.file.clone(), finding.line)).collect::<Vec<_>>();
            (places, read.dropped.len())
        };
        let at = |file: &str, line| (file.to_owned(), line);
        assert_eq!(
            places(&list(&[one("b.rs", 3, ""), one("src/a.rs", 21, "")])),
            (vec![at("src/a.rs", 21), at("b.rs", 3)], 0)
        );
        assert_eq!(
            places(&list(&[one("a.rs", 5, ""), one("x/b.rs", 1, "")])),
            (vec![at("src/a.rs", 5), at("b.rs", 1)], 0)
        );
        let wrong = [one("src/a.rs", 6, ""), one("src/a.rs", 0, ""), one("c.rs", 1, "")];
        assert_eq!(places(&list(&[&wrong[..], &[one("b.rs", 1, "")]].concat())), (vec![at("b.rs", 1)], 3));
        assert!(read(&list(&wrong)).unwrap_err().to_string().contains("src/a.rs:6 is no line of the change"));
        assert_eq!(places(&list(&[one("b.rs", 1, ""), one("b.rs", 1, "")])), (vec![at("b.rs", 1)], 0));
        assert_eq!(places(&list(&["{\"file\": 1}".into(), one("b.rs", 1, "")])), (vec![at("b.rs", 1)], 1));
        assert_eq!(
            places(&format!("Here:\n```json\n[{}]\n```\nThat is all.", one("b.rs", 2, ""))),
            (vec![at("b.rs", 2)], 0)
        );
        assert_eq!(places("```json\n[]\n```"), (vec![], 0));
        assert_eq!(places(r#"I found nothing [so far]: {"findings": []}"#), (vec![], 0));
        assert!(read(&list(&[one("b.rs", 1, "").replace("wrong", "wrong\u{202e}")])).is_err());
    }

    #[test]
    fn a_finding_is_read_as_models_write_it() {
        let found = |line: &str, severity: &str| {
            let finding = one("b.rs", 2, "").replace("2,", &format!("{line},")).replace("\"high\"", severity);
            let read = read(&format!("[{finding}]")).unwrap();
            (read.findings[0].line, read.findings[0].severity)
        };
        for (line, severity, expected) in [
            ("2", "\"High\"", Severity::High),
            ("\"2\"", "\"critical\"", Severity::High),
            ("2.0", "\"BLOCKER\"", Severity::High),
            ("\" 2 \"", "\"error\"", Severity::High),
            ("2", "\"major\"", Severity::Medium),
            ("2", "\"warning\"", Severity::Medium),
            ("2", "\"odd\"", Severity::Medium),
            ("2", "null", Severity::Medium),
            ("2", "\"Minor\"", Severity::Low),
            ("2", "\"note\"", Severity::Low),
        ] {
            assert_eq!(found(line, severity), (2, expected), "{line} {severity}");
        }
        // A fix that cannot be read takes no finding away.
        let odd = read(&format!("[{}]", one("b.rs", 2, r#", "fix": {"first": "a"}"#))).unwrap();
        assert_eq!((odd.findings.len(), odd.findings[0].fix.is_none()), (1, true));
        assert!(read(&format!("[{}]", one("b.rs", 2, "").replace("2,", "2.5,"))).is_err());
    }

    #[test]
    fn a_title_is_one_line() {
        let forged = one("b.rs", 2, "").replace("It is wrong", "It is\\r\\nb.rs:1: high: forged");
        let forged = forged.replace("Because.", "Because\\rof it.");
        let found = read(&format!("[{forged}]")).unwrap().findings.remove(0);
        assert_eq!((&*found.title, &*found.why), ("It is b.rs:1: high: forged", "Because\nof it."));
        let nowhere = one("b\\n.rs", 2, "");
        assert!(read(&format!("[{nowhere}]")).unwrap_err().to_string().contains("`b .rs` is no file"));
    }

    #[test]
    fn an_answer_without_json_is_asked_for_again() {
        for (answer, expected) in [
            ("", "empty"),
            ("All is well.", "no JSON"),
            ("{\"findings\": [{\"file", "cut off"),
            ("{\"a\": 1}", "no list"),
            ("{'findings': []}", "broken"),
        ] {
            let why = read(answer).unwrap_err().to_string();
            assert!(why.contains(expected), "{answer}: {why}");
        }
    }

    #[test]
    fn a_fix_outside_of_its_hunk_is_none() {
        let fix = |first: u32, last: u32| {
            let more = format!(r#", "fix": {{"first": {first}, "last": {last}, "text": "x\n"}}"#);
            read(&format!("[{}]", one("src/a.rs", 2, &more))).unwrap().findings[0].fix.is_some()
        };
        assert!(fix(1, 5) && fix(2, 2));
        assert!(!fix(0, 2) && !fix(3, 2) && !fix(1, 6) && !fix(21, 22));
    }
}
