//! A lexical scan of code: strings, comments, brackets and words, by a language's facts. It is right on broken code, because it parses nothing.
//! It leaves their meaning to `classify` and `cut`. It takes time linear in the text, so callers pass excerpts.

mod scan;
mod token;

use pennyworth_grammars::Facts;

pub use token::{Kind, Nest, Open, Scan, Token, is_word};

/// Scans a text that begins in code. Markup in it is read as code too, so that a piece of an element is as good as a whole one.
pub fn scan(text: &str, facts: &Facts) -> Scan {
    scan::Scanner::new(text, facts, false).run()
}

/// Scans a text that begins in code, and recognises tags and elements of markup if the language has them.
pub fn scan_tags(text: &str, facts: &Facts) -> Scan {
    scan::Scanner::new(text, facts, facts.tags).run()
}

#[cfg(test)]
mod tests;
