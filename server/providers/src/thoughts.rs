//! Leaves out the thoughts that a model writes into its answer, such as `<think>…</think>` at its head: servers without a parser for them
//! send them so.
//! It leaves thoughts in fields of their own to the protocols.

/// The marks around thoughts: of most models, of Mistral, and of Seed and Kimi.
const MARKS: [(&str, &str); 4] =
    [("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<seed:think>", "</seed:think>"), ("◁think▷", "◁/think▷")];

/// A text and its log-probability.
type Piece = (String, Option<f32>);

/// The state between two texts of an answer.
#[derive(Debug)]
pub(crate) enum Thoughts {
    /// The texts so far may still become the mark.
    Begin(Vec<Piece>),
    /// Inside, with the mark that ends them, and the end of the thoughts so far, which may hold a part of it.
    Inside(&'static str, String),
    /// Behind them, where blank lines may follow.
    Behind,
    /// The answer has begun.
    Over,
}

impl Default for Thoughts {
    fn default() -> Thoughts {
        Thoughts::Begin(Vec::new())
    }
}

impl Thoughts {
    /// Takes the next text, and returns what of it and of earlier ones belongs to the answer.
    pub(crate) fn push(&mut self, piece: Piece) -> Vec<Piece> {
        match self {
            Thoughts::Over => vec![piece],
            Thoughts::Behind => {
                let answer = piece.0.trim_start_matches(['\r', '\n']);
                if answer.is_empty() {
                    return Vec::new();
                }
                let answer = (answer.to_owned(), piece.1);
                *self = Thoughts::Over;
                vec![answer]
            }
            Thoughts::Begin(held) => {
                held.push(piece);
                let all: String = held.iter().map(|(text, _)| text.as_str()).collect();
                let written = all.trim_start();
                match MARKS.iter().find_map(|(begin, end)| Some((written.strip_prefix(begin)?, *end))) {
                    Some((thoughts, end)) => {
                        let (thoughts, logprob) = (thoughts.to_owned(), held.last().and_then(|(_, logprob)| *logprob));
                        *self = Thoughts::Inside(end, String::new());
                        self.push((thoughts, logprob))
                    }
                    None if MARKS.iter().any(|(begin, _)| begin.starts_with(written)) => Vec::new(),
                    None => self.end(),
                }
            }
            Thoughts::Inside(end, tail) => {
                tail.push_str(&piece.0);
                if let Some((_, answer)) = tail.split_once(*end) {
                    let answer = answer.to_owned();
                    *self = Thoughts::Behind;
                    return self.push((answer, piece.1));
                }
                let kept = (0..=tail.len().saturating_sub(end.len())).rev().find(|at| tail.is_char_boundary(*at));
                tail.drain(..kept.unwrap_or(0));
                Vec::new()
            }
        }
    }

    /// The answer ends, so that what was held is a part of it.
    pub(crate) fn end(&mut self) -> Vec<Piece> {
        match std::mem::replace(self, Thoughts::Over) {
            Thoughts::Begin(held) => held,
            inside @ Thoughts::Inside(..) => {
                *self = inside;
                Vec::new()
            }
            Thoughts::Behind | Thoughts::Over => Vec::new(),
        }
    }

    /// Whether the answer is still thoughts.
    pub(crate) fn is_inside(&self) -> bool {
        matches!(self, Thoughts::Inside(..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_at_the_head_are_left_out_however_they_are_split() {
        for (answer, expected, is_inside) in [
            ("a + b", "a + b", false),
            ("<think>\nOkay, é🎉\n</think>\n\na + b", "a + b", false),
            ("\n<think></think>a", "a", false),
            ("<think>Okay", "", true),
            ("<think>Okay</thin", "", true),
            ("<thi", "<thi", false),
            ("[THINK]Okay so the user", "", true),
            ("[THINK]Okay</think>[/THI", "", true),
            ("[THINK]Okay[/THINK]\na + b", "a + b", false),
            ("◁think▷é◁/think▷a", "a", false),
            ("<seed:think>Okay</think></seed:think>a", "a", false),
            ("[THINGS[0]]", "[THINGS[0]]", false),
            ("[", "[", false),
            ("  x", "  x", false),
            ("<thing>a</thing>", "<thing>a</thing>", false),
            ("a <think>b</think>", "a <think>b</think>", false),
        ] {
            for size in [1, 3, 100] {
                let mut thoughts = Thoughts::default();
                let characters: Vec<char> = answer.chars().collect();
                let mut read = Vec::new();
                for piece in characters.chunks(size) {
                    read.extend(thoughts.push((piece.iter().collect(), None)));
                }
                read.extend(thoughts.end());
                let read: String = read.into_iter().map(|(text, _)| text).collect();
                assert_eq!((read.as_str(), thoughts.is_inside()), (expected, is_inside), "{answer:?} by {size}");
            }
        }
    }
}
