//! Recently edited places, which become excerpts in the prompts of other files. They change only when the user starts to edit another file,
//! so that prompts begin alike while the user types. It leaves how many excerpts a prompt takes to `core::prompt`.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pennyworth_core::classify::guests::{guests, may_have_guests};
use pennyworth_core::gate::FileKind;
use pennyworth_core::prompt::{Excerpt, above, head, normalised};
use pennyworth_core::route::Privacy;
use pennyworth_core::text;
use pennyworth_grammars::by_name;
use ropey::Rope;

use crate::paths::document;
use crate::settings::{Configuration, Use};
use crate::sync::lock;

/// Most places that are remembered.
const PLACES: usize = 8;
/// Lines of a place before and after the edit.
const AROUND: usize = 14;
/// Most bytes of a place: a minified file has lines of a megabyte.
const MAX_BYTES: usize = 3000;
/// Most bytes just above a place in which its secrets may have their names.
const MAX_ABOVE_BYTES: usize = 1024;

/// The places, the oldest first.
#[derive(Default)]
pub struct Recent(Mutex<Edits>);

#[derive(Default)]
struct Edits {
    last: Option<Edited>,
    places: VecDeque<RecentPlace>,
}

/// The last edit.
struct Edited {
    path: PathBuf,
    language: &'static str,
    text: Rope,
    line: usize,
}

struct RecentPlace {
    path: PathBuf,
    language: &'static str,
    lines: Range<usize>,
    above: String,
    text: String,
    /// The other languages that it may hold.
    guests: Vec<&'static str>,
}

impl Recent {
    /// Notes an edit of a line in a document of a language. True if the user came from another document, so that prompts now begin with a new
    /// excerpt. Texts that may not be quoted are not kept.
    pub fn edited(
        &self,
        configuration: &Configuration,
        (path, language): (&Path, &'static str),
        text: &Rope,
        line: usize,
    ) -> bool {
        let may_be_quoted = |edited: &Edited| {
            let scope = configuration.known(&edited.path)?;
            let is_normal = scope.kind_of(&edited.text) == FileKind::Normal;
            Some(is_normal && scope.allows(Use::Quote, edited.language))
        };
        let edited = Edited { path: path.to_owned(), language, text: text.clone(), line };
        self.note(edited, may_be_quoted)
    }

    /// The files with places.
    pub fn paths(&self) -> Vec<PathBuf> {
        lock(&self.0).places.iter().map(|place| place.path.clone()).collect()
    }

    /// The excerpts for a prompt about a file, the oldest first, from files of the same workspace folder. None if no model takes any. Cells of its
    /// own notebook stand around it already.
    /// Outside of all workspace folders, they come from files of the same directory.
    pub fn excerpts(&self, configuration: &Configuration, path: &Path) -> Vec<Excerpt> {
        if configuration.models.enabled().all(|model| model.excerpts == 0) {
            return Vec::new();
        }
        let scope = configuration.scope(path);
        let notebook = document::notebook(path);
        let is_outside = !configuration.folders().iter().any(|root| root.path == scope.root);
        self.others(path, |other| {
            if notebook.is_some() && document::notebook(&other.path) == notebook {
                return None;
            }
            let theirs = configuration.scope(&other.path);
            let is_near = theirs.root == scope.root && (!is_outside || other.path.parent() == path.parent());
            // What must stay on this machine must not leave it from elsewhere.
            let privacy = theirs.settings.privacy();
            let goes_as_far = privacy == Privacy::Named || privacy == scope.settings.privacy();
            let is_on = theirs.allows(Use::Quote, other.language) && theirs.are_on(&other.guests);
            let is_allowed = is_near && goes_as_far && is_on;
            is_allowed.then(|| theirs.shown.clone())
        })
    }

    /// `may_be_quoted` does not know what nobody has read yet. That is kept, and is known when it is quoted.
    fn note(&self, edited: Edited, may_be_quoted: impl Fn(&Edited) -> Option<bool>) -> bool {
        let mut edits = lock(&self.0);
        if let Some(last) = edits.last.as_mut().filter(|last| last.path == edited.path) {
            *last = edited;
            return false;
        }
        let Some(left) = edits.last.replace(edited) else { return false };
        let may_be_quoted = may_be_quoted(&left);
        let place = left.place().filter(|_| may_be_quoted != Some(false));
        place.is_some_and(|place| edits.remember(place))
    }

    /// The places in other documents, under the paths that `shown` gives them.
    fn others(&self, path: &Path, shown: impl Fn(&RecentPlace) -> Option<String>) -> Vec<Excerpt> {
        let edits = lock(&self.0);
        let others = edits.places.iter().filter(|place| place.path != path);
        others
            .filter_map(|place| {
                Some(Excerpt { path: shown(place)?, above: place.above.clone(), text: place.text.clone() })
            })
            .collect()
    }
}

impl Edits {
    fn remember(&mut self, place: RecentPlace) -> bool {
        if self.places.iter().any(|known| known.path == place.path && known.text == place.text) {
            return false;
        }
        let overlaps = |known: &RecentPlace| known.lines.start < place.lines.end && place.lines.start < known.lines.end;
        self.places.retain(|known| known.path != place.path || !overlaps(known));
        if self.places.len() >= PLACES {
            self.places.pop_front();
        }
        self.places.push_back(place);
        true
    }
}

impl Edited {
    /// The lines around the edit; `None` if they are blank.
    fn place(self) -> Option<RecentPlace> {
        let Edited { path, language, text, line } = self;
        let count = text.len_lines();
        let line = line.min(count);
        let lines = line.saturating_sub(AROUND)..(line + AROUND + 1).min(count);
        let (start, end) = (text.line_to_byte(lines.start), text.line_to_byte(lines.end));
        let lines_around = text::slice(&text, start, end.min(start + MAX_BYTES + 1));
        let guests = guests_of(&text, language, start..end);
        let shown = normalised(head(&lines_around, MAX_BYTES)).trim_end().to_owned();
        let above = above(&text, start, MAX_ABOVE_BYTES);
        (!shown.trim().is_empty()).then_some(RecentPlace { path, language, lines, above, text: shown, guests })
    }
}

/// The other languages that a part of a text may hold.
fn guests_of(text: &Rope, language: &str, part: Range<usize>) -> Vec<&'static str> {
    let Some(language) = by_name(language).filter(|language| may_have_guests(language)) else { return Vec::new() };
    let all = guests(&text.to_string(), language).into_iter();
    all.filter(|guest| guest.touches(&part)).flat_map(|guest| guest.languages).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> Rope {
        Rope::from((0..100).map(|line| format!("{name}{line}\n")).collect::<String>())
    }

    fn edited(path: &str, text: Rope, line: usize) -> Edited {
        Edited { path: path.into(), language: "text", text, line }
    }

    fn heads(recent: &Recent, path: &str) -> Vec<String> {
        let shown = |place: &RecentPlace| (place.path != Path::new("secret")).then(|| place.path.display().to_string());
        let all = recent.others(Path::new(path), shown);
        all.iter().map(|excerpt| format!("{}:{}", excerpt.path, excerpt.text.lines().next().unwrap())).collect()
    }

    #[test]
    fn a_place_is_remembered_when_the_user_goes_on_elsewhere() {
        let recent = Recent::default();
        let edit = |path: &str, line: usize| recent.note(edited(path, text(path), line), |_| Some(true));
        assert!(!edit("a", 50) && !edit("a", 51));
        assert!(heads(&recent, "a").is_empty() && heads(&recent, "b").is_empty());
        assert!(edit("b", 3));
        assert_eq!(heads(&recent, "b"), ["a:a37"]);
        assert!(heads(&recent, "a").is_empty(), "a file is no excerpt of itself");
        assert!(edit("a", 60), "from b");
        assert!(edit("b", 90));
        assert_eq!(heads(&recent, "c"), ["b:b0", "a:a46"], "an overlapping place replaces the old one");
        assert!(edit("secret", 1) && edit("d", 1));
        assert_eq!(heads(&recent, "c"), ["b:b0", "a:a46", "b:b76"]);
    }

    #[test]
    fn a_place_knows_the_heads_above_it() {
        let recent = Recent::default();
        let rows: String = (0..400).map(|row| format!("  user{row}: x\n")).collect();
        recent.note(edited("a", Rope::from(format!("passwords:\n{rows}")), 300), |_| Some(true));
        recent.note(edited("b", text("b"), 3), |_| Some(true));
        let all = recent.others(Path::new("b"), |place| Some(place.path.display().to_string()));
        let [place] = all.as_slice() else { panic!("one place") };
        assert!(place.text.starts_with("  user285: x\n"), "{}", place.text);
        assert!(place.above.starts_with("passwords:\n") && place.above.ends_with("  user284: x\n"), "{}", place.above);
    }

    #[test]
    fn a_place_whose_rules_nobody_has_read_yet_counts_as_new() {
        let recent = Recent::default();
        let edit = |path: &str, may_be_quoted| recent.note(edited(path, text(path), 9), |_| may_be_quoted);
        assert!(!edit("a", None));
        assert!(edit("b", None));
        assert!(!edit("c", Some(false)));
        assert_eq!(recent.paths(), [Path::new("a")]);
    }

    #[test]
    fn what_is_not_normal_is_not_remembered_and_there_is_a_bound() {
        let recent = Recent::default();
        let long = Rope::from("ä".repeat(1_000_000));
        for (path, text) in [("generated", text("g")), ("long", long), ("empty", Rope::from("")), ("end", text("e"))] {
            recent.note(edited(path, text, 9), |edited| Some(edited.path != Path::new("generated")));
        }
        let all = recent.others(Path::new("x"), |place| Some(place.path.display().to_string()));
        assert_eq!(all.iter().map(|excerpt| excerpt.path.as_str()).collect::<Vec<_>>(), ["long"]);
        assert!(all.iter().all(|excerpt| excerpt.text.len() <= MAX_BYTES));
        for number in 0..30 {
            let name = number.to_string();
            recent.note(edited(&name, text(&name), 500), |_| Some(true));
        }
        assert_eq!(heads(&recent, "x").len(), PLACES);
    }
}
