//! Cases, evaluations and fakes that the tests of the whole program share.

pub mod fake_provider;
