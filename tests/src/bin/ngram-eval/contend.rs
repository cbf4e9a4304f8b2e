//! Queries and learning at the same time, through one lock. It leaves the queries themselves to `replay`.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use pennyworth_ngram::{Limits, Model, Prepared};

use crate::corpus::Corpus;
use crate::replay::{self, Rules, Times};

/// Times of queries while another thread learns the repository again and again through the same lock, and how long that thread
/// holds the lock each time.
pub(crate) fn contend(corpus: &Corpus, limits: Limits, rules: Rules) -> (Times, Times) {
    let (model, _) = corpus.index(limits);
    let model = RwLock::new(model);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let indexer = scope.spawn(|| index_behind(corpus, &model, &done));
        let asked = replay::ask_often(&model, &corpus.held_out, rules, 4000);
        done.store(true, Ordering::Relaxed);
        (asked, indexer.join().unwrap_or_default())
    })
}

/// Learns the files again and again, a slice at a time, until `done`.
fn index_behind(corpus: &Corpus, model: &RwLock<Model>, done: &AtomicBool) -> Times {
    let mut held = Times::default();
    for source in corpus.indexed.iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
        let Ok(prepared) = Prepared::new(&source.path, &source.language, &source.text) else { continue };
        if model.write().map(|mut model| model.index_prepared(prepared)).is_err() {
            return held;
        }
        let mut more = true;
        while more && !done.load(Ordering::Relaxed) {
            more = model.write().is_ok_and(|mut model| held.time(|| model.advance()));
            std::thread::yield_now();
        }
    }
    held
}
