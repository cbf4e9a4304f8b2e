//! Whether the rules still allow what was planned earlier: a job that waited in the queue is checked once more before it is sent. It leaves the
//! rules of a place to `settings`, and planning to `job`.

use std::path::PathBuf;

use pennyworth_core::models::Model;
use pennyworth_core::route::Privacy;
use pennyworth_core::task::{Enabled, Task, Tier};

use super::files::closed;
use crate::settings::{Configuration, Scope};

/// Why a model may not see these files for a task, by the rules of now, without a path. It blocks on the rules of their folders.
pub fn disallowed(configuration: &Configuration, task: Task, model: &Model, files: &[PathBuf]) -> Option<String> {
    files.iter().find_map(|path| {
        let scope = configuration.read(path);
        // The text that was read is the one that is sent, so only what the place says can be new.
        let language = pennyworth_grammars::of("", path, "");
        closed(&scope, language, "").or_else(|| of_model(&scope, task, model))
    })
}

fn of_model(scope: &Scope, task: Task, model: &Model) -> Option<String> {
    let (row, settings) = (scope.tasks.row(task), &scope.settings);
    let pin = settings.pin(task);
    let goes_nowhere = match settings.privacy() {
        Privacy::Named => row.enabled == Enabled::Local && !model.code_stays_here(),
        Privacy::Local | Privacy::Faulty => !model.code_stays_here(),
        Privacy::Embedded => true,
    };
    let why = match () {
        () if row.enabled == Enabled::Off => format!("`tasks.{task}.enabled` is off"),
        () if goes_nowhere => "its code may not go to this model".to_owned(),
        () if pin.is_some_and(|pin| pin != model.name) => "another model is pinned".to_owned(),
        () if pin.is_none() && !row.route.contains(&model.tier) => {
            format!("no model of the tier {} serves the task", model.tier)
        }
        () if model.tier == Tier::Premium && !settings.escalate && pin.is_none() => "`escalate` is false".to_owned(),
        () => return None,
    };
    Some(why)
}
