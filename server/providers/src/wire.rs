//! What a wire protocol is: the few things in which the protocols differ, one value of [`Wire`] each. A new protocol is a file with such a value,
//! an arm here and its name in core's `models`. It leaves sending to `call` and reading bytes to `answer`.

use pennyworth_core::models::Protocol;
use serde_json::{Map, Value};

use crate::answer::Heard;
use crate::error::ProviderError;
use crate::frames::Framing;
use crate::{Request, anthropic, gemini, llamacpp, ollama, openai, tgi};

/// A wire protocol.
pub(crate) struct Wire {
    /// The path below the model's address.
    pub(crate) path: fn(&Request) -> String,
    /// The fields of a request, but for the row's own and the ceiling.
    pub(crate) body: fn(&Request) -> Map<String, Value>,
    /// The tables and the field that hold the output ceiling.
    pub(crate) ceiling: (&'static [&'static str], &'static str),
    /// The ceiling of a request that only has the prompt read into the server's cache; `None` where that is not free or not possible.
    pub(crate) warms_with: Option<u32>,
    /// Reads a frame. Frames that hold an `error` do not come here.
    pub(crate) read: fn(&mut Heard, &Value) -> Result<(), ProviderError>,
    /// What separates frames.
    pub(crate) framing: Framing,
    /// The path that is asked whether the address answers.
    pub(crate) probe: &'static str,
    /// The header that holds the key as it is; without one it is the bearer token.
    pub(crate) key_header: Option<&'static str>,
    /// Headers that each request carries.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

/// The ceiling of a request that only has a model loaded and the prompt read into its server's cache, which is free on this machine;
/// `None` where the protocol knows no such thing.
pub fn warms_with(protocol: Protocol) -> Option<u32> {
    wire(protocol).warms_with
}

/// The protocol of a name. A recording is read as what it was recorded from.
pub(crate) fn wire(protocol: Protocol) -> &'static Wire {
    match protocol {
        Protocol::Openai | Protocol::Replay => &openai::WIRE,
        Protocol::Anthropic => &anthropic::WIRE,
        Protocol::Gemini => &gemini::WIRE,
        Protocol::Ollama => &ollama::WIRE,
        Protocol::Llamacpp => &llamacpp::WIRE,
        Protocol::Tgi => &tgi::WIRE,
    }
}
