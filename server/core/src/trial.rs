//! Trials: holes cut into a user's own files, what each model answers there, and how sure the figures are. It leaves reading files and asking models to
//! the server.

pub mod holes;
pub mod marks;
pub mod score;

pub use holes::{Hole, holes, mixed, stratified};
pub use marks::{Marks, marks};
pub use score::{Answer, Difference, Estimate, Figures, compare};
