//! What the editor shows: completions inline (`inline`) and in the menu (`menu`), code actions, commands, status, and the suggestions on the
//! screen. It leaves completing to `complete`, and the text of reports to `reports`.

pub mod actions;
pub mod commands;
pub mod demand;
pub mod desk;
pub mod faults;
pub mod findings;
pub mod inline;
pub mod menu;
mod nothing;
mod price;
pub mod queue;
mod results;
pub mod scratch;
mod screen;
pub mod status;
mod suggestions;
mod taken;
mod texts;

pub use suggestions::Suggestions;
pub use texts::Texts;
