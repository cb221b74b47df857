//! What endpoints answered, made into headers and blocks.

use std::collections::BTreeMap;

use bootwatch_rules::Height;

use crate::{
    chain::{Batch, ChainError, Reply, Rpc},
    decode::{self, Decoded, Meta},
};

/// Bodies larger than this are read on a thread of their own.
const LARGE: usize = 256 << 10;

/// Reads so many bytes: on a thread that may block where they are many.
pub(super) async fn aside<T: Send + 'static>(
    bytes: usize,
    read: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= LARGE {
        return read();
    }
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Adds the headers of an answer, each linked to the one before it.
pub(super) fn metas(
    rpc: &Rpc,
    batch: &Batch,
    metas: &mut BTreeMap<Height, Meta>,
) -> Result<(), ChainError> {
    for reply in batch.read()? {
        let Ok(Reply::Metas(answer)) = reply else { continue };
        for meta in answer.block_metas.0.iter().filter_map(|meta| meta.0.as_ref()) {
            let at = meta.header.height.0.unwrap_or_default();
            let meta = Meta::read(rpc.chain_id(), meta)
                .map_err(|error| rpc.contradiction(at, error.to_string()))?;
            metas.insert(meta.height(), meta);
        }
    }
    for ((_, below), (height, above)) in metas.iter().zip(metas.iter().skip(1)) {
        if below.height() + 1 == *height && below.hash() != above.parent() {
            let reason =
                format!("it follows {}, the block before it is {}", above.parent(), below.hash());
            return Err(rpc.contradiction(*height, reason));
        }
    }
    Ok(())
}

/// What one request gave: blocks from its first height on, and what ended them early.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) blocks: Vec<Decoded>,
    pub(super) error: Option<ChainError>,
}

/// Reads the blocks of one request, whose replies are in the order of `wanted`: the block, unless
/// its header says that it is empty, then its results.
pub(super) fn part(
    chain_id: &str,
    batches: &[Batch],
    wanted: &[(Height, Option<Meta>)],
) -> Result<Part, ChainError> {
    let mut replies = Vec::new();
    for batch in batches {
        replies.extend(batch.read()?);
    }
    let mut replies = replies.into_iter();
    let mut part = Part::default();
    for (height, meta) in wanted {
        let wrong = |reason: String| batches[0].contradiction(*height, reason);
        let mut reply = || replies.next().unwrap_or_else(|| Err(wrong("it is missing".to_owned())));
        let block = one(chain_id, *height, meta.as_ref(), &mut reply, &wrong);
        match block {
            Ok(block) => part.blocks.push(block),
            Err(error) => {
                part.error = Some(error);
                break;
            }
        }
    }
    Ok(part)
}

fn one<'a>(
    chain_id: &str,
    height: Height,
    meta: Option<&Meta>,
    reply: &mut impl FnMut() -> Result<Reply<'a>, ChainError>,
    wrong: &impl Fn(String) -> ChainError,
) -> Result<Decoded, ChainError> {
    let mismatch = || wrong("another answer than was asked for".to_owned());
    let decoded = if let Some(meta) = meta.filter(|meta| meta.is_empty()) {
        let Reply::Results(results) = reply()? else { return Err(mismatch()) };
        decode::empty(meta, &results)
    } else {
        let Reply::Block(block) = reply()? else { return Err(mismatch()) };
        let Reply::Results(results) = reply()? else { return Err(mismatch()) };
        decode::proven(chain_id, height, &block, &results)
    };
    let decoded = decoded.map_err(|error| wrong(error.to_string()))?;
    if let Some(meta) = meta {
        meta.check(&decoded.facts).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(decoded)
}
