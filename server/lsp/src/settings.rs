//! Settings: from files, the editor and the environment to the values that apply to one document. Layers are read (`layer`), checked against
//! the schema (`schema`), joined (`check`), tightened by a folder's own file (`tighten`), and put in force as a whole (`configuration`).
//! It leaves acting on them to the other folders.

mod authority;
mod check;
mod configuration;
mod cross;
pub mod docs;
mod folder;
mod gather;
mod globs;
mod ignored;
mod joined;
mod layer;
mod notice;
mod opened;
mod patterns;
mod preset;
pub mod prices;
mod repository;
mod rule;
mod rules;
mod schema;
mod scope;
mod secret_files;
mod slips;
mod tighten;
mod types;

pub use configuration::{Configuration, SharedConfiguration};
pub use ignored::is_generated;
pub use layer::{Layer, Origin};
pub use notice::{Holds, Notice, Severity};
pub use opened::{CellNotebooks, Opened};
pub use patterns::said;
pub use rules::Root;
pub use scope::{Scope, Use};
pub use tighten::FILE;
pub use types::{Closed, DocumentLimits, Embedded, Level, Log, Settings, TaskSettings, Telemetry, TriggerMode};

#[cfg(test)]
mod tests;
