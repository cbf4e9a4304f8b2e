//! Why nothing was suggested, by how often that was so. It leaves counting to the ledger, and what a reason says to `complete::silence`.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::table::share;
use crate::complete::silence;
use crate::ledger::{Replies, Source};

/// Most reasons that are printed.
const SHOWN: usize = 8;

/// What requests got.
#[derive(Debug, Default, Serialize)]
pub struct Silences {
    /// Requests of editors.
    requests: u64,
    /// Those of them that got no suggestion.
    silent: u64,
    /// Why, the most frequent reason first.
    reasons: Vec<Counted>,
}

#[derive(Debug, Serialize)]
struct Counted {
    reason: String,
    said: &'static str,
    requests: u64,
}

impl Silences {
    /// Adds up what requests got.
    pub fn of(replies: &[Replies]) -> Silences {
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        let is_silent = |replies: &&Replies| Source::ALL.iter().all(|source| source.name() != replies.reply);
        for replies in replies.iter().filter(is_silent) {
            *reasons.entry(&replies.reply).or_default() += replies.count;
        }
        let counted = |(reason, requests): (&str, u64)| Counted {
            reason: reason.to_owned(),
            said: silence::of(reason).map_or("a newer program knows why", |silence| silence.said),
            requests,
        };
        let mut reasons: Vec<Counted> = reasons.into_iter().map(counted).collect();
        reasons.sort_by_key(|counted| std::cmp::Reverse(counted.requests));
        Silences {
            requests: replies.iter().map(|replies| replies.count).sum(),
            silent: reasons.iter().map(|counted| counted.requests).sum(),
            reasons,
        }
    }

    /// Prints the most frequent reasons; nothing if there are none.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Silences { requests, silent, reasons } = self;
        if reasons.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{silent} of {requests} requests got no suggestion, most of them because:\n")?;
        for Counted { said, requests, .. } in reasons.iter().take(SHOWN) {
            writeln!(out, "{:>6} {said}", share(*requests, *silent).unwrap_or_default())?;
        }
        Ok(())
    }
}
