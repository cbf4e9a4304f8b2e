//! Pennyworth speaks to editors: the server, its settings and the command line around what core decides. It keeps the only state there is.
//! It leaves deciding to `pennyworth-core` and speaking to models to `pennyworth-providers`.

pub mod allowances;
pub mod attempt;
pub mod cli;
pub mod command;
pub mod complete;
pub mod convert;
pub mod current;
pub mod discover;
pub mod editor;
pub mod embedded;
pub mod engine;
pub mod frames;
pub mod health;
pub mod index;
pub mod inline;
pub mod keys;
pub mod learn;
pub mod ledger;
pub mod logging;
pub mod look;
pub mod menu;
pub mod outcome;
pub mod parse;
pub mod paths;
pub mod prices;
pub mod progress;
pub mod resources;
pub mod serve;
pub mod server;
pub mod session;
pub mod settings;
pub mod status;
pub mod troubles;
pub mod view;
pub mod workspace;
