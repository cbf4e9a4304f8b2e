//! The learner, shared with the rest of the server: the queue of work, the embedded model, and the progress of reading the workspace.
//! It leaves learning to `thread`.

use super::model::EmbeddedModel;
use super::progress::Watched;
use super::queue::Queue;

/// The embedded model and what teaches it.
pub struct Learner {
    /// The work for the thread.
    pub queue: Queue,
    /// The embedded model.
    pub model: EmbeddedModel,
    /// The progress of reading the workspace.
    pub progress: Watched,
}

impl Learner {
    /// A learner whose model takes up to `memory_mb` megabytes. It learns nothing until its thread starts.
    pub fn new(memory_mb: u32) -> Learner {
        Learner { queue: Queue::default(), model: EmbeddedModel::new(memory_mb), progress: Watched::default() }
    }
}
