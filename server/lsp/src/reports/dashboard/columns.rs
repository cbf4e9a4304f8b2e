//! The figures as the page reads them: a list of numbers for each column, which takes a fifth of the room of objects. It leaves adding up to the
//! page's `figures.js`, which knows these names.

use std::collections::BTreeMap;

use pennyworth_core::models::{Model, Price};
use serde::Serialize;
use serde_json::Value;
use time::Date;

use super::outlook::Outlook;
use crate::complete::silence::{Kind, SILENCES};
use crate::ledger::{Cell, Cube, Dear, Errors, Key, Names, Replies, Sureness};
use crate::reports::advice::{Advice, Evidence, Saving};
use crate::reports::learned::Learned;
use crate::reports::models::{date, notes};
use crate::reports::stats::Against;

/// Picodollars of a nanodollar: the page counts money in these, and no sum of a year loses a digit.
const NANO: i64 = 1000;

/// Columns by their names.
type Columns = BTreeMap<&'static str, Vec<i64>>;
/// A column's name, and its value in a row.
type Column<T> = (&'static str, fn(&T) -> i64);

/// Everything on the page.
#[derive(Serialize)]
pub(super) struct Figures<'a> {
    program: &'static str,
    made_ms: u128,
    /// Milliseconds after which the page loads itself anew.
    again_ms: Option<u128>,
    outlook: Outlook,
    names: BTreeMap<&'static str, Vec<String>>,
    cells: Columns,
    /// Of each cell, pairs of a step and the calls in it.
    waits: Vec<Vec<u32>>,
    sureness: Columns,
    errors: Columns,
    dearest: Columns,
    replies: Columns,
    /// By its id, the kind of each reason and what it says.
    reasons: BTreeMap<&'static str, (&'static str, &'static str)>,
    models: Vec<OfModel<'a>>,
    learned: &'a Learned,
    advice: Vec<Piece>,
    advice_days: u32,
    /// The last trial, as `pennyworth trial --json` prints it.
    trial: Option<Value>,
    against: Option<&'a Against>,
}

#[derive(Serialize)]
struct OfModel<'a> {
    name: &'a str,
    tier: String,
    is_here: bool,
    /// US dollars per million tokens.
    price: [f64; 3],
    /// The share of the price that a batch pays.
    batch: Option<f64>,
    as_of: &'a str,
    /// Age of the price in days; `None` for a model that costs nothing.
    age: Option<i64>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Piece {
    text: String,
    saving: Option<Saving>,
    lines: Vec<String>,
}

/// The columns of the sums.
const CELLS: [Column<Cell>; 29] = [
    ("day", |cell| cell.key.day.into()),
    ("model", |cell| cell.key.model.into()),
    ("task", |cell| cell.key.task.into()),
    ("language", |cell| cell.key.language.into()),
    ("provider", |cell| cell.key.provider.into()),
    ("calls", |cell| cell.calls.cast_signed()),
    ("estimated", |cell| cell.estimated.cast_signed()),
    ("failed", |cell| cell.failed.cast_signed()),
    ("aborted", |cell| cell.aborted.cast_signed()),
    ("outrun", |cell| cell.outrun.cast_signed()),
    ("input", |cell| cell.input),
    ("cached", |cell| cell.cached),
    ("output", |cell| cell.output),
    ("cost", |cell| cell.cost / NANO),
    ("answers", |cell| cell.answers.cast_signed()),
    ("allowed", |cell| cell.allowed),
    ("used", |cell| cell.used),
    ("cutOff", |cell| cell.cut_off.cast_signed()),
    ("early", |cell| cell.early.cast_signed()),
    ("earlyCost", |cell| cell.early_cost / NANO),
    ("batched", |cell| cell.batched.cast_signed()),
    ("batchedCost", |cell| cell.batched_cost / NANO),
    ("shown", |cell| cell.shown.cast_signed()),
    ("accepted", |cell| cell.accepted.cast_signed()),
    ("fromCache", |cell| cell.from_cache.cast_signed()),
    ("fromLines", |cell| cell.from_lines.cast_signed()),
    ("chars", |cell| cell.chars),
    ("checked", |cell| cell.checked),
    ("kept", |cell| cell.kept),
];

const SURENESS: [Column<Sureness>; 7] = [
    ("model", |sure| sure.key.model.into()),
    ("task", |sure| sure.key.task.into()),
    ("language", |sure| sure.key.language.into()),
    ("tenth", |sure| sure.tenth.into()),
    // In thousandths.
    ("said", |sure| (sure.said * 1000.0).round() as i64),
    ("shown", |sure| sure.shown.cast_signed()),
    ("right", |sure| sure.right.cast_signed()),
];

const ERRORS: [Column<Errors>; 7] = [
    ("day", |errors| errors.key.day.into()),
    ("model", |errors| errors.key.model.into()),
    ("task", |errors| errors.key.task.into()),
    ("language", |errors| errors.key.language.into()),
    ("provider", |errors| errors.key.provider.into()),
    ("word", |errors| errors.word.into()),
    ("calls", |errors| errors.count.cast_signed()),
];

const DEAREST: [Column<Dear>; 12] = [
    ("day", |call| call.key.day.into()),
    ("model", |call| call.key.model.into()),
    ("task", |call| call.key.task.into()),
    ("language", |call| call.key.language.into()),
    ("provider", |call| call.key.provider.into()),
    ("at", |call| call.at_ms),
    ("word", |call| call.status.into()),
    ("input", |call| call.input),
    ("cached", |call| call.cached),
    ("output", |call| call.output),
    ("cost", |call| call.cost / NANO),
    ("total", |call| call.total_ms),
];

/// What requests got, with the numbers of the names.
type Replied = (Key, u16, u64);

const REPLIES: [Column<Replied>; 5] = [
    ("day", |(key, ..)| key.day.into()),
    ("task", |(key, ..)| key.task.into()),
    ("language", |(key, ..)| key.language.into()),
    ("word", |(_, word, _)| (*word).into()),
    ("requests", |(.., count)| count.cast_signed()),
];

/// What the figures are made of.
pub(super) struct Basis<'a> {
    pub(super) made_ms: u128,
    pub(super) again_ms: Option<u128>,
    pub(super) outlook: Outlook,
    pub(super) cube: Cube,
    pub(super) replies: &'a [Replies],
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) learned: &'a Learned,
    pub(super) advice: &'a [Advice],
    pub(super) trial: Option<Value>,
    pub(super) against: Option<&'a Against>,
}

impl<'a> Figures<'a> {
    pub(super) fn new(basis: Basis<'a>) -> Figures<'a> {
        let Basis { made_ms, again_ms, outlook, mut cube, replies, evidence, learned, advice, trial, against } = basis;
        let replied: Vec<Replied> = replies.iter().map(|replies| replied(&mut cube, replies)).collect();
        Figures {
            program: env!("CARGO_PKG_VERSION"),
            made_ms,
            again_ms,
            outlook,
            cells: columns(&CELLS, &cube.cells),
            waits: cube.cells.iter().map(|cell| flat(&cell.waits)).collect(),
            sureness: columns(&SURENESS, &cube.sureness),
            errors: columns(&ERRORS, &cube.errors),
            dearest: columns(&DEAREST, &cube.dearest),
            replies: columns(&REPLIES, &replied),
            names: names(cube),
            reasons: SILENCES.iter().map(|silence| (silence.id, (kind(silence.kind), silence.said))).collect(),
            models: evidence.models.enabled().map(|model| OfModel::of(model, evidence.today)).collect(),
            learned,
            advice: advice.iter().map(Piece::of).collect(),
            advice_days: evidence.days,
            trial,
            against,
        }
    }
}

/// What requests got, with the numbers that the cube gives its names.
fn replied(cube: &mut Cube, replies: &Replies) -> Replied {
    let key = Key {
        day: cube.days.number(&replies.day),
        task: cube.tasks.number(&replies.task),
        language: cube.languages.number(&replies.language),
        ..Key::default()
    };
    (key, cube.words.number(&replies.reply), replies.count)
}

fn columns<T>(columns: &[Column<T>], rows: &[T]) -> Columns {
    columns.iter().map(|(name, value)| (*name, rows.iter().map(value).collect())).collect()
}

fn flat(waits: &[(u8, u32)]) -> Vec<u32> {
    waits.iter().flat_map(|(step, calls)| [u32::from(*step), *calls]).collect()
}

fn names(cube: Cube) -> BTreeMap<&'static str, Vec<String>> {
    let Cube { days, models, tasks, languages, providers, words, .. } = cube;
    let all = |names: Names| names.all().to_vec();
    BTreeMap::from([
        ("day", all(days)),
        ("model", all(models)),
        ("task", all(tasks)),
        ("language", all(languages)),
        ("provider", all(providers)),
        ("word", all(words)),
    ])
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Gated => "a call would have brought nothing",
        Kind::TypedOn => "you typed on",
        Kind::Settings => "settings and protection",
        Kind::Answers => "nothing sure enough, or nothing that fits",
        Kind::Trouble => "a model could not be asked, or failed",
    }
}

impl<'a> OfModel<'a> {
    fn of(model: &'a Model, today: Date) -> OfModel<'a> {
        let Price { input, cached, output, batch, as_of, .. } = &model.price;
        let age = date(as_of).map(|day| (today - day).whole_days());
        OfModel {
            name: &model.name,
            tier: model.tier.to_string(),
            is_here: model.code_stays_here(),
            price: [input, cached, output].map(|price| price.usd() * 1e6),
            batch: *batch,
            as_of,
            age: age.filter(|_| !model.is_free()),
            notes: notes(model, today),
        }
    }
}

impl Piece {
    fn of(advice: &Advice) -> Piece {
        let lines = advice.lines.iter().map(ToString::to_string).collect();
        Piece { text: advice.text.clone(), saving: advice.saving, lines }
    }
}
