//! Recorded streams as a provider: the answer is the file that `base_url` names, whatever is asked. For tests and for work without a network.
//! It leaves reading the stream to the protocol it was recorded from.

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use pennyworth_core::models::{Model, Protocol};

use crate::answer::{Expected, decode};
use crate::error::{Kind, ProviderError};
use crate::{Chunk, Request};

/// Bytes given at once, small enough to split frames as a network does.
const PIECE: usize = 64;

/// The recorded answer.
pub(crate) fn ask(request: Request) -> impl Stream<Item = Result<Chunk, ProviderError>> {
    let expected = Expected::of(&request);
    stream::once(async move {
        let bytes = read(&request.model).await?;
        let pieces: Vec<_> = bytes.chunks(PIECE).map(<[u8]>::to_vec).map(Ok).collect();
        Ok::<_, ProviderError>(decode(Protocol::Replay, stream::iter(pieces).boxed(), expected))
    })
    .try_flatten()
}

/// Whether the recording can be read.
pub(crate) async fn probe(model: &Model) -> Result<(), ProviderError> {
    read(model).await.map(drop)
}

async fn read(model: &Model) -> Result<Vec<u8>, ProviderError> {
    tokio::fs::read(&model.base_url).await.map_err(|_| ProviderError::new(Kind::NotFound))
}
