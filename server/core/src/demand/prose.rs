//! An explanation: Markdown for a person. It leaves what is explained to `context`.

use super::unfit::{Unfit, is_hostile};

/// The Markdown of an answer, without a fence around all of it.
pub fn prose(answer: &str) -> Result<String, Unfit> {
    let text = unfenced(answer).trim();
    if text.is_empty() {
        return Err(Unfit::Empty);
    }
    if is_hostile(text, "") {
        return Err(Unfit::Unseen);
    }
    Ok(text.to_owned())
}

/// A text without the fence around all of it, if there is one.
pub(super) fn unfenced(text: &str) -> &str {
    let inner = || {
        let text = text.trim();
        let rest = text.strip_prefix("```")?;
        let (info, body) = rest.split_once('\n')?;
        let body = body.strip_suffix("```")?;
        (!info.contains('`') && !body.contains("\n```")).then_some(body)
    };
    inner().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_around_all_is_taken_away_and_one_inside_stays() {
        for (answer, expected) in [
            ("It adds.", Ok("It adds.")),
            ("```markdown\nIt adds.\n```", Ok("It adds.")),
            ("```\nIt `adds`.\n```\n", Ok("It `adds`.")),
            ("It adds:\n```rust\na\n```", Ok("It adds:\n```rust\na\n```")),
            ("```rust\na\n```\nand\n```rust\nb\n```", Ok("```rust\na\n```\nand\n```rust\nb\n```")),
            (" \n", Err(Unfit::Empty)),
            ("```\n```", Err(Unfit::Empty)),
            ("It adds\u{202e}.", Err(Unfit::Unseen)),
        ] {
            assert_eq!(prose(answer).as_deref(), expected.as_ref().map(|text| *text), "{answer}");
        }
    }
}
