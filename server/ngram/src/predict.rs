//! Predicts the next token: counts the tokens that followed similar contexts in every scope, and rates the best one.
//! It looks one token ahead; joining tokens is left to `suggest`.

use crate::context::Typed;
use crate::document::Document;
use crate::store::{Place, Store, UNKNOWN, base};
use crate::tally::{Scope, Tally, class};
use crate::tokens::{Break, is_word};
use crate::vocab::{STEM, Vocab};
use crate::weights::{BENDS, FEATURES, LENGTHS, SCOPES, STRAIGHT};
use crate::workspace::Workspace;

/// Places read of a chain at most.
const CHAIN: usize = 96;
/// Matches after which shorter contexts are not searched.
const ENOUGH: usize = 48;
/// Words read for a partly typed one at most.
const WORDS: usize = 192;
/// Uses of such a word counted in the document at most.
const HERE: usize = 8;
/// Open documents searched besides the cursor's.
pub(crate) const OTHERS: usize = 3;

/// Numbers that describe a prediction. Its probability is computed from them.
pub type Features = [f32; FEATURES];

/// All learned tokens, as seen from one cursor.
pub(crate) struct Sources<'a> {
    pub(crate) vocab: &'a Vocab,
    /// The document, and the owner of the line being typed: that line must not predict itself.
    pub(crate) file: Option<(&'a Document, Option<u32>)>,
    /// Other open documents, most recently edited first.
    pub(crate) others: Vec<&'a Document>,
    pub(crate) workspace: &'a Workspace,
    /// Hash of the document's directory.
    pub(crate) directory: u64,
}

/// The predicted token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    /// The token.
    pub(crate) token: u32,
    /// The inputs of its probability.
    pub(crate) features: Features,
}

/// The token's position in the suggestion.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stage {
    /// Tokens predicted before it.
    pub(crate) step: usize,
    /// The probability of the token predicted before it, if there is one.
    pub(crate) previous: Option<f32>,
    /// The probability that the word before the cursor is complete, if there is one.
    pub(crate) whole: Option<f32>,
}

impl Sources<'_> {
    /// Counts the tokens that followed similar contexts.
    pub(crate) fn gather(&self, context: &[u32], typed: &Typed<'_>, tally: &mut Tally) {
        tally.clear();
        if let Some((document, line)) = self.file {
            // The line being typed and the break behind it must not predict themselves.
            let own = |place| line.is_some() && Some(document.store.owner(place)) == line;
            let scope = |place| (!own(place) && !own(document.store.before(place))).then_some(Scope::File);
            self.search(&document.store, context, typed, tally, scope);
        }
        for document in &self.others {
            self.search(&document.store, context, typed, tally, |_| Some(Scope::Near));
        }
        self.search(&self.workspace.store, context, typed, tally, |place| {
            let file = self.workspace.file(self.workspace.store.owner(place)).filter(|file| !file.hidden)?;
            let near = file.directory == self.directory || self.workspace.is_recent(file);
            Some(if near { Scope::Near } else { Scope::Workspace })
        });
        if let Typed::Word(word) = typed {
            self.add_words(word.text.as_bytes(), word.space, tally);
        }
        tally.weigh();
    }

    /// Counts in one store, from the longest context to the shortest, until there are enough matches.
    fn search<const N: usize, const P: u32>(
        &self,
        store: &Store<N, P>,
        context: &[u32],
        typed: &Typed<'_>,
        tally: &mut Tally,
        scope: impl Fn(Place) -> Option<Scope>,
    ) {
        let buckets = store.buckets_of(context.iter().rev().copied());
        let mut longer = usize::MAX;
        let mut found = 0;
        for (order, (bucket, length)) in buckets.iter().zip(store.orders()).enumerate().rev() {
            let Some(bucket) = bucket else { continue };
            for place in store.chain(order, *bucket).take(CHAIN) {
                let matched = store.match_length(place, context);
                if matched < *length || matched >= longer {
                    continue;
                }
                let token = store.token(place);
                let Some(scope) = scope(place) else { continue };
                if typed.fits(self.vocab, token) {
                    tally.add(token, class(matched), scope, 1.0);
                    found += 1;
                }
            }
            if found >= ENOUGH {
                break;
            }
            longer = *length;
        }
    }

    /// Counts the words that start with the typed part, anywhere.
    fn add_words(&self, part: &[u8], space: bool, tally: &mut Tally) {
        if part.len() < STEM {
            return;
        }
        for number in self.vocab.words(part).take(WORDS) {
            let token = number << 1 | u32::from(space);
            let uses = self.vocab.uses(number);
            // A word that stands only at the cursor is no evidence for itself.
            if uses < 2 && self.vocab.text(number) == part {
                continue;
            }
            tally.add(token, 0, Scope::Workspace, uses.min(64) as f32);
            let Some((document, _)) = self.file else { continue };
            let context = [token];
            let bucket = document.store.buckets_of(context.into_iter()).first().copied().flatten();
            let chain = bucket.map(|bucket| document.store.chain(0, bucket).take(2 * HERE)).into_iter().flatten();
            let here = chain.filter(|place| document.store.match_length(*place, &context) > 0).take(HERE).count();
            tally.add(token, 0, Scope::File, here as f32);
        }
    }

    /// The most likely token of a tally that passes, with the inputs of its probability.
    pub(crate) fn best(
        &self,
        tally: &Tally,
        context: &[u32],
        typed: &Typed<'_>,
        stage: Stage,
        passes: impl Fn(u32) -> bool,
    ) -> Option<Next> {
        let mut first = None;
        let mut second = 0.0_f32;
        for candidate in tally.candidates.iter().filter(|candidate| passes(candidate.token)) {
            match first {
                Some(best) if !self.beats(candidate, best) => second = second.max(candidate.share),
                _ => {
                    second = first.map_or(0.0, |best: &crate::tally::Candidate| best.share);
                    first = Some(candidate);
                }
            }
        }
        let best = first?;
        let features = self.features(tally, best, second, context, typed, stage);
        Some(Next { token: best.token, features })
    }

    /// Compares by share. The text breaks ties, so the order of learning has no effect.
    fn beats(&self, one: &crate::tally::Candidate, other: &crate::tally::Candidate) -> bool {
        let text = |token: u32| (token & 1, self.vocab.text(base(token)));
        one.share > other.share
            || one.share == other.share && (text(one.token), one.token) > (text(other.token), other.token)
    }

    fn features(
        &self,
        tally: &Tally,
        best: &crate::tally::Candidate,
        second: f32,
        context: &[u32],
        typed: &Typed<'_>,
        stage: Stage,
    ) -> Features {
        let longest = |counts: &[[f32; SCOPES]; LENGTHS], scope: usize| {
            counts.iter().rposition(|row| row.get(scope).is_some_and(|count| *count > 0.0)).unwrap_or(0)
        };
        let any = (0..SCOPES).map(|scope| longest(&tally.totals, scope)).max().unwrap_or(0);
        let own = (0..SCOPES).map(|scope| longest(&best.counts, scope)).max().unwrap_or(0);
        let row = |counts: &[[f32; SCOPES]; LENGTHS], class: usize| -> f32 {
            counts.get(class).map_or(0.0, |row| row.iter().sum())
        };
        let all = |scope: usize| best.counts.get(1).and_then(|row| row.get(scope)).copied().unwrap_or(0.0);
        let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
        let kind = Kind::of(self.vocab.text(base(best.token)), base(best.token));
        let share = best.share.clamp(0.001, 0.999);
        let last_number = base(context.last().copied().unwrap_or(UNKNOWN));
        let last_text = self.vocab.text(last_number);
        let last = Kind::of(last_text, last_number);
        let rate = |scope: usize| {
            let cell = |counts: &[[f32; SCOPES]; LENGTHS], class: usize| {
                counts.get(class).and_then(|row| row.get(scope)).copied().unwrap_or(0.0)
            };
            let class = longest(&tally.totals, scope);
            cell(&best.counts, class) / cell(&tally.totals, class).max(1.0)
        };
        let typed_bytes = if let Typed::Word(word) = typed { word.text.len() as f32 } else { 0.0 };
        let step = stage.step as f32;
        [
            1.0,
            log_odds(share),
            (share.max(second) - second) / share,
            share * share,
            longest(&best.counts, 2) as f32 / 4.0,
            longest(&best.counts, 1) as f32 / 4.0,
            longest(&best.counts, 0) as f32 / 4.0,
            any as f32 / 4.0,
            flag(own == any),
            row(&tally.totals, any).ln_1p(),
            row(&best.counts, own).ln_1p(),
            all(2).ln_1p(),
            all(1).ln_1p(),
            all(0).ln_1p(),
            (tally.candidates.len() as f32).ln_1p(),
            flag(kind == Kind::Word),
            flag(kind == Kind::Number),
            flag(kind == Kind::Break),
            flag(kind == Kind::Opener),
            flag(kind == Kind::Closer),
            flag(kind == Kind::Quote),
            flag(stage.step == 0),
            flag(stage.step == 1),
            step.ln_1p(),
            typed_bytes.ln_1p(),
            flag(typed_bytes > 0.0),
            flag(stage.whole.is_some()),
            stage.whole.map_or(0.0, log_odds),
            flag(last == Kind::Break),
            flag(matches!(typed, Typed::Space)),
            rate(2),
            rate(1),
            rate(0),
            row(&tally.kinds, any).ln_1p(),
            log_odds(stage.previous.unwrap_or(0.9)),
            (self.vocab.text(base(best.token)).len() as f32).ln_1p(),
            flag(last == Kind::Word),
            flag(last == Kind::Opener),
            flag(last == Kind::Closer),
            flag(last == Kind::Quote),
            flag(matches!(last_text, b"." | b"::" | b"->" | b"?.")),
            flag(matches!(last_text, b",")),
        ]
    }
}

/// The logarithm of the odds, kept finite.
fn log_odds(probability: f32) -> f32 {
    let probability = probability.clamp(0.001, 0.999);
    (probability / (1.0 - probability)).ln()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Break,
    Opener,
    Closer,
    Quote,
    Other,
}

impl Kind {
    fn of(text: &[u8], number: u32) -> Kind {
        if Break::of(number).is_some() {
            return Kind::Break;
        }
        match text.first() {
            Some(b'0'..=b'9') => Kind::Number,
            Some(b'(' | b'[' | b'{') => Kind::Opener,
            Some(b')' | b']' | b'}') => Kind::Closer,
            Some(b'"' | b'\'' | b'`') => Kind::Quote,
            Some(byte) if !byte.is_ascii() || is_word(char::from(*byte)) => Kind::Word,
            _ => Kind::Other,
        }
    }
}

/// The probability that a prediction with these features is right: the sigmoid of a linear sum plus a few nonlinear ones.
pub(crate) fn probability(features: &Features) -> f32 {
    let dot =
        |weights: &Features| -> f32 { features.iter().zip(weights).map(|(feature, weight)| feature * weight).sum() };
    let bent: f32 = BENDS.iter().map(|(out, weights)| out * bend(dot(weights))).sum();
    1.0 / (1.0 + (-(dot(&STRAIGHT) + bent)).exp())
}

/// A cheap sigmoid between -1 and 1.
fn bend(value: f32) -> f32 {
    value / (1.0 + value.abs())
}
