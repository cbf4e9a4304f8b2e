//! Cases, evaluations and fakes that the tests of the whole program share.

pub mod cuts;
pub mod editor;
pub mod extent;
pub mod fake_provider;
pub mod fuzz;
pub mod sources;
