//! How far an answer is read on behind the line that is shown first: up to the line where a wanted line costs least. Another line costs its own
//! tokens; asking again costs a whole prompt, and a wait. It leaves the chance that a line is wanted to the ledger, and cutting lines to `cut`.

use serde::Serialize;

use crate::models::Price;
use crate::money::Money;

/// Tokens of a line of code, indentation included: about the mean of public repositories in ten languages. How a model counts is learned.
pub const LINE: u32 = 10;
/// Lines that this mean is worth beside those that were counted.
const LINES: f64 = 20.0;
/// Most lines that are looked at.
const MOST: u32 = 24;
/// Prices up to this factor count as alike. Of answers that cost alike, the longest spares the most waits.
const ALIKE: f64 = 1.05;
/// Where nothing has a price, time counts: a local server reads a prompt ten times as fast as it writes, and has all but this share in its cache.
const FREE: (f64, f64) = (0.25, 10.0);
/// The time that another call takes beside its prompt, in tokens written: a tenth of a second at a hundred tokens a second.
const CALL: f64 = 10.0;

/// How far an answer is read on, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReadOn {
    /// Lines at which a wanted line costs least; one if no further line pays.
    pub lines: u32,
    /// Tokens of a line.
    pub line_tokens: u32,
    /// The chance that the line after a wanted one is wanted, too.
    pub wanted: f64,
}

impl ReadOn {
    /// The tokens that hold the lines. The ceiling comes in the middle of a line, on average, and that one is dropped.
    pub fn ceiling(&self) -> u32 {
        self.lines * self.line_tokens + self.line_tokens / 2
    }
}

/// The chance that the line after a wanted line is wanted too: a Beta distribution over earlier lines, with a prior worth 20 of them. The prior's
/// mean is what a model reaches that knows three lines of four.
pub fn wanted(shown: f64, taken: f64) -> f64 {
    const PRIOR: (f64, f64) = (0.75, 20.0);
    (taken.min(shown).max(0.0) + PRIOR.0 * PRIOR.1) / (shown.max(0.0) + PRIOR.1)
}

/// Tokens of a line as a model counts them, by lines that it wrote and their tokens.
pub fn line_tokens(lines: f64, tokens: f64) -> u32 {
    let mean = (tokens.max(0.0) + f64::from(LINE) * LINES) / (lines.max(0.0) + LINES);
    (mean.round() as u32).clamp(LINE / 2, LINE * 4)
}

/// The lines of the answer at which a wanted line costs least; one if no further line pays. `again` is what asking again costs, the prompt and the
/// wait, `wanted` the chance that the line after a wanted one is wanted, and `line` the tokens of a line.
///
/// An answer of `n` lines costs the prompt and `n` lines, and holds `1 + wanted + … + wanted^(n-1)` wanted lines.
pub fn lines(again: Money, price: &Price, prompt_tokens: u32, wanted: f64, line: u32) -> u32 {
    let written = price.cost(0, 0, 0, line.into());
    let (again, line) = match written > Money::ZERO {
        true => (again.usd(), written.usd()),
        false => (CALL + f64::from(prompt_tokens) * FREE.0 / FREE.1, f64::from(line)),
    };
    let per_wanted = |lines: u32| {
        let count = (0..lines).fold((0.0, 1.0), |(sum, chance), _| (sum + chance, chance * wanted)).0;
        (again + line * f64::from(lines)) / count
    };
    let least = (1..=MOST).map(per_wanted).fold(f64::INFINITY, f64::min);
    let longest = (1..=MOST).rfind(|lines| per_wanted(*lines) <= least * ALIKE);
    longest.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A price in US dollars per million tokens of input and of output.
    fn price(input: f64, output: f64) -> Price {
        let [input, output] = [input, output].map(Money::per_token);
        let (cached, write, as_of) = (input, input, "2026-11-29".to_owned());
        Price { input, cached, write, write_long: None, output, batch: None, as_of, off_peak: None }
    }

    #[test]
    fn the_dearer_the_prompt_and_the_surer_the_lines_the_further_is_read() {
        for (name, input, output, prompt_tokens, chance, line, expected) in [
            ("a cheap cloud model", 0.15, 0.60, 700, 0.75, 10, 10),
            ("a model to which a line is more tokens", 0.15, 0.60, 700, 0.75, 18, 8),
            ("half of the prompt is cached", 0.08, 0.60, 700, 0.75, 10, 8),
            ("a long prompt", 0.15, 0.60, 4000, 0.75, 10, 21),
            ("a short prompt", 0.15, 0.60, 60, 0.75, 10, 4),
            ("output is dear", 0.15, 6.0, 700, 0.75, 10, 4),
            ("lines are rarely wanted", 0.15, 0.60, 700, 0.2, 10, 3),
            ("lines are never wanted", 0.15, 0.60, 700, 0.0, 10, 1),
            ("lines are always wanted", 0.15, 0.60, 700, 1.0, 10, 24),
            ("a model that costs nothing", 0.0, 0.0, 700, 0.75, 10, 5),
            ("a model that costs nothing, and a short prompt", 0.0, 0.0, 16, 0.75, 10, 3),
        ] {
            let price = price(input, output);
            let prompt = price.cost(prompt_tokens.into(), 0, 0, 0);
            assert_eq!(lines(prompt, &price, prompt_tokens, chance, line), expected, "{name}");
        }
    }

    #[test]
    fn the_ceiling_leaves_room_for_the_line_that_it_cuts_off() {
        let ceiling = |(lines, line_tokens)| ReadOn { lines, line_tokens, wanted: 0.75 }.ceiling();
        assert_eq!([(1, 10), (9, 10), (8, 15)].map(ceiling), [15, 95, 127]);
    }

    #[test]
    fn the_tokens_of_a_line_move_from_the_usual_to_what_a_model_writes() {
        assert_eq!(
            [(0.0, 0.0), (20.0, 400.0), (2000.0, 36_000.0)].map(|(lines, tokens)| line_tokens(lines, tokens)),
            [10, 15, 18]
        );
        assert_eq!(
            [(1e6, 1e9), (1e6, 0.0)].map(|(lines, tokens)| line_tokens(lines, tokens)),
            [40, 5],
            "a line is a line"
        );
    }

    #[test]
    fn the_chance_of_a_line_moves_from_the_prior_to_what_was_seen() {
        let near = |found: f64, expected: f64| (found - expected).abs() < 0.01;
        assert!(near(wanted(0.0, 0.0), 0.75) && near(wanted(20.0, 5.0), 0.5) && near(wanted(2000.0, 100.0), 0.06));
        assert!(near(wanted(10.0, 90.0), 0.83), "no more lines are taken than are shown");
    }
}
