//! The learned files of the workspace, in one store. When memory is short, the nearest stay: recently edited files first, then the
//! same directory, then the same language, then the longest common path. Open documents are left to `document`.

use std::collections::HashMap;

use crate::document::translate;
use crate::prepared::Prepared;
use crate::store::{Store, base};
use crate::vocab::Vocab;

/// The store of the workspace.
pub(crate) type Shelf = Store<3, 4>;
/// Orders indexed in the workspace.
const ORDERS: [usize; 3] = [2, 3, 5];
/// How many of the last settled or closed files count as recently edited.
const RECENT: u64 = 12;

/// A learned file.
#[derive(Debug)]
pub(crate) struct File {
    path: Box<str>,
    language: u64,
    /// Hash of its directory.
    pub(crate) directory: u64,
    last: u32,
    /// When it was last edited; 0: not since it was learned.
    touched: u64,
    /// Its nearness to the last focus; higher is nearer.
    nearness: u32,
    /// Readers skip it: it is open or is being unlearned.
    pub(crate) hidden: bool,
}

/// The document in use. Nearness is measured from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Focus {
    /// Its path.
    pub(crate) path: String,
    /// Its language.
    pub(crate) language: String,
}

/// All learned files that are not open documents.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Their tokens.
    pub(crate) store: Shelf,
    files: Vec<File>,
    free: Vec<u32>,
    by_path: HashMap<Box<str>, u32>,
    /// Files whose tokens are being unlearned.
    leaving: Vec<u32>,
    /// Count of settled and closed files.
    touches: u64,
    /// Bytes of paths and their table.
    names: usize,
    /// The focus from which the files' nearness was measured.
    seen_from: Focus,
}

/// A file that is being learned.
#[derive(Debug)]
pub(crate) struct Incoming {
    text: Prepared,
    numbers: Vec<u32>,
    file: Option<u32>,
    next: usize,
    edited: bool,
}

impl Incoming {
    pub(crate) fn new(text: Prepared) -> Incoming {
        Incoming { numbers: vec![0; text.words()], text, file: None, next: 0, edited: false }
    }

    /// A closed document; with `edited` it counts as recently edited.
    pub(crate) fn closed(text: Prepared, edited: bool) -> Incoming {
        Incoming { edited, ..Incoming::new(text) }
    }

    /// It was edited while it was open.
    pub(crate) fn is_edited(&self) -> bool {
        self.edited
    }

    /// Whether part of it is learned.
    pub(crate) fn has_begun(&self) -> bool {
        self.file.is_some()
    }

    /// Path of the file.
    pub(crate) fn path(&self) -> &str {
        &self.text.path
    }
}

/// The result of a learning step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// More to do.
    More,
    /// All learned.
    Done,
    /// No room for it among nearer files.
    Refused,
}

impl Workspace {
    /// An empty workspace for about `expected` tokens.
    pub(crate) fn new(expected: usize) -> Workspace {
        Workspace {
            store: Store::new(ORDERS, expected),
            files: Vec::new(),
            free: Vec::new(),
            by_path: HashMap::new(),
            leaving: Vec::new(),
            touches: 0,
            names: 0,
            seen_from: Focus::default(),
        }
    }

    /// Learned files.
    pub(crate) fn len(&self) -> usize {
        self.by_path.len()
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.store.bytes() + self.files.len() * size_of::<File>() + self.names
    }

    /// The file that owns a page.
    pub(crate) fn file(&self, owner: u32) -> Option<&File> {
        self.files.get(owner as usize)
    }

    /// Whether the file was recently edited.
    pub(crate) fn is_recent(&self, file: &File) -> bool {
        file.touched > 0 && file.touched + RECENT > self.touches
    }

    /// Whether the path is learned.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// The paths of the learned files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(|path| &**path)
    }

    /// Hides the file from readers, or shows it again.
    pub(crate) fn hide(&mut self, path: &str, hidden: bool) {
        let file = self.by_path.get(path).and_then(|file| self.files.get_mut(*file as usize));
        if let Some(file) = file {
            file.hidden = hidden;
        }
    }

    /// Marks the file as edited just now.
    pub(crate) fn touch(&mut self, path: &str) {
        self.touches += 1;
        let file = self.by_path.get(path).and_then(|file| self.files.get_mut(*file as usize));
        if let Some(file) = file {
            file.touched = self.touches;
        }
    }

    /// Hides a file at once; [`Workspace::sweep`] unlearns it.
    pub(crate) fn remove(&mut self, path: &str) -> bool {
        let Some(file) = self.by_path.remove(path) else { return false };
        self.names -= name_bytes(path);
        if let Some(at) = self.files.get_mut(file as usize) {
            at.hidden = true;
            self.leaving.push(file);
        }
        true
    }

    /// Unlearns about `tokens` tokens of removed files. Returns how many; fewer only when none are left.
    pub(crate) fn sweep(&mut self, vocab: &mut Vocab, tokens: usize) -> usize {
        let mut swept = 0;
        while swept < tokens {
            let Some(leaving) = self.leaving.last().copied() else { break };
            let page = self.files.get(leaving as usize).map_or(0, |file| file.last);
            if page == 0 {
                self.leaving.pop();
                self.free.push(leaving);
                continue;
            }
            // From the end backwards: a token is unlinked by the tokens before it, so they must still be there.
            for place in self.store.places(page).rev() {
                self.store.unlink(place);
                vocab.release(base(self.store.token(place)));
            }
            swept += self.store.used(page) as usize + 1;
            let prev = self.store.previous_page(page);
            self.store.free_page(page);
            if let Some(file) = self.files.get_mut(leaving as usize) {
                file.last = prev;
            }
        }
        swept
    }

    /// Learns about `tokens` more tokens of a file. `room` says whether memory is left.
    pub(crate) fn advance(
        &mut self,
        vocab: &mut Vocab,
        incoming: &mut Incoming,
        focus: &Focus,
        tokens: usize,
        room: impl Fn(&Workspace, &Vocab) -> bool,
    ) -> Step {
        if incoming.text.tokens.is_empty() {
            return Step::Refused;
        }
        let mut learned = 0;
        while learned < tokens {
            if !room(self, vocab) {
                return self.make_room(incoming, focus);
            }
            let number = match incoming.file {
                Some(number) => number,
                None => self.admit(incoming),
            };
            let Some(mut page) = self.files.get(number as usize).map(|file| file.last) else { return Step::Refused };
            let end = (incoming.next + 256).min(incoming.text.tokens.len());
            for index in incoming.next..end {
                let token = incoming.text.tokens.get(index).copied().unwrap_or(0);
                let token = translate(&incoming.text, &mut incoming.numbers, vocab, token);
                let (to, place) = self.store.push(page, token);
                self.store.link(place);
                page = to;
            }
            if let Some(file) = self.files.get_mut(number as usize) {
                file.last = page;
            }
            learned += end - incoming.next;
            incoming.next = end;
            if end == incoming.text.tokens.len() {
                return Step::Done;
            }
        }
        Step::More
    }

    /// Removes the farthest file if the incoming one is nearer; otherwise refuses the incoming one.
    fn make_room(&mut self, incoming: &Incoming, focus: &Focus) -> Step {
        if !self.leaving.is_empty() {
            return Step::More;
        }
        self.look_from(focus);
        let wanted = nearness(&incoming.text.path, word_hash(&incoming.text.language), focus);
        let distance = |file: &File| if self.is_recent(file) { u32::MAX } else { file.nearness };
        let files = self.files.iter().filter(|file| file.last != 0);
        let farthest = files.map(|file| (distance(file), &file.path)).min_by_key(|(near, _)| *near);
        if let Some((_, path)) = farthest.filter(|(near, _)| *near < wanted) {
            let path = path.clone();
            self.remove(&path);
            return Step::More;
        }
        self.remove(&incoming.text.path);
        Step::Refused
    }

    /// Measures the nearness of all files again, if the focus has changed.
    fn look_from(&mut self, focus: &Focus) {
        if self.seen_from == *focus {
            return;
        }
        self.seen_from = focus.clone();
        for file in &mut self.files {
            file.nearness = nearness(&file.path, file.language, focus);
        }
    }

    fn admit(&mut self, incoming: &mut Incoming) -> u32 {
        self.remove(&incoming.text.path);
        let number = self.free.pop().unwrap_or(self.files.len() as u32);
        let page = self.store.add_page(0, 0, number);
        let path: Box<str> = incoming.text.path.as_str().into();
        let file = File {
            directory: word_hash(directory(&path)),
            language: word_hash(&incoming.text.language),
            nearness: nearness(&path, word_hash(&incoming.text.language), &self.seen_from),
            path: path.clone(),
            last: page,
            touched: 0,
            hidden: false,
        };
        match self.files.get_mut(number as usize) {
            Some(old) => *old = file,
            None => self.files.push(file),
        }
        self.names += name_bytes(&path);
        self.by_path.insert(path, number);
        incoming.file = Some(number);
        number
    }
}

/// Bytes of a path in the list of files and in the table by path.
fn name_bytes(path: &str) -> usize {
    2 * path.len() + 64
}

/// The part of a path before its last separator.
pub(crate) fn directory(path: &str) -> &str {
    path.rsplit_once(['/', '\\']).map_or("", |(directory, _)| directory)
}

/// A hash for comparing names within one process.
pub(crate) fn word_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The nearness of a file to the focus; higher is nearer.
fn nearness(path: &str, language: u64, focus: &Focus) -> u32 {
    let same_directory = u32::from(directory(path) == directory(&focus.path));
    let same_language = u32::from(language == word_hash(&focus.language));
    let steps = path.split(['/', '\\']).zip(focus.path.split(['/', '\\'])).take_while(|(a, b)| a == b).count();
    same_directory * 2000 + same_language * 1000 + steps.min(99) as u32
}
