//! The open documents: their texts and requests (`session`), full syntax trees (`trees`), marks around parses
//! (`parses`), the order of cells (`notebooks`), and excerpts of recent edits (`recent`).
//! It leaves learning from documents to `learn`, and completing in them to `complete`.

pub mod notebooks;
pub mod parses;
pub mod recent;
pub mod session;
pub mod trees;

pub use notebooks::Cells;
pub use parses::Parses;
pub use recent::Recent;
pub use session::Documents;
