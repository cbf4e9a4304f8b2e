//! A commit message: one subject, and a body if there is more to say. It leaves what changed to `context`.

use super::prose::unfenced;
use super::unfit::{Unfit, is_hostile};

/// Most characters of a subject.
const SUBJECT: usize = 72;
/// Words with which a model introduces its answer.
const INTRODUCTIONS: [&str; 3] = ["commit message:", "here is", "here's"];

/// The message of an answer: its subject, and after a blank line its body.
pub fn message(answer: &str) -> Result<String, Unfit> {
    let text = unfenced(introduced(answer.trim())).trim();
    let (subject, body) = text.split_once('\n').unwrap_or((text, ""));
    let subject = subject.trim().trim_matches(['"', '`']).trim();
    if subject.is_empty() {
        return Err(Unfit::Empty);
    }
    if text.contains("```") {
        return Err(Unfit::Fence);
    }
    if subject.chars().count() > SUBJECT {
        return Err(Unfit::Long { most: SUBJECT });
    }
    // Git takes such a line out, and all below a line with scissors.
    if text.lines().any(|line| line.starts_with('#')) {
        return Err(Unfit::Form("a line begins with `#`, which is a comment for Git".into()));
    }
    if is_hostile(text, "") {
        return Err(Unfit::Unseen);
    }
    let lines: Vec<&str> = body.lines().map(str::trim_end).collect();
    let body = lines.join("\n");
    Ok(match body.trim() {
        "" => subject.to_owned(),
        body => format!("{subject}\n\n{body}"),
    })
}

/// A text without a line that introduces it.
fn introduced(text: &str) -> &str {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let is_introduction = INTRODUCTIONS.iter().any(|words| first.to_lowercase().starts_with(words));
    if is_introduction && first.trim_end().ends_with(':') { rest.trim_start() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_one_subject_and_perhaps_a_body() {
        let long = "a ".repeat(40);
        for (answer, expected) in [
            ("parser: reads numbers", Ok("parser: reads numbers")),
            ("```text\nparser: reads numbers\n```", Ok("parser: reads numbers")),
            ("Here is the commit message:\n\nparser: reads numbers", Ok("parser: reads numbers")),
            ("\"parser: reads numbers\"", Ok("parser: reads numbers")),
            ("parser: reads numbers\nThey may be long. \n", Ok("parser: reads numbers\n\nThey may be long.")),
            ("", Err(Unfit::Empty)),
            ("a\n```\nb\n```\n", Err(Unfit::Fence)),
            (&long, Err(Unfit::Long { most: 72 })),
            ("a\u{1b}[31m", Err(Unfit::Unseen)),
            ("a: closes #12", Ok("a: closes #12")),
        ] {
            assert_eq!(message(answer).as_deref(), expected.as_ref().map(|text| *text), "{answer}");
        }
        for comment in ["# a: reads numbers", "a: reads\n\n# ------------------------ >8 ------------------------\nb"] {
            assert!(matches!(message(comment), Err(Unfit::Form(_))), "{comment}");
        }
    }
}
