//! Pennyworth's decisions, values in and values out: text, syntax, class, gate, budget, prompt, route, plan, cut and cache.
//! It does no IO and knows no clock and no protocol. It cannot fail except by returning nothing.

pub mod budget;
pub mod cache;
pub mod caps;
pub mod classify;
pub mod confidence;
pub mod cut;
pub mod demand;
pub mod gate;
pub mod guard;
pub mod interval;
pub mod lex;
pub mod mask;
pub mod models;
pub mod money;
pub mod plan;
pub mod present;
pub mod prompt;
pub mod read_on;
pub mod route;
pub mod syntax;
pub mod task;
pub mod text;
pub mod tokens;
pub mod trial;
pub mod uptake;
pub mod wait;
