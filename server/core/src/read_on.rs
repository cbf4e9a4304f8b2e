//! How far an answer is read on behind the line that is shown first: up to the line where a wanted line costs least. Another line costs its own
//! tokens; asking again costs a whole prompt. It leaves the chance that a line is wanted to the ledger, and cutting lines to `cut`.

use crate::models::Price;
use crate::money::Money;

/// Tokens of a line of code, indentation included: about the mean of public repositories in ten languages.
pub const LINE: u32 = 10;
/// Most lines that are looked at.
const MOST: u32 = 24;
/// Prices up to this factor count as alike. Of answers that cost alike, the longest spares the most waits.
const ALIKE: f64 = 1.015;
/// Where nothing has a price, time counts: a local server reads a prompt ten times as fast as it writes, and has all but this share in its cache.
const FREE: (f64, f64) = (0.25, 10.0);
/// The time that another call takes beside its prompt, in tokens written: a tenth of a second at a hundred tokens a second.
const CALL: f64 = 10.0;

/// The chance that the line after a wanted line is wanted too: a Beta distribution over earlier lines, with a prior worth 20 of them. The prior's
/// mean is what a model reaches that knows three lines of four.
pub fn wanted(shown: f64, taken: f64) -> f64 {
    const PRIOR: (f64, f64) = (0.75, 20.0);
    (taken.min(shown).max(0.0) + PRIOR.0 * PRIOR.1) / (shown.max(0.0) + PRIOR.1)
}

/// The tokens of the answer at which a wanted line costs least; those of one line if no further line pays. `prompt` is the price of asking again, `wanted` the chance that the line after a
/// wanted one is wanted.
///
/// An answer of `n` lines costs the prompt and `n` lines, and holds `1 + wanted + … + wanted^(n-1)` wanted lines.
pub fn tokens(prompt: Money, price: &Price, prompt_tokens: u32, wanted: f64) -> u32 {
    let line = price.cost(0, 0, 0, LINE.into());
    let (prompt, line) = match line > Money::ZERO {
        true => (prompt.usd(), line.usd()),
        false => (CALL + f64::from(prompt_tokens) * FREE.0 / FREE.1, f64::from(LINE)),
    };
    let per_wanted = |lines: u32| {
        let count = (0..lines).fold((0.0, 1.0), |(sum, chance), _| (sum + chance, chance * wanted)).0;
        (prompt + line * f64::from(lines)) / count
    };
    let least = (1..=MOST).map(per_wanted).fold(f64::INFINITY, f64::min);
    let longest = (1..=MOST).rfind(|lines| per_wanted(*lines) <= least * ALIKE);
    longest.unwrap_or(1) * LINE
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
        for (name, input, output, prompt_tokens, chance, expected) in [
            ("a cheap cloud model", 0.15, 0.60, 700, 0.75, 90),
            ("half of the prompt is cached", 0.08, 0.60, 700, 0.75, 70),
            ("a long prompt", 0.15, 0.60, 4000, 0.75, 160),
            ("a short prompt", 0.15, 0.60, 60, 0.75, 30),
            ("output is dear", 0.15, 6.0, 700, 0.75, 30),
            ("lines are rarely wanted", 0.15, 0.60, 700, 0.2, 20),
            ("lines are never wanted", 0.15, 0.60, 700, 0.0, 10),
            ("lines are always wanted", 0.15, 0.60, 700, 1.0, 240),
            ("a model that costs nothing", 0.0, 0.0, 700, 0.75, 40),
            ("a model that costs nothing, and a short prompt", 0.0, 0.0, 16, 0.75, 30),
        ] {
            let price = price(input, output);
            let prompt = price.cost(prompt_tokens.into(), 0, 0, 0);
            let found = tokens(prompt, &price, prompt_tokens, chance);
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn the_chance_of_a_line_moves_from_the_prior_to_what_was_seen() {
        let near = |found: f64, expected: f64| (found - expected).abs() < 0.01;
        assert!(near(wanted(0.0, 0.0), 0.75) && near(wanted(20.0, 5.0), 0.5) && near(wanted(2000.0, 100.0), 0.06));
        assert!(near(wanted(10.0, 90.0), 0.83), "no more lines are taken than are shown");
    }
}
