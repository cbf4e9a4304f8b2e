//! What can go wrong with a call, and what to do next. Messages name statuses and codes, never text of a prompt or an answer.
//! It leaves which answer means what to `refusal`, and acting on it to the server.

use std::fmt;
use std::time::Duration;

/// What to do after a failed call. The next model of the route may be tried after each, except after [`Next::Fatal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Leave the provider alone for this long; without a time, for as long as its breaker says.
    RetryAfter(Option<Duration>),
    /// Leave the provider alone: every call with this key will fail until something changes there.
    Rest(Pace),
    /// Leave the model alone: the provider's other models may work.
    RestModel(Pace),
    /// Leave the model alone until the configuration changes, if this was not the first time: every call costs money and gives nothing.
    StopModel,
    /// Ask the next model: this one works but cannot serve this request.
    NextModel,
    /// No call will work: the program or its surroundings are broken.
    Fatal,
}

/// How long something rests. The pause doubles with each further failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// From a second to a minute: the provider is down, or busy.
    #[default]
    Seconds,
    /// From a minute to ten: something between us and the provider, or a model that is not there yet.
    Minutes,
    /// From five minutes to an hour: the key or the account has to change.
    Account,
    /// From half an hour to four hours: a budget or a day's allowance is spent, which time alone refills.
    Budget,
}

impl Pace {
    /// The pause after this many failures in a row before the last one.
    pub fn pause(self, failures: u32) -> Duration {
        let (first, longest) = match self {
            Pace::Seconds => (1, 60),
            Pace::Minutes => (60, 600),
            Pace::Account => (300, 3600),
            Pace::Budget => (1800, 4 * 3600),
        };
        Duration::from_secs(first).saturating_mul(1 << failures.min(16)).min(Duration::from_secs(longest))
    }
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The HTTP client cannot be built, or the request cannot be written.
    Client,
    /// No connection.
    Connect,
    /// The provider's certificate is not trusted.
    Certificate,
    /// Connected, but the answer did not begin in time.
    FirstByte,
    /// The answer did not end in time.
    Deadline,
    /// The connection broke, or ended before the answer did.
    CutOff,
    /// The answer does not follow the protocol.
    Malformed,
    /// The answer is larger than any answer should be.
    TooLarge,
    /// The provider failed.
    Server,
    /// Too many requests.
    RateLimited,
    /// No money is left with the provider.
    Quota,
    /// A budget, or what is allowed in a day or month, is spent.
    Budget,
    /// The key is missing, wrong or not allowed.
    Key,
    /// A proxy wants to know who asks.
    Proxy,
    /// A firewall or filter refuses this request.
    Blocked,
    /// The provider knows no such path or model.
    NotFound,
    /// The provider refuses a field of the request.
    Refused,
    /// The model, or the server for it, cannot fill in the middle.
    NoInfill,
    /// The prompt is too long for the model.
    TooLong,
    /// The model spent its tokens on thinking, and wrote nothing.
    Thought,
    /// The provider redirected to another host.
    Redirect,
    /// The model's code must stay on this machine, but the model runs elsewhere.
    Elsewhere,
    /// The model's code must stay on this machine, and its server fails to say where the model runs.
    Unplaced,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ProviderError {
    /// What went wrong.
    pub kind: Kind,
    /// What to do next.
    pub next: Next,
    /// The HTTP status, if one came.
    pub status: Option<u16>,
    /// The provider's own code for it, if it is a plain word.
    pub code: Option<String>,
    /// What a refusal of a long prompt says about lengths.
    pub lengths: Option<Lengths>,
}

/// Lengths in tokens, as a refusal of a long prompt names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    /// Size of the model's context.
    pub context: Option<u32>,
    /// Length of the refused prompt.
    pub prompt: Option<u32>,
}

impl ProviderError {
    /// An error without an answer.
    pub fn new(kind: Kind) -> ProviderError {
        let next = match kind {
            Kind::Client => Next::Fatal,
            Kind::Connect | Kind::FirstByte | Kind::Deadline | Kind::CutOff | Kind::Server => Next::RetryAfter(None),
            Kind::RateLimited | Kind::Unplaced => Next::RetryAfter(None),
            Kind::Quota | Kind::Key => Next::Rest(Pace::Account),
            Kind::Budget => Next::Rest(Pace::Budget),
            // It may be the login page of a network, which goes away.
            Kind::Certificate | Kind::Redirect | Kind::Proxy => Next::Rest(Pace::Minutes),
            Kind::NotFound | Kind::NoInfill | Kind::Elsewhere => Next::RestModel(Pace::Minutes),
            Kind::Thought => Next::StopModel,
            Kind::Malformed | Kind::TooLarge | Kind::TooLong | Kind::Refused | Kind::Blocked => Next::NextModel,
        };
        ProviderError { kind, next, status: None, code: None, lengths: None }
    }

    /// Whether the provider may bill the call although no usage came: it had the request and did not refuse it.
    pub fn may_be_billed(&self) -> bool {
        match self.kind {
            Kind::FirstByte | Kind::Deadline | Kind::CutOff | Kind::Malformed | Kind::TooLarge | Kind::Thought => true,
            // An error status came instead of an answer.
            Kind::Server => self.status.is_none(),
            Kind::Client | Kind::Connect | Kind::Certificate | Kind::RateLimited | Kind::Quota | Kind::Key => false,
            Kind::NotFound | Kind::NoInfill | Kind::Refused | Kind::TooLong | Kind::Redirect => false,
            Kind::Budget | Kind::Proxy | Kind::Blocked | Kind::Elsewhere | Kind::Unplaced => false,
        }
    }

    /// What the user can do about it; `None` if nothing but wait.
    pub fn remedy(&self) -> Option<&'static str> {
        Some(match self.kind {
            Kind::Certificate => "add your authority's certificate to the system's, or set SSL_CERT_FILE on Linux",
            Kind::Connect => "start its server, or check `base_url`, the network and the proxy",
            Kind::FirstByte | Kind::Deadline => "raise `deadline_ms` of the tasks, or use a faster model",
            Kind::Quota => "pay at the provider, or use another model",
            Kind::Budget => "raise the budget at the provider or proxy, or use another model",
            Kind::Key => "check the key that its row names, and what the key may do",
            Kind::Proxy => {
                "run `pennyworth check`, which says what the proxy answers; log in to it, or put user and password into HTTPS_PROXY"
            }
            Kind::NotFound => "check `base_url` and `model`, and whether the key may use the model",
            Kind::NoInfill => "give its row a `raw` or `chat` format",
            Kind::Blocked => "log in to the network, or check `base_url`",
            Kind::Redirect => "log in to the network, or correct `base_url`",
            Kind::Elsewhere => "to use it, give it a row of your own with the tier `cheap` or `premium` and a price",
            Kind::Unplaced => "restart its server, and see its log",
            Kind::Refused => "run `pennyworth check --online`, and see the log for the refused field",
            Kind::TooLong => "start its server with a larger context, or use another model",
            Kind::Malformed | Kind::TooLarge => "check `protocol` and `base_url`",
            Kind::Client | Kind::CutOff | Kind::Server | Kind::RateLimited => return None,
            Kind::Thought => return None,
        })
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Client => "the request could not be made",
            Kind::Connect => "no connection to the provider",
            Kind::Certificate => "the provider's certificate is not trusted",
            Kind::FirstByte => "the provider did not begin to answer in time",
            Kind::Deadline => "the answer did not end in time",
            Kind::CutOff => "the answer was cut off",
            Kind::Malformed => "the answer does not follow the protocol",
            Kind::TooLarge => "the answer is too large",
            Kind::Server => "the provider failed",
            Kind::RateLimited => "too many requests",
            Kind::Quota => "no money is left with the provider",
            Kind::Budget => "the budget or allowance at the provider is spent",
            Kind::Key => "the API key is missing, wrong or not allowed",
            Kind::Proxy => "the proxy refuses the connection",
            Kind::Blocked => "a firewall or filter refuses this request",
            Kind::NotFound => "the provider knows no such path or model",
            Kind::Refused => "the provider refuses the request",
            Kind::NoInfill => "this model cannot fill in the middle there",
            Kind::TooLong => "the prompt is too long for the model",
            Kind::Thought => "the model spends all its tokens on thinking, and writes nothing",
            Kind::Redirect => "the provider redirects to another host, which is not followed",
            Kind::Elsewhere => "the model runs on another machine, though its row is `local`; no code is sent to it",
            Kind::Unplaced => {
                "its server does not say where the model runs, though its row is `local`; no code is sent to it"
            }
        })?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " (HTTP {status}, {code})"),
            (Some(status), None) => write!(f, " (HTTP {status})"),
            (None, Some(code)) => write!(f, " ({code})"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        for (pace, pauses) in [
            (Pace::Seconds, [1, 2, 4, 60]),
            (Pace::Minutes, [60, 120, 240, 600]),
            (Pace::Account, [300, 600, 1200, 3600]),
            (Pace::Budget, [1800, 3600, 7200, 14_400]),
        ] {
            assert_eq!([0, 1, 2, u32::MAX].map(|failures| pace.pause(failures).as_secs()), pauses, "{pace:?}");
        }
    }
}
