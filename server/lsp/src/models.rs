//! The state of models and their providers while the server runs: health, rate limits, keys, warmth, and model servers found on this
//! machine. It leaves rows and prices to `core::models`, and calling a model to `complete`.

pub mod allowances;
pub mod contexts;
pub mod discover;
pub mod found;
pub mod health;
pub mod keys;
mod listeners;
pub mod providers;
pub mod thinking;
pub mod troubles;
pub mod warmth;

pub use providers::Providers;
