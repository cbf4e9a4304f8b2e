//! The models that may be asked, their prices and their prompt formats: rows of `tables/formats.toml`, `tables/models.toml` and the user's
//! file. It leaves writing prompts to `prompt` and choosing a model to `route`.

mod built;
mod format;
mod later;
mod load;
mod model;
mod price;
mod prior;
mod rows;
mod table;
mod template;

pub use built::MAX_NAME;
pub use format::{Format, Shape};
pub use later::Later;
pub use load::Problem;
pub use model::{AbortBilled, BatchProtocol, Model, Protocol, is_key_name, is_loopback, names_a_cloud};
pub use price::{OffPeak, Price, WeekHour};
pub use prior::Prior;
pub use rows::{FormatRow, ModelRow, PriceRow, Rows};
pub use table::{KnownServer, Models};
pub use template::{Piece, Template};

#[cfg(test)]
mod tests;
