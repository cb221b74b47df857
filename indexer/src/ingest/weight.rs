//! How much memory a block takes while it waits.

use bootwatch_rules::BlockFacts;

/// About the bytes of a block's facts: what they own, without the allocator's own.
pub(crate) fn weight(facts: &BlockFacts) -> usize {
    /// Two addresses or ids, a path, and the structure itself.
    const MESSAGE: usize = 256;
    let events = facts.events.iter().map(|event| {
        let texts = event.attributes.iter().map(|(key, value)| 64 + key.len() + value.len());
        128 + texts.sum::<usize>()
    });
    let malformed = facts.malformed.iter().map(|m| 128 + m.reason.len() + m.raw.len());
    let messages = facts.choices.len() + facts.commits.len() + facts.distributions.len();
    512 + (messages + facts.captures.len()) * MESSAGE
        + events.sum::<usize>()
        + malformed.sum::<usize>()
}
