//! The models that a route leaves out while the user types, because they usually answer after the deadline: the user is told of them, since no
//! call fails. It leaves which ones these are to `core::route`.

use std::time::Instant;

use pennyworth_core::gate::Trigger;
use pennyworth_core::route::Why;
use pennyworth_providers::{Kind, ProviderError};

use super::completer::Completer;
use super::decision::Decision;
use crate::ledger::provider;
use crate::models::health::{Again, account};
use crate::models::troubles::{PATIENCE, Problem};

/// Notes which models the plan of a request leaves out because they are too slow, and which ones it has again.
pub(super) fn tell_slow(completer: &Completer, decision: &Decision) {
    let Some(plan) = decision.plan.as_ref().filter(|_| decision.request.trigger != Trigger::Invoked) else { return };
    let (troubles, task) = (&completer.providers.troubles, plan.task);
    troubles.are_in(plan.route.steps.iter().map(|step| step.model.as_str()), task.name());
    let slow = plan.route.skipped.iter().filter(|skipped| skipped.why == Why::TooSlow);
    for model in slow.filter_map(|skipped| decision.configuration.models.get(&skipped.model)) {
        // Without a time it is asked again once it has answered faster, or the settings have changed.
        let until = completer.left_out(&model.name).map(|left| Instant::now() + left);
        let kind = Kind::FirstByte;
        let problem = Problem {
            kind: format!("{kind:?}"),
            what: format!("it usually answers after the deadline of `tasks.{task}`"),
            remedy: ProviderError::new(kind).remedy().map(str::to_owned),
            told_after: PATIENCE,
            again: Some(until.map_or(Again::Changed, Again::At)),
        };
        troubles.left_out(&model.name, task.name(), &account(provider(model), model), problem);
    }
}
