//! The page that shows where the money goes: one HTML file with all figures, charts and styles in it, which asks nobody for anything. It leaves the
//! figures to the ledger, and drawing to the page's own scripts in `assets/dashboard`.

use std::time::{Duration, SystemTime};

use anyhow::anyhow;

mod columns;
mod outlook;
mod page;
#[cfg(test)]
mod tests;

pub use page::{POLICY, SCRIPT, STYLE};

use self::columns::{Basis, Figures};
use self::outlook::Outlook;
use crate::ledger::{self, Cube, Ledger, Replies};
use crate::reports::advice::{self, Evidence, Lately};
use crate::reports::learned::Learned;
use crate::reports::stats::Against;
use crate::reports::trial::Trial;
use crate::settings::Settings;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days that the page shows: a year.
const DAYS: u32 = 366;

/// The page, from a ledger (`None` if there is none yet) and the settings. With `again`, it loads itself anew so often; with
/// `against`, it shows what a provider charged. It blocks: not for the task that serves.
///
/// # Errors
/// If the ledger cannot be read.
pub fn page(
    ledger: Option<&Ledger>,
    settings: &Settings,
    (again, against): (Option<Duration>, Option<&Against>),
) -> anyhow::Result<String> {
    let read = match ledger {
        Some(ledger) => Read::of(ledger, settings).map_err(|error| anyhow!("the ledger cannot be read: {error}"))?,
        None => Read::default(),
    };
    let Read { cube, replies, lately, learned, trial } = read;
    let evidence = Evidence::new(&lately, settings);
    let made = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    page::written(&Figures::new(Basis {
        made_ms: made.map_or(0, |since| since.as_millis()),
        again_ms: again.map(|again| again.as_millis()),
        outlook: Outlook::of(&lately.report, settings.caps(), evidence.today),
        cube,
        replies: &replies,
        evidence: &evidence,
        learned: &learned,
        advice: &advice::advice(&evidence),
        trial: trial.map(|trial| Trial::kept(trial).as_json()),
        against,
    }))
}

/// What the page rests on.
#[derive(Default)]
struct Read {
    cube: Cube,
    replies: Vec<Replies>,
    lately: Lately,
    learned: Learned,
    /// The last trial.
    trial: Option<ledger::Trial>,
}

impl Read {
    fn of(ledger: &Ledger, settings: &Settings) -> Result<Read, String> {
        let ago = |days: u32| SystemTime::now().checked_sub(DAY * days).unwrap_or(SystemTime::UNIX_EPOCH);
        // The longest part runs beside the others.
        std::thread::scope(|scope| {
            let cube = scope.spawn(|| ledger.cube(ago(DAYS)));
            let lately = Lately::read(ledger)?;
            let (replies, learned) = (ledger.replies("")?, Learned::read(ledger, &settings.models()));
            let trial = ledger.trial(None)?;
            let cube = cube.join().unwrap_or_else(|_| Err("reading it failed".into()))?;
            Ok(Read { cube, replies, lately, learned, trial })
        })
    }
}
