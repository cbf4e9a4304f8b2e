//! Completions that were made already, found again by what stands around the cursor: the same place, typed along, deleted back, and the rest
//! of a longer answer after a part of it was taken. It leaves the clock to the caller and fitting a text to what follows the cursor to `present`.

use std::collections::HashMap;

use lru::LruCache;
use serde::Serialize;

use crate::task::{Task, Tier};

mod place;

pub use place::Place;

/// How long an empty or rejected answer keeps its place from being asked again, in milliseconds.
const NOTHING_MS: u64 = 30_000;
/// Deleted text that is put back in front of an answer at most, in bytes: who deletes more is after something else.
const MAX_DELETED: usize = 40;
/// Lines of an answer at whose starts its rest can be found.
const MAX_LINES: usize = 64;
/// Bytes that an entry takes besides its texts, roughly.
const ENTRY_BYTES: usize = 256;

/// What decided an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What was missing at the cursor.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// The model's name in tables; the embedded model has one too.
    pub model: String,
    /// The model's class: of two answers for a place that of the higher one is shown.
    pub tier: Tier,
    /// The generation of settings it was made under; answers of older ones are not found any more.
    pub generation: u64,
}

/// An answer to remember.
#[derive(Clone, PartialEq)]
pub enum Answer {
    /// A text to insert at the cursor, in the document's own indentation and line breaks.
    Text {
        /// The text.
        text: String,
        /// Probability of being right, 0 to 1.
        probability: f32,
    },
    /// The answer was empty or rejected: asking again soon would be paying twice for it.
    Nothing,
}

/// Who looks for an answer, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The language's name.
    pub language: &'a str,
    /// The generation of settings.
    pub generation: u64,
    /// Milliseconds by any clock that does not go back.
    pub now_ms: u64,
}

/// What was found.
#[derive(Clone, PartialEq)]
pub enum Found {
    /// An answer that fits.
    Hit(Hit),
    /// This very place gave nothing a short while ago.
    Nothing(Decided),
}

/// An answer that fits. What stands before the cursor now, followed by `text`, is what stood there when it was made, followed by the answer.
#[derive(Clone, PartialEq)]
pub struct Hit {
    /// What to insert.
    pub text: String,
    /// What an editor has put behind the cursor by itself while the answer was typed along: closers that the text brings as well, with the
    /// white space before them.
    pub auto_closed: String,
    /// How the cursor's place relates to the one the answer was made for.
    pub relation: Relation,
    /// What decided it.
    pub decided: Decided,
    /// Probability of being right, 0 to 1.
    pub probability: f32,
}

/// How a place relates to the one an answer was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It is the same.
    Same,
    /// So many bytes of the answer were typed or taken since.
    Typed(usize),
    /// So many bytes before the cursor were deleted since; the text puts them back.
    Deleted(usize),
}

/// The answers, within a bound of number and size; the one not used for the longest time goes first.
pub struct Cache {
    entries: LruCache<u64, Entry>,
    /// By the text above a line: the entries that have a line there.
    anchors: HashMap<u64, Vec<Anchor>>,
    next: u64,
    bytes: usize,
    max_entries: usize,
    max_bytes: usize,
}

/// A line of an answer that stands below a given text.
#[derive(Clone, Copy)]
struct Anchor {
    entry: u64,
    /// Offset of the line in the answer; 0 is the cursor's own line.
    line_start: usize,
}

/// How an entry fits a place.
struct Fit {
    relation: Relation,
    /// Bytes after the cursor that an editor has put there by itself.
    auto_closed: usize,
}

struct Entry {
    line_before: String,
    suffix: u64,
    decided: Decided,
    answer: Answer,
    put_ms: u64,
    anchors: Vec<u64>,
}

impl Cache {
    /// An empty cache of at most so many entries and, roughly, bytes.
    pub fn new(max_entries: usize, max_bytes: usize) -> Cache {
        Cache { entries: LruCache::unbounded(), anchors: HashMap::new(), next: 0, bytes: 0, max_entries, max_bytes }
    }

    /// Remembers the answer for a place, instead of an older one of the same model.
    pub fn put(&mut self, place: &Place, decided: Decided, answer: Answer, now_ms: u64) {
        let first = place.anchor(&decided.language, decided.generation);
        let suffix = place.suffix();
        let same = |entry: &Entry| {
            entry.line_before == place.line_before && entry.suffix == suffix && entry.decided.model == decided.model
        };
        let older = self.anchors.get(&first).into_iter().flatten().filter(|anchor| anchor.line_start == 0);
        let older: Vec<u64> = older
            .filter(|anchor| self.entries.peek(&anchor.entry).is_some_and(same))
            .map(|anchor| anchor.entry)
            .collect();
        older.into_iter().for_each(|id| self.remove(id));

        let id = self.next;
        self.next += 1;
        let mut anchors = vec![first];
        self.anchors.entry(first).or_default().push(Anchor { entry: id, line_start: 0 });
        if let Answer::Text { text, .. } = &answer {
            for line_start in place::line_starts(text).take(MAX_LINES) {
                let typed = text.get(..line_start).unwrap_or("");
                let anchor = place.anchor_after(typed, &decided.language, decided.generation);
                self.anchors.entry(anchor).or_default().push(Anchor { entry: id, line_start });
                anchors.push(anchor);
            }
        }
        let entry = Entry { line_before: place.line_before.clone(), suffix, decided, answer, put_ms: now_ms, anchors };
        self.bytes += entry.bytes();
        self.entries.push(id, entry);
        while self.entries.len() > self.max_entries || self.bytes > self.max_bytes {
            let Some((&oldest, _)) = self.entries.peek_lru() else { break };
            self.remove(oldest);
        }
    }

    /// The best answer for a place: of the highest class of model, and of those the newest. Takes microseconds, whatever the document's size.
    pub fn get(&mut self, place: &Place, asked: &Asked<'_>) -> Option<Found> {
        let anchor = place.anchor(asked.language, asked.generation);
        let suffix = place.suffix();
        let fits = |anchor: &Anchor| {
            let entry = self.entries.peek(&anchor.entry)?;
            let fit = entry.fit(anchor.line_start, place, suffix, asked.now_ms)?;
            let rank = (entry.answer != Answer::Nothing, entry.decided.tier, anchor.entry);
            Some((rank, fit))
        };
        let ((_, _, id), fit) = self.anchors.get(&anchor)?.iter().filter_map(fits).max_by_key(|(rank, _)| *rank)?;
        self.entries.get(&id)?.found(fit, place)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.anchors.clear();
        self.bytes = 0;
    }

    /// Number of answers held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn remove(&mut self, id: u64) {
        let Some(entry) = self.entries.pop(&id) else { return };
        self.bytes = self.bytes.saturating_sub(entry.bytes());
        for anchor in entry.anchors {
            if let Some(held) = self.anchors.get_mut(&anchor) {
                held.retain(|anchor| anchor.entry != id);
                if held.is_empty() {
                    self.anchors.remove(&anchor);
                }
            }
        }
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        let text = if let Answer::Text { text, .. } = &self.answer { text.len() } else { 0 };
        ENTRY_BYTES + text + self.line_before.len() + self.anchors.len() * 2 * size_of::<Anchor>()
    }

    /// How a place below the text above one of the answer's lines relates to this entry; `None` if it does not fit.
    fn fit(&self, line_start: usize, place: &Place, suffix: u64, now_ms: u64) -> Option<Fit> {
        let Answer::Text { text, .. } = &self.answer else {
            let same = place.line_before == self.line_before && suffix == self.suffix;
            let fresh = now_ms.saturating_sub(self.put_ms) < NOTHING_MS;
            return (same && fresh && line_start == 0).then_some(Fit { relation: Relation::Same, auto_closed: 0 });
        };
        let own = match line_start {
            0 => self.line_before.as_str(),
            _ => "",
        };
        if let Some(typed_here) = place.line_before.strip_prefix(own) {
            let rest = text.get(line_start..)?.strip_prefix(typed_here)?;
            let typed = text.get(..text.len() - rest.len())?;
            let auto_closed = match suffix == self.suffix {
                true => 0,
                false => place.auto_closed(typed).find(|(_, beyond)| *beyond == self.suffix)?.0,
            };
            let relation = if typed.is_empty() { Relation::Same } else { Relation::Typed(typed.len()) };
            return (!rest.trim().is_empty()).then_some(Fit { relation, auto_closed });
        }
        let deleted = own.strip_prefix(&place.line_before)?;
        let fits = deleted.len() <= MAX_DELETED && suffix == self.suffix;
        fits.then_some(Fit { relation: Relation::Deleted(deleted.len()), auto_closed: 0 })
    }

    fn found(&self, fit: Fit, place: &Place) -> Option<Found> {
        let Fit { relation, auto_closed } = fit;
        let decided = self.decided.clone();
        let Answer::Text { text, probability } = &self.answer else { return Some(Found::Nothing(decided)) };
        let text = match relation {
            Relation::Same => text.clone(),
            Relation::Typed(bytes) => text.get(bytes..)?.to_owned(),
            Relation::Deleted(_) => self.line_before.strip_prefix(&place.line_before)?.to_owned() + text,
        };
        let auto_closed = place.after.get(..auto_closed)?.to_owned();
        Some(Found::Hit(Hit { text, auto_closed, relation, decided, probability: *probability }))
    }
}
