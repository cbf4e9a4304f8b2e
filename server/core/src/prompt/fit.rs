//! Cuts a prompt to what a model's context has room for: first whole excerpts, then lines far from the cursor. The start moves in jumps, so that
//! most keystrokes leave the beginning of the prompt as it is. It leaves how much room there is to `plan`.

use std::borrow::Cow;

use super::{Prompt, head, tail};
use crate::models::Format;
use crate::tokens;

/// Lines by which the start of a prefix moves.
const JUMP: usize = 8;
/// Share of the room that text after the cursor may take, if the text before it needs the rest.
const AFTER: u32 = 4;
/// Fewest tokens before the cursor that are worth a request, unless there are no more.
const LEAST: u32 = 16;

impl Prompt {
    /// This prompt in at most `room` tokens of the format, for a model of this many characters per token; `None` if too little of it would be left.
    pub fn cut_to(&self, format: &Format, room: u32, chars_per_token: f32) -> Option<Cow<'_, Prompt>> {
        let count = |text: &str| tokens::estimate(text, chars_per_token);
        // A prompt that cannot be written is refused where it is written.
        let size = |prompt: &Prompt| prompt.render(format).map_or(0, |rendered| rendered.body.tokens(chars_per_token));
        if size(self) <= room {
            return Some(Cow::Borrowed(self));
        }
        let mut cut = self.clone();
        while !cut.excerpts.is_empty() {
            cut.excerpts.remove(0);
            if size(&cut) <= room {
                return Some(Cow::Owned(cut));
            }
        }
        let frame = size(&Prompt { prefix: String::new(), suffix: String::new(), ..cut.clone() });
        // Tokens of parts may be more than those of the whole, by one for each seam.
        let room = room.checked_sub(frame)?.checked_sub(2)?;
        let after = (room / AFTER).max(room.saturating_sub(count(&self.prefix)));
        cut.suffix = first(&self.suffix, after, &count).to_owned();
        cut.prefix = last(&self.prefix, room.saturating_sub(count(&cut.suffix)), &count).to_owned();
        let is_enough = count(&cut.prefix) >= LEAST.min(count(&self.prefix));
        (is_enough && size(&cut) <= room.saturating_add(frame).saturating_add(2)).then_some(Cow::Owned(cut))
    }
}

/// The end of a text, from a line whose number is a multiple of [`JUMP`], or from as far as there is room in its last lines.
fn last<'a>(text: &'a str, room: u32, count: &impl Fn(&str) -> u32) -> &'a str {
    if count(text) <= room {
        return text;
    }
    let starts = text.match_indices('\n').map(|(at, _)| at + 1).skip(JUMP - 1).step_by(JUMP);
    let tails: Vec<&str> = starts.filter_map(|at| text.get(at..)).collect();
    let tail_of = |at: usize| tails.get(at).copied().filter(|tail| !tail.trim().is_empty());
    match tail_of(tails.partition_point(|tail| count(tail) > room)) {
        Some(tail) => tail,
        None => within(room, text.len(), count, |most| tail(text, most)),
    }
}

/// The beginning of a text, as far as there is room.
fn first<'a>(text: &'a str, room: u32, count: &impl Fn(&str) -> u32) -> &'a str {
    if count(text) <= room { text } else { within(room, text.len(), count, |most| head(text, most)) }
}

/// The longest part that fits, by halving.
fn within<'a>(room: u32, length: usize, count: &impl Fn(&str) -> u32, part: impl Fn(usize) -> &'a str) -> &'a str {
    let (mut fits, mut exceeds) = (0, length);
    while exceeds - fits > 1 {
        let middle = fits.midpoint(exceeds);
        match count(part(middle)) <= room {
            true => fits = middle,
            false => exceeds = middle,
        }
    }
    part(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Models;
    use crate::prompt::Excerpt;

    fn prompt(lines_before: usize, lines_after: usize) -> Prompt {
        let line = |n: usize| format!("let value{n} = call({n}); // größe\n");
        Prompt {
            path: "src/main.rs".into(),
            language: "rust".into(),
            excerpts: vec![Excerpt { path: "src/other.rs".into(), text: line(0).repeat(9), ..Excerpt::default() }],
            above: String::new(),
            prefix: (0..lines_before).map(line).collect::<String>() + "let last = ",
            suffix: format!(";\n{}", (0..lines_after).map(line).collect::<String>()),
            stop: None,
            reads_on: false,
        }
    }

    #[test]
    fn a_prompt_is_cut_to_its_room_and_keeps_what_is_near_the_cursor() {
        let models = Models::builtin();
        for name in ["qwen", "suffix", "chat"] {
            let format = models.format(name).unwrap();
            for prompt in [prompt(200, 200), prompt(200, 0), prompt(1, 200), prompt(3, 3)] {
                for room in [150, 400, 1000, 2000, 100_000] {
                    let Some(cut) = prompt.cut_to(format, room, 4.0) else {
                        assert!(room < 400, "{name} {room}");
                        continue;
                    };
                    assert!(cut.render(format).unwrap().body.tokens(4.0) <= room, "{name} {room}");
                    assert!(prompt.prefix.ends_with(&cut.prefix) && prompt.suffix.starts_with(&cut.suffix));
                    assert!(cut.prefix.ends_with("let last = ") && cut.suffix.starts_with(';'), "{name} {room}");
                }
            }
            assert_eq!(prompt(20, 20).cut_to(format, 10, 4.0), None);
        }
    }

    #[test]
    fn what_is_far_goes_first_and_the_start_moves_in_jumps() {
        let models = Models::builtin();
        let format = models.format("qwen").unwrap();
        let whole = prompt(20, 0);
        let size = whole.render(format).unwrap().body.tokens(4.0);
        let cut = whole.cut_to(format, size - 1, 4.0).unwrap();
        assert_eq!((cut.excerpts.len(), &cut.prefix), (0, &whole.prefix));
        let starts: Vec<_> = (0..16)
            .map(|more| {
                let mut prompt = prompt(100, 20);
                prompt.prefix.push_str(&"x ".repeat(more));
                let cut = prompt.cut_to(format, 600, 4.0).unwrap().into_owned();
                prompt.prefix.len() - cut.prefix.len()
            })
            .collect();
        let mut different = starts.clone();
        different.dedup();
        assert!(different.len() <= 2, "{starts:?}");
    }

    #[test]
    fn one_long_line_is_cut_inside() {
        let models = Models::builtin();
        let format = models.format("qwen").unwrap();
        let prompt = Prompt { prefix: "word 🎉 ".repeat(3000), ..Prompt::default() };
        let cut = prompt.cut_to(format, 300, 4.0).unwrap();
        assert!(cut.prefix.len() > 500 && prompt.prefix.ends_with(&cut.prefix));
    }
}
