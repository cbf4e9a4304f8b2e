//! The protocol's bytes: messages and their order (`serve`, `frames`), positions, ranges and URIs (`convert`), and the client's name and
//! capabilities (`editor`). It leaves handling messages to the server.

pub mod convert;
pub mod editor;
pub mod frames;
pub mod lenient;
pub mod messages;
pub mod notebooks;
pub mod process;
pub mod serve;
