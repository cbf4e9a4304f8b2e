//! Fakes, sources and measures that the tests and evaluations of the whole program share.

pub mod asking;
pub mod busy;
pub mod crashes;
pub mod cuts;
pub mod editor;
pub mod extent;
pub mod fake_batches;
pub mod fake_provider;
pub mod fuzz;
pub mod garble;
pub mod imports;
pub mod looser;
pub mod paid;
pub mod planted;
pub mod project;
pub mod queued;
pub mod random;
pub mod scales;
pub mod soak;
pub mod sources;
pub mod stops;
pub mod until;
