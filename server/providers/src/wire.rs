//! What a wire protocol is: the few things in which protocols differ, as one value of [`Wire`] each. It leaves sending to `call` and reading
//! bytes to `answer`.

use serde_json::{Map, Value};

use crate::error::ProviderError;
use crate::frames::Framing;
use crate::heard::Heard;
use crate::request::Request;

/// A wire protocol.
pub(crate) struct Wire {
    /// The path below the model's address.
    pub(crate) path: fn(&Request) -> String,
    /// The fields of a request, without the row's own and the ceiling.
    pub(crate) body: fn(&Request) -> Map<String, Value>,
    /// The tables and the field that hold the output ceiling.
    pub(crate) ceiling: (&'static [&'static str], &'static str),
    /// The ceiling of a request that only makes the server cache the prompt; `None` where that is not free or not possible.
    pub(crate) warms_with: Option<u32>,
    /// Reads a frame. `answer` handles frames with an `error`.
    pub(crate) read: fn(&mut Heard, &Value) -> Result<(), ProviderError>,
    /// What separates frames.
    pub(crate) framing: Framing,
    /// The path that a probe requests.
    pub(crate) probe: &'static str,
    /// The header for the bare key; without one the key is the bearer token.
    pub(crate) key_header: Option<&'static str>,
    /// Headers that each request carries.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}
