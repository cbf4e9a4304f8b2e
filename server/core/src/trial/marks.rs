//! How right an answer is, beside the text that is missing. It leaves what follows from many of them to `score`.

use serde::{Deserialize, Serialize};

use crate::prompt::normalised;

/// How right an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Marks {
    /// Whether it is all that is missing, but for blanks at the end.
    pub right: bool,
    /// Whether its first line is.
    pub first_line: bool,
    /// The characters that it saves: those of its lines from the first on that are right.
    pub saved: u32,
    /// 1 less the edits from one to the other per character of the longer one, after Levenshtein.
    pub similarity: f64,
}

/// Marks an answer. No answer is wrong, and like nothing.
pub fn marks(truth: &str, answer: Option<&str>) -> Marks {
    let Some(answer) = answer else { return Marks::default() };
    let (truth, answer) = (normalised(truth), normalised(answer));
    let (truth, answer) = (truth.trim_end(), answer.trim_end());
    let mut truths = truth.split('\n').map(str::trim_end);
    let mut right = 0;
    let mut saved = 0;
    for (number, line) in answer.split('\n').map(str::trim_end).enumerate() {
        let Some(true) = truths.next().map(|truth| truth == line) else {
            // The last line may end early: what is there is right.
            let last = answer.split('\n').count() == number + 1;
            let begins =
                truth.split('\n').nth(number).is_some_and(|truth| !line.trim().is_empty() && truth.starts_with(line));
            saved += if last && begins { line.chars().count() } else { 0 };
            break;
        };
        right += 1;
        saved += line.chars().count() + usize::from(number > 0);
    }
    Marks {
        right: truth == answer,
        first_line: right > 0,
        saved: u32::try_from(saved).unwrap_or(u32::MAX),
        similarity: strsim::normalized_levenshtein(truth, answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_marked_line_by_line() {
        for (truth, answer, right, first_line, saved) in [
            ("foo(a);", Some("foo(a);"), true, true, 7),
            ("foo(a);", Some("foo(a);\n"), true, true, 7),
            ("foo(a);\r\nbar();", Some("foo(a);\n bar();"), false, true, 7),
            ("foo(a);\r\nbar();", Some("foo(a);\nbar();"), true, true, 14),
            ("foo(a);", Some("foo(a)"), false, false, 6),
            ("foo(a);", Some("foo(b);"), false, false, 0),
            ("foo(a);\nbar();", Some("foo(a);"), false, true, 7),
            ("foo(a);\nbar();", Some("foo(a);\nba"), false, true, 9),
            ("foo(a);\nbar();", Some("foo(\nbar();"), false, false, 0),
            ("foo(a);", Some("foo(a);\nmore();"), false, true, 7),
            ("foo(a);", None, false, false, 0),
            ("foo(a);", Some(" "), false, false, 0),
        ] {
            let found = marks(truth, answer);
            assert_eq!(
                (found.right, found.first_line, found.saved),
                (right, first_line, saved),
                "{truth:?} {answer:?}"
            );
            assert_eq!(found.similarity == 1.0, right, "{truth:?} {answer:?}");
        }
        assert!((marks("abcd", Some("abxd")).similarity - 0.75).abs() < 1e-9);
        assert_eq!(marks("abcd", None).similarity, 0.0);
    }
}
