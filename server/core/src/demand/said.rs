//! What a model said, without what belongs to its format: markers that end a turn, a byte order mark, line breaks that are not the prompt's, and
//! blanks before a fence; and whether it is a refusal. It leaves the markers to `markers`, and reading the answer to the files of each
//! form.

use std::borrow::Cow;

use super::markers::MARKERS;
use super::unfit::Unfit;
use crate::prompt::{normalised, without_mark};

/// How a model begins that will not do what it was asked for, in lower case and with plain apostrophes.
const REFUSALS: [&str; 34] = [
    "i can't ",
    "i cannot ",
    "i can not ",
    "i'm sorry",
    "i am sorry",
    "i'm unable ",
    "i am unable ",
    "i'm not able ",
    "i won't ",
    "i will not ",
    "i must decline",
    "sorry, ",
    "as an ai ",
    "as a language model",
    "je ne peux pas",
    "je suis désolé",
    "désolé",
    "es tut mir leid",
    "tut mir leid",
    "leider kann ich",
    "ich kann das nicht",
    "ich kann dabei nicht",
    "lo siento",
    "no puedo ",
    "mi dispiace",
    "desculpe",
    "não posso",
    "申し訳",
    "すみません",
    "抱歉",
    "对不起",
    "我无法",
    "извините",
    "я не могу",
];
/// Characters of an answer after which a refusal begins no more.
const BEGINNING: usize = 32;

/// The text of an answer, with line breaks `\n`.
pub fn said(answer: &str) -> Result<Cow<'_, str>, Unfit> {
    let text = normalised(turn(without_mark(answer)));
    let text = at_margin(&text).map_or(text, Cow::Owned);
    match text.trim().is_empty() {
        true => Err(Unfit::Empty),
        false => Ok(text),
    }
}

/// An answer up to the marker that ends its turn. Such a marker in the middle of a line is text: programs about models hold them, too.
fn turn(answer: &str) -> &str {
    let begun = MARKERS.begins.iter().find_map(|marker| answer.trim_start().strip_prefix(marker.as_str()));
    let answer = begun.map_or(answer, |rest| rest.strip_prefix("\r\n").or(rest.strip_prefix('\n')).unwrap_or(rest));
    let ends = |marker: &String| {
        let is_end = |at: &usize| {
            let rest = answer.get(at + marker.len()..).unwrap_or_default();
            // HTML has this one, too, where it was opened.
            let is_tag = marker == "</s>" && answer.get(..*at).is_some_and(|before| before.contains("<s"));
            !is_tag && (rest.is_empty() || rest.starts_with(['\n', '\r', '<']))
        };
        answer.match_indices(marker.as_str()).map(|(at, _)| at).find(is_end)
    };
    let end = MARKERS.ends.iter().filter_map(ends).min().unwrap_or(answer.len());
    answer.get(..end).unwrap_or(answer)
}

/// A text whose first fence stands behind one to three blanks, with its lines moved to the left by as many. `None` if it does not, or if it follows
/// a list, to which it may belong.
fn at_margin(text: &str) -> Option<String> {
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let fence = |line: &str| ["```", "~~~"].iter().any(|mark| line.trim_start_matches(' ').starts_with(mark));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first = lines.iter().position(|line| fence(line))?;
    let depth = Some(blanks(lines.get(first)?)).filter(|depth| (1..=3).contains(depth))?;
    let is_item = |line: &&str| line.trim_start().starts_with(|c: char| "-*+".contains(c) || c.is_ascii_digit());
    if lines.iter().take(first).any(is_item) {
        return None;
    }
    let code = lines.iter().skip(first + 1).take_while(|line| !fence(line)).filter(|line| !line.trim().is_empty());
    // The code may stand at the margin already.
    let of_code = code.map(|line| blanks(line)).min().unwrap_or_default().min(depth);
    let moved = lines.iter().enumerate().map(|(number, line)| {
        let most = if fence(line) { depth } else { of_code };
        let taken = if number < first { 0 } else { blanks(line).min(most) };
        line.get(taken..).unwrap_or_default()
    });
    Some(moved.collect())
}

/// Whether a text begins as a refusal does. One that goes on with what was asked for is none.
pub fn is_refusal(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['"', '*', '_']);
    let beginning: String = text.chars().take(BEGINNING).collect();
    let beginning = beginning.replace('\u{2019}', "'").to_lowercase();
    REFUSALS.iter().any(|words| beginning.starts_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_turn_with_plain_line_breaks() {
        for (answer, expected) in [
            ("It adds.<|im_end|>", Ok("It adds.")),
            ("<|im_start|>assistant\nIt adds.<|im_end|>", Ok("It adds.")),
            ("[/INST]It adds.", Ok("It adds.")),
            ("It adds.<|eot_id|>\n<|start_header_id|>user", Ok("It adds.")),
            ("It adds.</s><s>[INST]", Ok("It adds.")),
            ("let end = \"<|im_end|>\";\r\nlet a = 1;\r\n", Ok("let end = \"<|im_end|>\";\nlet a = 1;\n")),
            ("\u{feff}```\na\n```", Ok("```\na\n```")),
            (" ```rust\nfn a() {\n    b\n}\n ```\n", Ok("```rust\nfn a() {\n    b\n}\n```\n")),
            ("   ```py\n   def a():\n       b\n   ```", Ok("```py\ndef a():\n    b\n```")),
            ("Here:\n  ~~~\n  a\n  ~~~\n", Ok("Here:\n~~~\na\n~~~\n")),
            ("- It adds:\n  ```\n  a\n  ```\n", Ok("- It adds:\n  ```\n  a\n  ```\n")),
            ("    ```\n", Ok("    ```\n")),
            ("<|im_end|>", Err(Unfit::Empty)),
            (" \n", Err(Unfit::Empty)),
            ("<p>\n<s>old</s>\n</p>", Ok("<p>\n<s>old</s>\n</p>")),
        ] {
            assert_eq!(said(answer).as_deref(), expected.as_ref().map(|text| *text), "{answer}");
        }
    }

    #[test]
    fn a_refusal_is_known_by_its_beginning() {
        for refusal in [
            "I\u{2019}m sorry, but I can't help with that.",
            "As an AI language model, I have no opinion.",
            "Désolé, je ne peux pas faire cela.",
            "Es tut mir leid, das geht nicht.",
            "申し訳ありませんが、できません。",
            "Извините, я не могу.",
        ] {
            assert!(is_refusal(refusal), "{refusal}");
        }
        assert!(!is_refusal("Sorry pages are shown.") && !is_refusal("It cannot fail."));
    }
}
