//! The dearest calls: of each day, and of each model for a task and language, so that a page that filters by either has them. It leaves reading rows
//! to `cube`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::names::Key;

/// Calls of each day and of each model for a task and language.
const KEPT: usize = 20;

/// A dear call. Money is in picodollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dear {
    /// Its names.
    pub key: Key,
    /// When it began, in milliseconds since 1970.
    pub at_ms: i64,
    /// Its status, a word.
    pub status: u16,
    /// Input tokens.
    pub input: i64,
    /// Those of them that the provider's cache had.
    pub cached: i64,
    /// Output tokens.
    pub output: i64,
    /// Its cost.
    pub cost: i64,
    /// How long it took.
    pub total_ms: i64,
}

/// The dearest calls so far.
#[derive(Default)]
pub(super) struct Dearest {
    calls: Vec<Dear>,
    of_days: HashMap<u16, Heap>,
    of_models: HashMap<(u16, u16, u16), Heap>,
}

/// The cheapest of the dearest is on top. A call is named by its place in the list.
type Heap = BinaryHeap<Reverse<(i64, usize)>>;

impl Dearest {
    /// Takes note of a call.
    pub(super) fn add(&mut self, call: Dear) {
        let place = self.calls.len();
        let Key { day, model, task, language, .. } = call.key;
        let of_day = keep(self.of_days.entry(day).or_default(), (call.cost, place));
        let of_model = keep(self.of_models.entry((model, task, language)).or_default(), (call.cost, place));
        if of_day || of_model {
            self.calls.push(call);
        }
    }

    /// The calls, the dearest first.
    pub(super) fn all(self) -> Vec<Dear> {
        let heaps = self.of_days.into_values().chain(self.of_models.into_values());
        let places: HashSet<usize> = heaps.flatten().map(|Reverse((_, place))| place).collect();
        let mut calls: Vec<Dear> = places.into_iter().filter_map(|place| self.calls.get(place).copied()).collect();
        calls.sort_by_key(|call| (Reverse(call.cost), call.at_ms));
        calls
    }
}

/// Keeps a call if it is among the dearest; false if it is not.
fn keep(heap: &mut Heap, call: (i64, usize)) -> bool {
    if heap.len() >= KEPT {
        if heap.peek().is_some_and(|Reverse((cheapest, _))| *cheapest >= call.0) {
            return false;
        }
        heap.pop();
    }
    heap.push(Reverse(call));
    true
}
