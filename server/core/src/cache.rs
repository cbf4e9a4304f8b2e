//! A cache of completions, found by the text around the cursor: at the same place, after typing along, after deleting back, and as the rest of a
//! longer answer after a part was accepted. It leaves the clock to the caller, and fitting a text to what follows the cursor to `present`.

use std::collections::HashMap;

use lru::LruCache;
use serde::Serialize;

use crate::task::{Task, Tier};

mod dismissed;
mod place;

pub use place::Place;

/// Milliseconds during which no model is asked again at a place that gave an empty or rejected answer.
const NOTHING_MS: u64 = 30_000;
/// Most bytes of deleted text put back in front of an answer: a user who deletes more wants something else.
const MAX_DELETED: usize = 40;
/// Most lines of an answer at whose starts the rest can be found.
const MAX_LINES: usize = 64;
/// Bytes of an entry besides its texts, roughly.
const ENTRY_BYTES: usize = 256;

/// The decisions behind an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The task at the cursor.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// The model's name in tables; the embedded model has one too.
    pub model: String,
    /// The model's tier: of two answers for a place, that of the higher tier is shown.
    pub tier: Tier,
    /// The generation of settings it was made under; answers of older generations are not found.
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
    /// A text that fits, but is too improbable to be shown to a user who only types. For a while it is shown to one who asks.
    Unsure {
        /// The text.
        text: String,
        /// Probability of being right, 0 to 1.
        probability: f32,
    },
    /// The answer was empty or rejected. Asking again soon would pay twice for it.
    Nothing,
    /// The whole lines of an answer that is read on, in the document's own indentation and line breaks. What of it fits at a place is cut there.
    Lines {
        /// The text. Each of its lines ends with a line break, but for the last line of an answer that ended.
        text: String,
        /// Whether more lines may come.
        is_open: bool,
    },
    /// A text that the user dismissed. For a while it is not shown here to a user who only types, whoever says it.
    Dismissed {
        /// The text.
        text: String,
    },
}

/// The terms of a lookup.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// The language's name.
    pub language: &'a str,
    /// The generation of settings.
    pub generation: u64,
    /// Whether the user asks with a key, and so wants to see unsure answers too.
    pub by_key: bool,
    /// Texts that are not wanted, because the user has seen them here and asks for another.
    pub not: &'a [String],
    /// Milliseconds of any monotonic clock.
    pub now_ms: u64,
}

/// The result of a lookup.
#[derive(Clone, PartialEq)]
pub enum Found {
    /// An answer that fits.
    Hit(Hit),
    /// This very place gave nothing a short while ago.
    Nothing(Decided),
}

/// An answer that fits: the text before the cursor plus `text` equals the text before the original cursor plus the answer.
#[derive(Clone, PartialEq)]
pub struct Hit {
    /// What to insert.
    pub text: String,
    /// Closers that an editor inserted behind the cursor while the answer was typed, with the white space before them. `text` brings them as well.
    pub auto_closed: String,
    /// How the cursor's place relates to the one the answer was made for.
    pub relation: Relation,
    /// The decisions behind it.
    pub decided: Decided,
    /// Probability of being right, 0 to 1.
    pub probability: f32,
}

/// The rest of an answer that is read on.
#[derive(Clone, PartialEq)]
pub struct Rest {
    /// The text, not cut to what fits.
    pub text: String,
    /// The decisions behind the answer.
    pub decided: Decided,
    /// Whether more lines may come.
    pub is_open: bool,
}

/// How a place relates to the one an answer was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// It is the same.
    Same,
    /// So many bytes of the answer were typed or accepted since.
    Typed(usize),
    /// So many bytes before the cursor were deleted since; the text puts them back.
    Deleted(usize),
}

/// An LRU cache of answers, bounded in number and size.
pub struct Cache {
    entries: LruCache<u64, Entry>,
    /// By a hash of the text above a line: the entries that have a line there.
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
    /// Bytes after the cursor that an editor inserted.
    auto_closed: usize,
}

/// An entry that fits a place.
struct Fitting {
    rank: Rank,
    id: u64,
    fit: Fit,
}

/// The order of entries that fit a place, the best last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Whether there is a text to show.
    is_text: bool,
    /// Whether it fits without deleted text.
    is_exact: bool,
    /// Whether it is probable enough to be shown to anybody.
    is_sure: bool,
    tier: Tier,
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

    /// Stores the answer for a place, in place of an older one of the same model.
    pub fn put(&mut self, place: &Place, decided: Decided, answer: Answer, now_ms: u64) {
        let first = place.anchor(&decided.language, decided.generation);
        let suffix = place.suffix();
        let same = |entry: &Entry| {
            entry.line_before == place.line_before
                && entry.suffix == suffix
                && entry.decided.model == decided.model
                && answer.replaces(&entry.answer)
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
        if let Some(text) = answer.anchored() {
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

    /// The best answer for a place. What fits exactly goes before what needs deleted text back; then the higher tier wins, then the newer. A
    /// longer answer of a higher tier that says the same first goes before all. Takes microseconds, whatever the document's size.
    pub fn get(&mut self, place: &Place, asked: &Lookup<'_>) -> Option<Found> {
        let anchor = place.anchor(asked.language, asked.generation);
        let suffix = place.suffix();
        let fitting = |anchor: &Anchor| {
            let entry = self.entries.peek(&anchor.entry)?;
            let fit = entry.fit(anchor.line_start, place, suffix, asked)?;
            Some(Fitting { rank: entry.rank(&fit, asked), id: anchor.entry, fit })
        };
        let mut all: Vec<Fitting> = self.anchors.get(&anchor)?.iter().filter_map(fitting).collect();
        all.sort_by_key(|fitting| std::cmp::Reverse((fitting.rank, fitting.id)));
        let dismissed = self.dismissed(place, asked);
        let found = |fitting: &Fitting| {
            let found = self.entries.peek(&fitting.id)?.found(&fitting.fit, place, asked);
            found.filter(|found| !found.is_among(&dismissed))
        };
        let (best, best_found) = all.iter().find_map(|fitting| Some((fitting, found(fitting)?)))?;
        let longer = all.iter().filter(|fitting| fitting.rank.tier > best.rank.tier).find_map(|fitting| {
            let longer = found(fitting)?;
            longer.goes_on(&best_found).then_some((fitting.id, longer))
        });
        let (id, found) = longer.unwrap_or((best.id, best_found));
        self.entries.promote(&id);
        Some(found)
    }

    /// The rest of an answer that is read on, behind what was typed or taken of it; the newest that fits. It is not cut yet.
    pub fn lines(&mut self, place: &Place, asked: &Lookup<'_>) -> Option<Rest> {
        let anchor = place.anchor(asked.language, asked.generation);
        let suffix = place.suffix();
        let rest = |anchor: &Anchor| {
            let entry = self.entries.peek(&anchor.entry)?;
            Some((anchor.entry, entry.rest(anchor.line_start, place, suffix)?))
        };
        let (id, rest) = self.anchors.get(&anchor)?.iter().filter_map(rest).max_by_key(|(id, _)| *id)?;
        self.entries.promote(&id);
        Some(rest)
    }

    /// The models that gave nothing at this very place a short while ago.
    pub fn gave_nothing(&self, place: &Place, asked: &Lookup<'_>) -> Vec<&str> {
        let (anchor, suffix) = (place.anchor(asked.language, asked.generation), place.suffix());
        let gave_nothing = |anchor: &Anchor| {
            let entry = self.entries.peek(&anchor.entry).filter(|entry| entry.answer == Answer::Nothing)?;
            entry.fit(anchor.line_start, place, suffix, asked).map(|_| entry.decided.model.as_str())
        };
        self.anchors.get(&anchor).into_iter().flatten().filter_map(gave_nothing).collect()
    }

    /// How many answers on the line of a place were nothing a short while ago.
    pub fn nothings(&self, place: &Place, asked: &Lookup<'_>) -> usize {
        let anchor = place.anchor(asked.language, asked.generation);
        let all = self.anchors.get(&anchor).into_iter().flatten();
        let entries = all.filter_map(|anchor| self.entries.peek(&anchor.entry));
        entries.filter(|entry| entry.answer == Answer::Nothing && entry.is_fresh(asked.now_ms)).count()
    }

    /// The models whose answers for this very place are here.
    pub fn answered(&self, place: &Place, asked: &Lookup<'_>) -> Vec<&str> {
        let (anchor, suffix) = (place.anchor(asked.language, asked.generation), place.suffix());
        let answered = |anchor: &Anchor| {
            let entry = self.entries.peek(&anchor.entry).filter(|entry| entry.answer.text().is_some())?;
            let fit = entry.fit(anchor.line_start, place, suffix, asked)?;
            (fit.relation == Relation::Same).then_some(entry.decided.model.as_str())
        };
        self.anchors.get(&anchor).into_iter().flatten().filter_map(answered).collect()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.anchors.clear();
        self.bytes = 0;
    }

    /// Forgets the answers of a model.
    pub fn forget(&mut self, model: &str) {
        let of_model = |(id, entry): (&u64, &Entry)| (entry.decided.model == model).then_some(*id);
        let ids: Vec<u64> = self.entries.iter().filter_map(of_model).collect();
        ids.into_iter().for_each(|id| self.remove(id));
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
        ENTRY_BYTES
            + self.answer.anchored().map_or(0, str::len)
            + self.line_before.len()
            + self.anchors.len() * 2 * size_of::<Anchor>()
    }

    /// Whether it was put here so short a while ago that its model would say the same again.
    fn is_fresh(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.put_ms) < NOTHING_MS
    }

    /// How this entry fits a place below the text above one of the answer's lines; `None` if it does not fit.
    fn fit(&self, line_start: usize, place: &Place, suffix: u64, asked: &Lookup<'_>) -> Option<Fit> {
        let is_lasting = matches!(self.answer, Answer::Text { .. });
        if matches!(self.answer, Answer::Lines { .. } | Answer::Dismissed { .. }) {
            return None;
        }
        if !is_lasting && !self.is_fresh(asked.now_ms) {
            return None;
        }
        let Some((text, _)) = self.answer.shown(asked) else {
            let same = place.line_before == self.line_before && suffix == self.suffix;
            return (same && line_start == 0).then_some(Fit { relation: Relation::Same, auto_closed: 0 });
        };
        self.relate(text, line_start, place, suffix)
    }

    /// How a text of this entry, below the text above one of its lines, fits a place.
    fn relate(&self, text: &str, line_start: usize, place: &Place, suffix: u64) -> Option<Fit> {
        let own = match line_start {
            0 => self.line_before.as_str(),
            _ => "",
        };
        if place.line_before.starts_with(own) {
            return self.typed(text, line_start, place, suffix);
        }
        let deleted = own.strip_prefix(&place.line_before)?;
        let fits = deleted.len() <= MAX_DELETED && suffix == self.suffix;
        fits.then_some(Fit { relation: Relation::Deleted(deleted.len()), auto_closed: 0 })
    }

    /// How a place fits a text of this entry of which a part was typed.
    fn typed(&self, text: &str, line_start: usize, place: &Place, suffix: u64) -> Option<Fit> {
        let own = if line_start == 0 { self.line_before.as_str() } else { "" };
        let rest = text.get(line_start..)?.strip_prefix(place.line_before.strip_prefix(own)?)?;
        let typed = text.get(..text.len() - rest.len())?;
        let auto_closed = match suffix == self.suffix {
            true => 0,
            false => place.auto_closed(typed).find(|(_, beyond)| *beyond == self.suffix)?.0,
        };
        let relation = if typed.is_empty() { Relation::Same } else { Relation::Typed(typed.len()) };
        (!rest.trim().is_empty()).then_some(Fit { relation, auto_closed })
    }

    /// The rest of an answer that is read on, at a place below the text above one of its lines.
    fn rest(&self, line_start: usize, place: &Place, suffix: u64) -> Option<Rest> {
        let Answer::Lines { text, is_open } = &self.answer else { return None };
        let Fit { relation, .. } = self.typed(text, line_start, place, suffix)?;
        let typed = if let Relation::Typed(bytes) = relation { bytes } else { 0 };
        Some(Rest { text: text.get(typed..)?.to_owned(), decided: self.decided.clone(), is_open: *is_open })
    }

    fn rank(&self, fit: &Fit, asked: &Lookup<'_>) -> Rank {
        Rank {
            is_text: self.answer.shown(asked).is_some(),
            is_exact: !matches!(fit.relation, Relation::Deleted(_)),
            is_sure: matches!(self.answer, Answer::Text { .. }),
            tier: self.decided.tier,
        }
    }

    fn found(&self, fit: &Fit, place: &Place, asked: &Lookup<'_>) -> Option<Found> {
        let Fit { relation, auto_closed } = *fit;
        let decided = self.decided.clone();
        let Some((text, probability)) = self.answer.shown(asked) else { return Some(Found::Nothing(decided)) };
        let text = self.from(text, relation, place)?;
        if asked.not.contains(&text) {
            return None;
        }
        let auto_closed = place.after.get(..auto_closed)?.to_owned();
        Some(Found::Hit(Hit { text, auto_closed, relation, decided, probability }))
    }

    /// A text of this entry as it goes on at a place.
    fn from(&self, text: &str, relation: Relation, place: &Place) -> Option<String> {
        Some(match relation {
            Relation::Same => text.to_owned(),
            Relation::Typed(bytes) => text.get(bytes..)?.to_owned(),
            Relation::Deleted(_) => self.line_before.strip_prefix(&place.line_before)?.to_owned() + text,
        })
    }
}

impl Answer {
    /// The same answer with another text, if it has one.
    pub fn map(self, change: impl FnOnce(&str) -> String) -> Answer {
        match self {
            Answer::Text { text, probability } => Answer::Text { text: change(&text), probability },
            Answer::Unsure { text, probability } => Answer::Unsure { text: change(&text), probability },
            Answer::Nothing => Answer::Nothing,
            Answer::Lines { text, is_open } => Answer::Lines { text: change(&text), is_open },
            Answer::Dismissed { text } => Answer::Dismissed { text: change(&text) },
        }
    }

    /// The text and its probability, if there is a text.
    fn text(&self) -> Option<(&str, f32)> {
        match self {
            Answer::Text { text, probability } | Answer::Unsure { text, probability } => Some((text, *probability)),
            Answer::Nothing | Answer::Lines { .. } | Answer::Dismissed { .. } => None,
        }
    }

    /// The text at whose lines the rest can be found, if there is one.
    fn anchored(&self) -> Option<&str> {
        match self {
            Answer::Text { text, .. }
            | Answer::Unsure { text, .. }
            | Answer::Lines { text, .. }
            | Answer::Dismissed { text } => Some(text),
            Answer::Nothing => None,
        }
    }

    /// Whether it makes an older one of the same model and place worthless.
    fn replaces(&self, older: &Answer) -> bool {
        match (self, older) {
            (Answer::Lines { .. }, Answer::Lines { .. }) => true,
            (Answer::Dismissed { text }, Answer::Dismissed { text: older }) => text == older,
            (Answer::Lines { .. } | Answer::Dismissed { .. }, _) => false,
            (_, older) => !matches!(older, Answer::Lines { .. } | Answer::Dismissed { .. }),
        }
    }

    /// The same, if it may be shown to this request.
    fn shown(&self, asked: &Lookup<'_>) -> Option<(&str, f32)> {
        self.text().filter(|_| asked.by_key || matches!(self, Answer::Text { .. }))
    }
}

impl Found {
    /// Whether this says what another answer says, and more.
    fn goes_on(&self, other: &Found) -> bool {
        match (self, other) {
            (Found::Hit(longer), Found::Hit(shorter)) => {
                let begins = longer.text.strip_prefix(shorter.text.trim_end());
                begins.is_some_and(|rest| !rest.trim().is_empty()) && longer.auto_closed == shorter.auto_closed
            }
            _ => false,
        }
    }
}
