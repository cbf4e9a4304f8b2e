//! How a model is asked for less money when nobody waits for its answer. It leaves queueing what is asked later to the server.

use serde::Serialize;

use super::model::Model;
use super::price::{Price, WeekHour};

/// How a model is asked for less by tomorrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Later {
    /// In a batch of its provider.
    Batch,
    /// By a call of its own, in this many hours, when its price is lower.
    OffPeak(u8),
}

impl Model {
    /// How it is asked by tomorrow and at what price; `None` if waiting saves nothing.
    pub fn later(&self, now: WeekHour) -> Option<(Later, Price)> {
        if self.batch.is_some() {
            return Some((Later::Batch, self.price.of_batch()));
        }
        let (hours, price) = self.price.off_peak_from(now).filter(|(hours, _)| *hours > 0)?;
        Some((Later::OffPeak(hours), price))
    }
}
