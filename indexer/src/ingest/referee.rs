//! Endpoints that disagree about a block, asked again until it is known who is wrong.
//!
//! One that holds another block long before is of another chain: it is left alone, and the others go
//! on. When both hold our chain up to there, nobody here can know who is right: nothing is taken in
//! until they agree again, or one of them is gone.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::endpoints::{Disagreement, Endpoints, Evidence, Known};

/// Between two rounds of questions.
const PAUSE: Duration = Duration::from_secs(5);

/// Never ends by itself.
pub(crate) async fn arbitrate(endpoints: Arc<Endpoints>) {
    let mut changes = endpoints.changes();
    loop {
        match endpoints.disagreement() {
            Some(differ) => {
                examine(&endpoints, &differ).await;
                if endpoints.disagreement().is_some() {
                    sleep(PAUSE).await;
                }
            }
            None => {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn examine(endpoints: &Endpoints, differ: &Disagreement) {
    for (index, _) in &differ.sides {
        if let Some(known) = endpoints.anchor(*index, differ.height)
            && let Some(evidence) = contradiction(endpoints, *index, &known).await
        {
            endpoints.note_foreign(*index, evidence);
            continue;
        }
        match endpoints.rpc(*index).hash_at(differ.height).await {
            Ok(hash) => {
                endpoints.note_hash(*index, differ.height, &hash);
            }
            Err(error) => tracing::debug!(%error, "a disputed block cannot be looked at"),
        }
    }
}

/// Asks twice: behind one URL may be many nodes.
async fn contradiction(endpoints: &Endpoints, index: usize, known: &Known) -> Option<Evidence> {
    let mut theirs = String::new();
    for _ in 0..2 {
        theirs = endpoints.rpc(index).hash_at(known.height).await.ok()?;
        if theirs == known.hash {
            return None;
        }
    }
    theirs.truncate(theirs.floor_char_boundary(64));
    Some(Evidence { height: known.height, ours: known.hash.clone(), theirs })
}
