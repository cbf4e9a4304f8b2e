//! Reports for the command line and the editors: text for users, and JSON for programs.
//! It leaves collecting facts to the ledger, the stages and the settings, and printing to `cli` and `surface`.

pub mod advice;
pub mod check;
pub mod completed;
pub mod dashboard;
pub mod explain;
pub mod learned;
pub mod models;
pub mod stats;
pub mod trial;
pub mod words;
