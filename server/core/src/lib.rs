//! What Pennyworth decides, as values in and values out: text, syntax, class, gate, budget, prompt, route, plan, cut and cache.
//! It does no IO, knows no clock and no protocol; it cannot fail except by saying "nothing".

pub mod lex;
pub mod task;
pub mod text;
