//! An open document: its lines as token runs in its own store. An edit unlearns and learns only the changed lines.
//! It keeps tokens, not text. Other documents are left to `model`, files that are not open to `workspace`.

use crate::prepared::{LONGEST_LINE, Line, Prepared};
use crate::store::{Place, Store, base};
use crate::tokens::{Break, Units, hash, indentation, lexemes};
use crate::vocab::Vocab;

/// The store of a document. Its pages are short, because each line begins a new one.
pub(crate) type Lines = Store<4, 3>;
/// Orders indexed in a document.
const ORDERS: [usize; 4] = [1, 2, 3, 5];
/// The highest order: a change alters the contexts of this many tokens after it.
const REACH: usize = 5;
/// Documents with fewer lines update their unit of indentation at each edit; longer ones keep it.
const UNSETTLED: usize = 1000;

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    page: u32,
    columns: Option<u16>,
    tab: bool,
}

/// One open document.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its tokens.
    pub(crate) store: Lines,
    /// Language as the caller names it.
    pub(crate) language: String,
    /// The model's count of changes when it was last opened, edited or settled.
    pub(crate) touched: u64,
    /// It was edited since it was opened.
    pub(crate) edited: bool,
    /// Row numbers in the order of the lines. A row's number is the owner of its pages.
    lines: Vec<u32>,
    rows: Vec<Row>,
    free: Vec<u32>,
    units: Units,
    unit: u16,
    opening: Option<Opening>,
}

/// An opened text that is not fully learned yet.
#[derive(Debug)]
struct Opening {
    text: Prepared,
    /// The vocabulary's numbers by the text's own; 0: not looked up yet.
    numbers: Vec<u32>,
    line: usize,
    token: usize,
}

impl Document {
    /// A document with nothing learned yet; [`Document::advance`] learns the text.
    pub(crate) fn new(text: Prepared, touched: u64) -> Document {
        Document {
            store: Store::new(ORDERS, text.tokens.len()),
            language: text.language.clone(),
            touched,
            edited: false,
            lines: Vec::with_capacity(text.lines.len()),
            rows: Vec::with_capacity(text.lines.len()),
            free: Vec::new(),
            units: text.units,
            unit: text.units.unit(),
            opening: Some(Opening { numbers: vec![0; text.words()], text, line: 0, token: 0 }),
        }
    }

    /// Whether the opened text is not fully learned yet.
    pub(crate) fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// Learns about `tokens` more tokens of the opened text. Returns how many; fewer only when all are learned.
    pub(crate) fn advance(&mut self, vocab: &mut Vocab, tokens: usize) -> usize {
        let Some(mut opening) = self.opening.take() else { return 0 };
        let mut learned = 0;
        while learned < tokens {
            let Some(line) = opening.text.lines.get(opening.line) else { return learned };
            let row = Row { page: 0, columns: line.columns, tab: line.tab };
            let end = opening.token + line.tokens as usize;
            let run: Vec<u32> = opening.text.tokens.get(opening.token..end).unwrap_or_default().to_vec();
            let run: Vec<u32> =
                run.into_iter().map(|token| translate(&opening.text, &mut opening.numbers, vocab, token)).collect();
            learned += run.len();
            (opening.line, opening.token) = (opening.line + 1, end);
            let (prev, _) = self.around(self.lines.len(), self.lines.len());
            let line = self.put(row, &run, prev, 0);
            self.lines.push(line);
            for place in self.places(line) {
                self.store.link(place);
            }
        }
        self.opening = Some(opening);
        learned
    }

    /// Replaces `removed` lines from `first` on. Lines past the end are ignored.
    pub(crate) fn edit<'a>(
        &mut self,
        vocab: &mut Vocab,
        first: usize,
        removed: usize,
        new: impl Iterator<Item = &'a str>,
    ) {
        while self.opening.is_some() {
            self.advance(vocab, usize::MAX);
        }
        self.edited = true;
        let first = first.min(self.lines.len());
        let end = first.saturating_add(removed).min(self.lines.len());
        let heir = (end..self.lines.len()).find(|line| self.columns(*line).is_some());
        let tail = self.tail(end, heir);
        tail.iter().for_each(|place| self.store.unlink(*place));
        self.take_out(vocab, first, end);
        let rows = self.put_in(vocab, first, end, new);
        let fresh: Vec<Place> = rows.iter().flat_map(|row| self.places(*row)).collect();
        let added = rows.len();
        self.lines.splice(first..end, rows);
        if let Some(heir) = heir {
            self.rebreak(heir - (end - first) + added);
        }
        fresh.iter().chain(&tail).for_each(|place| self.store.link(*place));
        if self.lines.len() < UNSETTLED {
            self.follow_unit();
        }
        if self.store.crowded() {
            self.store.rehash();
        }
    }

    /// The places from line `end` on whose contexts or tokens the edit above changes.
    fn tail(&self, end: usize, heir: Option<usize>) -> Vec<Place> {
        let mut tail = Vec::new();
        let Some(mut place) = self.first_place(end) else { return tail };
        let heir = heir.and_then(|heir| self.first_place(heir));
        let mut left = REACH;
        let mut met = heir.is_none();
        while place != 0 && (left > 0 || !met) {
            tail.push(place);
            left = left.saturating_sub(1);
            if Some(place) == heir {
                (met, left) = (true, REACH);
            }
            place = self.store.after(place);
        }
        tail
    }

    fn take_out(&mut self, vocab: &mut Vocab, first: usize, end: usize) {
        let rows: Vec<u32> = self.lines.get(first..end).unwrap_or_default().to_vec();
        let places: Vec<Place> = rows.iter().flat_map(|row| self.places(*row)).collect();
        for place in places {
            self.store.unlink(place);
            vocab.release(base(self.store.token(place)));
        }
        for row in rows {
            self.pages(row).into_iter().for_each(|page| self.store.free_page(page));
            let Row { columns, tab, .. } = self.row(row);
            self.count(columns, tab, -1);
            self.free.push(row);
        }
    }

    fn put_in<'a>(
        &mut self,
        vocab: &mut Vocab,
        first: usize,
        end: usize,
        new: impl Iterator<Item = &'a str>,
    ) -> Vec<u32> {
        let (mut prev, next) = self.around(first, end);
        let mut above = (0..first).rev().find_map(|line| self.columns(line)).unwrap_or(0);
        let mut rows = Vec::new();
        for line in new {
            let columns = indentation(line);
            let tab = line.starts_with('\t');
            let mut run = vec![Break::new(above, columns, self.unit).number() << 1];
            for lexeme in lexemes(line).take(LONGEST_LINE) {
                run.push(vocab.acquire(lexeme.text, hash(lexeme.text)) << 1 | u32::from(lexeme.space));
            }
            let row = self.put(Row { page: 0, columns, tab }, &run, prev, next);
            self.count(columns, tab, 1);
            prev = self.pages(row).last().copied().unwrap_or(prev);
            above = columns.unwrap_or(above);
            rows.push(row);
        }
        rows
    }

    /// Stores a row between two pages without linking it. Returns its number.
    fn put(&mut self, row: Row, run: &[u32], prev: u32, next: u32) -> u32 {
        let number = self.free.pop().unwrap_or(self.rows.len() as u32);
        let mut page = self.store.add_page(prev, next, number);
        let row = Row { page, ..row };
        match self.rows.get_mut(number as usize) {
            Some(old) => *old = row,
            None => self.rows.push(row),
        }
        for token in run {
            (page, _) = self.store.push(page, *token);
        }
        number
    }

    /// The last page before line `first` and the first of line `end`; 0 where there is none.
    fn around(&self, first: usize, end: usize) -> (u32, u32) {
        let last = first.checked_sub(1).and_then(|line| self.lines.get(line));
        let prev = last.and_then(|row| self.pages(*row).last().copied()).unwrap_or(0);
        (prev, self.lines.get(end).map_or(0, |row| self.row(*row).page))
    }

    /// Recomputes the break of a line from the indentation above it. Its place must not be linked.
    fn rebreak(&mut self, line: usize) {
        let above = (0..line).rev().find_map(|line| self.columns(line)).unwrap_or(0);
        let token = Break::new(above, self.columns(line), self.unit).number() << 1;
        if let Some(place) = self.first_place(line) {
            self.store.set_token(place, token);
        }
    }

    /// Adopts the unit of indentation that the lines have now. If it changed, recomputes all breaks.
    fn follow_unit(&mut self) {
        if self.units.unit() == self.unit {
            return;
        }
        self.unit = self.units.unit();
        let mut above = 0;
        for row in &self.lines {
            let Row { page, columns, .. } = self.row(*row);
            self.store.set_token(self.store.places(page).start, Break::new(above, columns, self.unit).number() << 1);
            above = columns.unwrap_or(above);
        }
        self.store.rehash();
    }

    fn count(&mut self, columns: Option<u16>, tab: bool, by: i32) {
        if let Some(columns) = columns.filter(|columns| *columns > 0) {
            self.units.count_columns(columns, tab, by);
        }
    }

    fn row(&self, row: u32) -> Row {
        self.rows.get(row as usize).copied().unwrap_or_default()
    }

    fn columns(&self, line: usize) -> Option<u16> {
        self.row(*self.lines.get(line)?).columns
    }

    fn first_place(&self, line: usize) -> Option<Place> {
        let row = self.lines.get(line)?;
        Some(self.store.places(self.row(*row).page).start)
    }

    fn pages(&self, row: u32) -> Vec<u32> {
        let next = |page: &u32| Some(self.store.next_page(*page)).filter(|next| *next != 0);
        let own = |page: &u32| self.store.owner(self.store.places(*page).start) == row;
        std::iter::successors(Some(self.row(row).page), next).take_while(own).collect()
    }

    fn places(&self, row: u32) -> Vec<Place> {
        self.pages(row).into_iter().flat_map(|page| self.store.places(page)).collect()
    }

    /// The owner of the pages of a line.
    pub(crate) fn owner(&self, line: usize) -> Option<u32> {
        self.lines.get(line).copied()
    }

    /// One step of indentation, in columns; `None` while no line is indented.
    pub(crate) fn unit(&self) -> Option<u16> {
        (self.units != Units::default()).then_some(self.unit)
    }

    /// Its tokens as a prepared file, for the workspace to learn.
    pub(crate) fn to_prepared(&self, path: &str, vocab: &Vocab) -> Prepared {
        let lines = self.lines.iter().map(|row| {
            let tokens: Vec<u32> = self.places(*row).into_iter().map(|place| self.store.token(place)).collect();
            let Row { columns, tab, .. } = self.row(*row);
            (Line { columns, tab, tokens: tokens.len() as u32 }, tokens)
        });
        Prepared::from_lines(path, &self.language, self.units, self.store.len(), lines, vocab)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        let opening =
            self.opening.as_ref().map_or(0, |opening| opening.text.tokens.len() * 5 + opening.text.lines.len() * 8);
        self.store.bytes() + self.rows.len() * size_of::<Row>() + (self.lines.len() + self.free.len()) * 4 + opening
    }

    /// Releases about `tokens` of its tokens in the vocabulary, from the end. Returns true while more are left. Nothing may read it any more.
    pub(crate) fn forget(&mut self, vocab: &mut Vocab, tokens: usize) -> bool {
        let mut given = 0;
        while given < tokens {
            let Some(row) = self.lines.pop() else { return false };
            for page in self.pages(row) {
                self.store.places(page).for_each(|place| vocab.release(base(self.store.token(place))));
                given += self.store.used(page) as usize;
                self.store.free_page(page);
            }
        }
        true
    }
}

/// Turns a prepared text's token into the vocabulary's, and counts one more use.
pub(crate) fn translate(text: &Prepared, numbers: &mut [u32], vocab: &mut Vocab, token: u32) -> u32 {
    let Some((word, hash)) = text.word(base(token)) else { return token };
    let index = (base(token) - crate::tokens::FIRST_WORD) as usize;
    match numbers.get_mut(index) {
        Some(0) | None => {
            let number = vocab.acquire(word, hash);
            if let Some(at) = numbers.get_mut(index) {
                *at = number;
            }
            number << 1 | token & 1
        }
        Some(number) => {
            vocab.retain(*number);
            *number << 1 | token & 1
        }
    }
}
