//! The vocabulary: each distinct token has one number while a text uses it, and is found by its text or its first letters.
//! It counts uses and frees unused tokens; the places of the uses are left to the stores.

use crate::tokens::{FIRST_WORD, hash};

/// Bytes of text kept inside an entry; longer texts get a box of their own.
const SHORT: usize = 22;
/// Bytes by which words are found from a typed part.
pub(crate) const STEM: usize = 3;
const STEMS: usize = 1 << 14;
const NONE: u32 = u32::MAX;

#[derive(Debug)]
enum Text {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

impl Text {
    fn new(text: &str) -> Text {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Text::Short(text.len() as u8, bytes)
            }
            None => Text::Long(text.as_bytes().into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Text::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Text::Long(bytes) => bytes,
        }
    }

    fn heap(&self) -> usize {
        match self {
            Text::Short(..) => 0,
            Text::Long(bytes) => bytes.len() + 16,
        }
    }
}

#[derive(Debug)]
struct Entry {
    text: Text,
    hash: u32,
    uses: u32,
    /// Neighbours among the words with the same stem.
    next: u32,
    prev: u32,
}

/// All tokens in use, numbered from [`FIRST_WORD`].
#[derive(Debug)]
pub(crate) struct Vocab {
    entries: Vec<Entry>,
    free: Vec<u32>,
    /// Open addressing, linear probing: entry + 1, 0 for an empty place.
    index: Vec<u32>,
    stems: Vec<u32>,
    live: usize,
    heap: usize,
}

impl Vocab {
    /// An empty vocabulary with room for about `expected` tokens; unused room costs no memory.
    pub(crate) fn new(expected: usize) -> Vocab {
        let places = (expected * 2).next_power_of_two().max(1024);
        Vocab {
            entries: Vec::with_capacity(expected),
            free: Vec::new(),
            index: vec![0; places],
            stems: vec![0; STEMS],
            live: 0,
            heap: 0,
        }
    }

    /// Distinct tokens in use.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>()
            + (self.index.len() + self.stems.len() + self.free.len()) * 4
            + self.heap
    }

    /// The number of a token in use.
    pub(crate) fn find(&self, text: &str) -> Option<u32> {
        self.locate(text, hash(text)).ok().map(|place| self.at(place) + FIRST_WORD)
    }

    /// Counts one more use of a token. Returns its number, a new one if needed.
    pub(crate) fn acquire(&mut self, text: &str, hash: u32) -> u32 {
        let place = match self.locate(text, hash) {
            Ok(place) => {
                let entry = self.at(place);
                self.retain(entry + FIRST_WORD);
                return entry + FIRST_WORD;
            }
            Err(place) => place,
        };
        let text = Text::new(text);
        self.heap += text.heap();
        self.live += 1;
        let fresh = Entry { text, hash, uses: 1, next: NONE, prev: NONE };
        let entry = match self.free.pop() {
            Some(entry) => {
                if let Some(old) = self.entries.get_mut(entry as usize) {
                    *old = fresh;
                }
                entry
            }
            None => {
                self.entries.push(fresh);
                self.entries.len() as u32 - 1
            }
        };
        self.set(place, entry + 1);
        self.join(entry);
        if self.live * 4 > self.index.len() * 3 {
            self.grow();
        }
        entry + FIRST_WORD
    }

    /// Counts one more use of a token in use; line breaks are not counted.
    pub(crate) fn retain(&mut self, number: u32) {
        if let Some(entry) = self.entry_mut(number) {
            entry.uses = entry.uses.saturating_add(1);
        }
    }

    /// Removes one use; the last one frees the number.
    pub(crate) fn release(&mut self, number: u32) {
        let Some(entry) = self.entry_mut(number) else { return };
        entry.uses = entry.uses.saturating_sub(1);
        if entry.uses > 0 {
            return;
        }
        let number = number - FIRST_WORD;
        self.leave(number);
        self.unindex(number);
        if let Some(entry) = self.entries.get_mut(number as usize) {
            self.heap -= entry.text.heap();
            entry.text = Text::Short(0, [0; SHORT]);
        }
        self.live -= 1;
        self.free.push(number);
    }

    /// The text of a token; empty for line breaks.
    pub(crate) fn text(&self, number: u32) -> &[u8] {
        self.entry(number).map_or(&[], |entry| entry.text.bytes())
    }

    /// How often all learned texts use it.
    pub(crate) fn uses(&self, number: u32) -> u32 {
        self.entry(number).map_or(0, |entry| entry.uses)
    }

    /// Words that start with `part` (at least [`STEM`] bytes), the newest first.
    pub(crate) fn words<'a>(&'a self, part: &'a [u8]) -> impl Iterator<Item = u32> + 'a {
        let first = stem(part).and_then(|stem| self.stems.get(stem)).map_or(NONE, |head| head.wrapping_sub(1));
        std::iter::successors(Some(first), |entry| Some(self.entries.get(*entry as usize)?.next))
            .take_while(|entry| *entry != NONE)
            .filter(move |entry| self.entries.get(*entry as usize).is_some_and(|e| e.text.bytes().starts_with(part)))
            .map(|entry| entry + FIRST_WORD)
    }

    fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(number.checked_sub(FIRST_WORD)? as usize)
    }

    fn entry_mut(&mut self, number: u32) -> Option<&mut Entry> {
        self.entries.get_mut(number.checked_sub(FIRST_WORD)? as usize)
    }

    fn at(&self, place: usize) -> u32 {
        self.index.get(place).copied().unwrap_or(0).wrapping_sub(1)
    }

    fn set(&mut self, place: usize, value: u32) {
        if let Some(at) = self.index.get_mut(place) {
            *at = value;
        }
    }

    /// The place of the token, or the empty place where it would go.
    fn locate(&self, text: &str, hash: u32) -> Result<usize, usize> {
        let mask = self.index.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let entry = self.at(place);
            let Some(found) = self.entries.get(entry as usize) else { return Err(place) };
            if found.hash == hash && found.text.bytes() == text.as_bytes() {
                return Ok(place);
            }
            place = (place + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let mask = self.index.len() * 2 - 1;
        let old = std::mem::replace(&mut self.index, vec![0; mask + 1]);
        for value in old.into_iter().filter(|value| *value != 0) {
            let hash = self.entries.get(value as usize - 1).map_or(0, |entry| entry.hash);
            let mut place = hash as usize & mask;
            while self.index.get(place).is_some_and(|at| *at != 0) {
                place = (place + 1) & mask;
            }
            self.set(place, value);
        }
    }

    /// Removes an entry from the index and moves back the entries that it displaced.
    fn unindex(&mut self, entry: u32) {
        let mask = self.index.len() - 1;
        let home = |vocab: &Vocab, at: u32| vocab.entries.get(at as usize).map_or(0, |e| e.hash as usize & mask);
        let mut hole = home(self, entry);
        while self.at(hole) != entry {
            hole = (hole + 1) & mask;
        }
        let mut place = hole;
        loop {
            place = (place + 1) & mask;
            let other = self.at(place);
            if other == NONE {
                break;
            }
            let from = home(self, other);
            if (place.wrapping_sub(from) & mask) >= (place.wrapping_sub(hole) & mask) {
                self.set(hole, other + 1);
                hole = place;
            }
        }
        self.set(hole, 0);
    }

    fn join(&mut self, entry: u32) {
        let Some(stem) = self.stem_of(entry) else { return };
        let Some(head) = self.stems.get_mut(stem) else { return };
        let next = head.wrapping_sub(1);
        *head = entry + 1;
        if let Some(at) = self.entries.get_mut(entry as usize) {
            at.next = next;
        }
        if let Some(at) = self.entries.get_mut(next as usize) {
            at.prev = entry;
        }
    }

    fn leave(&mut self, entry: u32) {
        let Some(stem) = self.stem_of(entry) else { return };
        let Some((next, prev)) = self.entries.get(entry as usize).map(|at| (at.next, at.prev)) else { return };
        if let Some(at) = self.entries.get_mut(next as usize) {
            at.prev = prev;
        }
        match self.entries.get_mut(prev as usize) {
            Some(at) => at.next = next,
            None => {
                if let Some(head) = self.stems.get_mut(stem) {
                    *head = next.wrapping_add(1);
                }
            }
        }
    }

    fn stem_of(&self, entry: u32) -> Option<usize> {
        stem(self.entries.get(entry as usize)?.text.bytes())
    }
}

/// The list of words that start like this one; `None` for texts that are too short or no words.
fn stem(bytes: &[u8]) -> Option<usize> {
    let stem = bytes.get(..STEM)?;
    let wordy = stem.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii());
    let mixed = stem.iter().fold(0_usize, |mixed, byte| mixed.wrapping_mul(131).wrapping_add(usize::from(*byte)));
    wordy.then_some(mixed.wrapping_mul(0x9e37) % STEMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acquire(vocab: &mut Vocab, text: &str) -> u32 {
        vocab.acquire(text, hash(text))
    }

    #[test]
    fn numbers_last_as_long_as_their_uses() {
        let mut vocab = Vocab::new(4);
        let words: Vec<String> = (0..5000).map(|n| format!("word{n}{}", "x".repeat(n % 40))).collect();
        let numbers: Vec<u32> = words.iter().map(|word| acquire(&mut vocab, word)).collect();
        for (word, number) in words.iter().zip(&numbers) {
            assert_eq!(vocab.find(word), Some(*number));
            assert_eq!(vocab.text(*number), word.as_bytes());
            assert_eq!(acquire(&mut vocab, word), *number);
            assert_eq!(vocab.uses(*number), 2);
        }
        assert_eq!(vocab.words(b"word499").count(), 11);
        for (word, number) in words.iter().zip(&numbers).step_by(2) {
            vocab.release(*number);
            vocab.release(*number);
            assert_eq!(vocab.find(word), None);
        }
        assert_eq!(vocab.len(), 2500);
        for (word, number) in words.iter().zip(&numbers).skip(1).step_by(2) {
            assert_eq!(vocab.find(word), Some(*number));
            vocab.release(*number);
            vocab.release(*number);
        }
        assert_eq!((vocab.len(), vocab.heap), (0, 0));
        assert_eq!(vocab.words(b"wor").count(), 0);
        assert!(acquire(&mut vocab, "again") < FIRST_WORD + 5000);
    }
}
