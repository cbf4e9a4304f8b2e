//! The file of each protocol. A new protocol is a file with a [`Wire`], an arm here and a name in core's `models`.
//! It leaves what a protocol is to `wire`.

use pennyworth_core::models::Protocol;

use crate::wire::Wire;
use crate::{anthropic, gemini, llamacpp, ollama, openai, tgi};

/// The ceiling of a request that only makes a server load a model and cache the prompt, which is free on this machine;
/// `None` if the protocol has no such request.
pub fn warms_with(protocol: Protocol) -> Option<u32> {
    wire(protocol).warms_with
}

/// The wire protocol of a name.
pub(crate) fn wire(protocol: Protocol) -> &'static Wire {
    match protocol {
        Protocol::Openai => &openai::WIRE,
        Protocol::Anthropic => &anthropic::WIRE,
        Protocol::Gemini => &gemini::WIRE,
        Protocol::Ollama => &ollama::WIRE,
        Protocol::Llamacpp => &llamacpp::WIRE,
        Protocol::Tgi => &tgi::WIRE,
    }
}
