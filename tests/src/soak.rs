//! A server that types without a pause in four documents, with cancels, reloads, providers that fail in every way and a ledger that is held up
//! now and then. Every request has one answer, the ledger agrees with the bill, the cap holds, and the memory stays flat.
//! It leaves the number of keys to the test and the evaluation.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::Context as _;
use pennyworth::ledger::Ledger;
use pennyworth_core::money::Money;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::editor::Editor;
use crate::fake_provider::{Answer, Bill, FakeProvider, Fault, input_tokens};
use crate::paid;
use crate::random::Random;

/// Documents in which keys are typed.
const DOCUMENTS: u64 = 4;
/// Keys after which a document begins again.
const KEYS_OF_A_DOCUMENT: u64 = 400;
/// Keys between two looks at the memory, reloads, and faults of the ledger.
const ROUND: u64 = 2_000;
/// Keys that are sent before answers are read.
const AHEAD: u64 = 16;
/// How long one who types waits for an answer, before the next keys say that it is not wanted any more.
const PATIENCE: Duration = Duration::from_millis(50);
/// Shortest time between two holds of the ledger. While it is held, nothing that costs money is asked.
const REST: Duration = Duration::from_secs(30);
/// Most threads of the server, on any machine of today. A thread for each key that waits would be hundreds.
const THREADS: u64 = 64;
/// How the documents begin.
const SOURCE: &str = "fn main() {\n    let value = first(1);\n    \n}\n";
/// What is typed, again and again.
const TYPED: &[u8] = b"let total = value.add(first(value)); if total > 3 { print(total); } ";

/// The pieces of a good answer.
const PIECES: [&str; 10] = ["value", ".", "add", "(", "first", "(", "value", ")", ")", ";"];

/// What came of the keys.
#[derive(Debug)]
pub struct Soaked {
    /// Requests that were answered; each once, which the editor checks.
    pub answered: u64,
    /// Of those, requests with a suggestion.
    pub shown: u64,
    /// The bill of each provider.
    pub bills: Vec<Bill>,
    /// Calls in the ledger.
    pub calls: u64,
    /// Of those, calls whose cost is an estimate.
    pub estimated: u64,
    /// The cost in the ledger.
    pub booked: Money,
    /// The cap.
    pub cap: f64,
    /// Resident memory in kilobytes after each round; empty where the system does not tell.
    pub memory_kb: Vec<u64>,
    /// Most threads at any time; 0 where the system does not tell.
    pub threads: u64,
}

/// Types so many keys, under a cap in US dollars.
pub async fn soak(binary: &Path, keys: u64, cap: f64, seed: u64) -> anyhow::Result<Soaked> {
    let (home, providers) = (tempfile::tempdir()?, providers(seed).await?);
    let config = configure(home.path(), &providers, cap)?;
    let environment = [("HOME", &*home.path().to_string_lossy())];
    let mut editor = Editor::spawn(binary, &["--config", &config.to_string_lossy()], &environment)?;
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    let process = editor.process_id().context("the server is a process")?;
    let mut typist = Typist { random: Random::new(seed), documents: Vec::new(), opened: 0 };
    let (mut memory_kb, mut threads, mut holds, mut answered, mut shown) = (Vec::new(), 0, Vec::new(), 0, 0);
    for key in 0..keys {
        typist.key(&mut editor, key).await;
        if key % AHEAD == AHEAD - 1 {
            let (all, with_items) = read(editor.settle_within(PATIENCE).await);
            editor.forget();
            (answered, shown) = (answered + all, shown + with_items);
            threads = threads.max(status(process, "Threads:").unwrap_or(0));
        }
        if key % ROUND == ROUND - 1 {
            let settings = json!({"settings": {"pennyworth": {"debounce_ms": key / ROUND % 3}}});
            editor.notify("workspace/didChangeConfiguration", settings).await;
            memory_kb.extend(status(process, "VmRSS:"));
            providers.iter().for_each(FakeProvider::forget);
            if (key / ROUND).is_multiple_of(5)
                && holds.last().is_none_or(|(begun, _): &(Instant, _)| begun.elapsed() > REST)
            {
                holds.push((Instant::now(), hold(paid::ledger(home.path()))));
            }
        }
    }
    let (all, with_items) = read(editor.settle().await);
    (answered, shown) = (answered + all, shown + with_items);
    anyhow::ensure!(editor.shutdown().await == 0, "the server ended badly");
    for (_, holder) in holds {
        let _ = holder.join();
    }
    let (ledger, notice) = Ledger::open(Some(&paid::ledger(home.path())));
    anyhow::ensure!(notice.is_none(), "{}", notice.unwrap_or_default());
    let total = ledger.report(UNIX_EPOCH).map_err(anyhow::Error::msg)?.total;
    let (calls, estimated, booked) = (total.calls, total.estimated, total.cost);
    let bills: Vec<Bill> = providers.iter().map(FakeProvider::bill).collect();
    Ok(Soaked { answered, shown, bills, calls, estimated, booked, cap, memory_kb, threads })
}

/// Writes a configuration with a model of each provider.
fn configure(home: &Path, providers: &[FakeProvider], cap: f64) -> anyhow::Result<PathBuf> {
    let (first, others) = providers.split_first().context("a provider")?;
    let path = paid::configure(home, &first.base_url(), cap, "debounce_ms = 0")?;
    let mut file = std::fs::OpenOptions::new().append(true).open(&path)?;
    for (number, provider) in others.iter().enumerate() {
        file.write_all(paid::row(&format!("other-{number}"), &provider.base_url()).as_bytes())?;
    }
    Ok(path)
}

/// The providers: one that has each fault of a moment in its turn, and one for each refusal that rests a model or its account, for then the others
/// go on.
async fn providers(seed: u64) -> std::io::Result<Vec<FakeProvider>> {
    let mut all = vec![FakeProvider::start().await?];
    for refusal in refusals() {
        let (provider, number) = (FakeProvider::start().await?, AtomicU64::new(seed));
        provider.answers_by(move |_| match Random::new(number.fetch_add(1, Ordering::Relaxed)).below(5) {
            0 => Answer::default().with(refusal.clone()),
            _ => good(),
        });
        all.push(provider);
    }
    let number = AtomicU64::new(0);
    let moments =
        move |body: &Value| moment(Random::new(seed ^ number.fetch_add(1, Ordering::Relaxed)).below(48), body);
    if let Some(first) = all.first() {
        first.answers_by(moments);
    }
    Ok(all)
}

/// An answer as it should be. It takes its time, for no client can know of what was written at once and never read.
fn good() -> Answer {
    Answer { pace: Duration::from_millis(1), ..Answer::new(&PIECES) }
}

/// The answer to a request: most are well, and each kind of fault has its turn. Left out are those of which no client knows whether they are
/// billed, such as silence before the first byte: the ledger books them, and this provider does not bill them.
fn moment(turn: u64, body: &Value) -> Answer {
    let error = |status, retry: &str, message: &str| {
        Fault::Status(status, vec![("retry-after", retry.into())], json!({"error": {"message": message}}))
    };
    let told = json!({"prompt_tokens": input_tokens(body), "completion_tokens": 3});
    good().with(match turn {
        0 => error(429, "1", "slow down"),
        1 => error(500, "1", "no"),
        2 => error(503, "1", "later"),
        3 => Fault::HangAfterHead,
        4 => Fault::CutAfter(4),
        5 => Fault::ResetAfter(3),
        6 => Fault::MalformedAfter(2),
        7 => Fault::ErrorAfter(3, json!({"error": {"message": "overloaded", "type": "server_error"}})),
        8 => Fault::ErrorAfter(3, json!({"error": {"message": "overloaded", "type": "server_error"}, "usage": told})),
        9 => Fault::NoUsage,
        10 => Fault::NotStreamed,
        11 => Fault::StallAfter(5),
        // The whole answer, and then nothing.
        12 => Fault::StallAfter(PIECES.len()),
        13 => Fault::StallAfterFinish,
        // No text: all tokens were thoughts.
        14 => return Answer { pieces: vec![String::new(); 4096], ..good() },
        15 => Fault::Page(403, "text/html", "<html>Access denied</html>"),
        16 => error(429, "0", "slow down"),
        17 => error(503, "Thu, 01 Jan 2015 00:00:00 GMT", "later"),
        _ => Fault::None,
    })
}

/// What rests a model or an account for minutes.
fn refusals() -> Vec<Fault> {
    let error = |status, body| Fault::Status(status, Vec::new(), json!({"error": body}));
    vec![
        error(402, json!({"message": "Insufficient credits"})),
        Fault::Page(407, "text/html", "<html>Proxy Authentication Required</html>"),
        error(401, json!({"message": "the key expired"})),
        error(429, json!({"message": "the team's budget has been exceeded", "type": "budget_exceeded"})),
        error(400, json!({"type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 2048})),
        Fault::Status(429, vec![("retry-after", "86400".into())], json!({"error": {"message": "slow down"}})),
    ]
}

/// One who types, and their documents: the URI, the version and the keys so far.
struct Typist {
    random: Random,
    documents: Vec<(String, i32, u64)>,
    opened: u64,
}

impl Typist {
    async fn key(&mut self, editor: &mut Editor, key: u64) {
        let at = (key % DOCUMENTS) as usize;
        if self.documents.get(at).is_none_or(|(_, _, keys)| *keys >= KEYS_OF_A_DOCUMENT) {
            self.begin(editor, at).await;
        }
        let Some((uri, version, keys)) = self.documents.get_mut(at) else { return };
        let character = 4 + *keys;
        let typed = TYPED.get(*keys as usize % TYPED.len()).copied().unwrap_or(b' ');
        (*version, *keys) = (*version + 1, *keys + 1);
        let start = json!({"line": 2, "character": character});
        let change = json!([{"range": {"start": start, "end": start}, "text": char::from(typed).to_string()}]);
        editor.change(uri, *version, change).await;
        // A key asks for one in fifty, typing for the others.
        let kind = if self.random.below(50) == 0 { 1 } else { 2 };
        let position = json!({"line": 2, "character": character + 1});
        let place = json!({"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": kind}});
        let id = editor.send("textDocument/inlineCompletion", place).await;
        if self.random.below(10) == 0 {
            editor.cancel(id).await;
        }
    }

    /// Opens a document that nobody saw before, in place of an old one.
    async fn begin(&mut self, editor: &mut Editor, at: usize) {
        self.opened += 1;
        let fresh = (format!("file:///project/{}.rs", self.opened), 1, 0);
        editor.open(&fresh.0, "rust", 1, SOURCE).await;
        match self.documents.get_mut(at) {
            Some(old) => {
                let (uri, ..) = std::mem::replace(old, fresh);
                editor.close(&uri).await;
            }
            None => self.documents.push(fresh),
        }
    }
}

/// The number of answers, and how many hold a suggestion.
fn read(answers: HashMap<i64, Result<Value, Value>>) -> (u64, u64) {
    let shown = answers.values().flatten().filter(|result| result.pointer("/items/0").is_some());
    (answers.len() as u64, shown.count() as u64)
}

/// Holds the ledger's lock for longer than servers wait, as another program may.
fn hold(ledger: PathBuf) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let Ok(holder) = Connection::open(&ledger) else { return };
        if holder.execute_batch("BEGIN IMMEDIATE").is_ok() {
            std::thread::sleep(Duration::from_secs(3));
        }
    })
}

/// A number that Linux tells of a process, by its name.
fn status(process: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

impl Soaked {
    /// The memory after the first tenth, and the most after that, in kilobytes.
    pub fn growth_kb(&self) -> Option<(u64, u64)> {
        let (first, rest) = self.memory_kb.split_at_checked(self.memory_kb.len().div_ceil(10))?;
        Some((*first.iter().max()?, *rest.iter().max()?))
    }

    /// Calls on all bills.
    pub fn billed_calls(&self) -> u64 {
        self.bills.iter().map(|bill| bill.calls).sum()
    }

    /// The cost of all bills.
    pub fn billed(&self) -> Money {
        self.bills.iter().fold(Money::default(), |sum, bill| sum + paid::cost(*bill))
    }

    /// How far the ledger is off the bills, in percent.
    pub fn off(&self) -> f64 {
        (self.booked.usd() / self.billed().usd() - 1.0) * 100.0
    }

    /// What must hold after any number of keys.
    pub fn check(&self, keys: u64) -> anyhow::Result<()> {
        let billed = self.billed();
        anyhow::ensure!(self.answered == keys, "{} of {keys} requests were answered", self.answered);
        anyhow::ensure!(self.calls >= self.billed_calls(), "a call has no row: {self:?}");
        anyhow::ensure!(self.booked <= Money::from_usd(self.cap), "the cap did not hold: {self:?}");
        // Of an answer that was dropped, a busy machine may not have read all that was written and billed.
        let unread = Money::from_pico(paid::OUTPUT as i64).times(PIECES.len() as u64 * self.estimated);
        anyhow::ensure!(billed <= self.booked + unread, "{billed} were billed: {self:?}");
        // A call that was dropped before its request arrived is booked, and not billed.
        let off = self.off();
        anyhow::ensure!(off <= 10.0, "the ledger is {off:+.1} % off: {self:?}");
        anyhow::ensure!(self.threads <= THREADS, "{} threads: {self:?}", self.threads);
        if let Some((first, most)) = self.growth_kb() {
            // What the allocator keeps varies by some megabytes.
            anyhow::ensure!(most <= first + first / 10 + 8_192, "memory grew from {first} to {most} KB: {self:?}");
        }
        Ok(())
    }
}
