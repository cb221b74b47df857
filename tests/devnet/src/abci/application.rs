//! What each ABCI request does to the chain.

use std::num::NonZeroU64;

use tendermint_proto::v0_38::abci::{
    self, Request, Response, request, response, response_apply_snapshot_chunk::Result as Applied,
    response_process_proposal::ProposalStatus, response_verify_vote_extension::VerifyStatus,
};

use super::response as answers;
use super::snapshots::Snapshots;
use crate::chain::{Chain, Spec, SpecError};
use crate::node::timestamp;

/// A chain behind ABCI.
#[derive(Debug)]
pub struct Application {
    chain: Chain,
    /// The last committed height, and the hash after it.
    committed: (i64, Vec<u8>),
    /// The block that was executed last, and what it gave.
    executed: Option<Executed>,
    retain: Option<NonZeroU64>,
    snapshots: Snapshots,
}

#[derive(Debug)]
struct Executed {
    height: i64,
    block_hash: Vec<u8>,
    response: abci::ResponseFinalizeBlock,
}

impl Application {
    /// The chain of `spec`, before its first block. A node that is further replays its blocks.
    ///
    /// # Errors
    ///
    /// When the specification contradicts itself.
    pub fn new(spec: Spec) -> Result<Application, SpecError> {
        let chain = Chain::new(spec)?;
        let committed = (0, chain.app_hash());
        let snapshots = Snapshots::default();
        Ok(Application { chain, committed, executed: None, retain: None, snapshots })
    }

    /// Lets the node keep only its last `blocks` blocks.
    #[must_use]
    pub fn retain_blocks(self, blocks: Option<NonZeroU64>) -> Application {
        Application { retain: blocks, ..self }
    }

    /// Takes a snapshot every so many blocks, for nodes that join by state sync.
    #[must_use]
    pub fn snapshot_every(self, blocks: Option<NonZeroU64>) -> Application {
        Application { snapshots: Snapshots::every(blocks), ..self }
    }

    /// The chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Answers a request.
    pub(super) fn handle(&mut self, request: Request) -> Response {
        use request::Value as Ask;
        use response::Value as Say;
        let value = match request.value {
            Some(Ask::Echo(echo)) => Say::Echo(abci::ResponseEcho { message: echo.message }),
            Some(Ask::Flush(_)) => Say::Flush(abci::ResponseFlush {}),
            Some(Ask::Info(_)) => Say::Info(self.info()),
            Some(Ask::InitChain(_)) => Say::InitChain(abci::ResponseInitChain {
                app_hash: self.chain.app_hash().into(),
                ..abci::ResponseInitChain::default()
            }),
            Some(Ask::Query(query)) => {
                let answer = self.chain.query(&query.path, &query.data, query.height);
                Say::Query(answers::query(answer))
            }
            Some(Ask::CheckTx(check)) => {
                Say::CheckTx(answers::check_tx(self.chain.check(&check.tx)))
            }
            Some(Ask::PrepareProposal(ask)) => Say::PrepareProposal(self.prepare(ask)),
            Some(Ask::ProcessProposal(_)) => Say::ProcessProposal(abci::ResponseProcessProposal {
                status: ProposalStatus::Accept.into(),
            }),
            Some(Ask::FinalizeBlock(ask)) => match self.finalize(ask) {
                Ok(response) => Say::FinalizeBlock(response),
                Err(error) => exception(error),
            },
            Some(Ask::Commit(_)) => Say::Commit(self.commit()),
            // Vote extensions are off; these answers are never used.
            Some(Ask::ExtendVote(_)) => Say::ExtendVote(abci::ResponseExtendVote::default()),
            Some(Ask::VerifyVoteExtension(_)) => {
                Say::VerifyVoteExtension(abci::ResponseVerifyVoteExtension {
                    status: VerifyStatus::Accept.into(),
                })
            }
            Some(Ask::ListSnapshots(_)) => {
                Say::ListSnapshots(abci::ResponseListSnapshots { snapshots: self.snapshots.list() })
            }
            Some(Ask::OfferSnapshot(offer)) => Say::OfferSnapshot(abci::ResponseOfferSnapshot {
                result: self.snapshots.offer(offer.snapshot).into(),
            }),
            Some(Ask::LoadSnapshotChunk(ask)) => {
                Say::LoadSnapshotChunk(abci::ResponseLoadSnapshotChunk {
                    chunk: self.snapshots.load(ask.height),
                })
            }
            Some(Ask::ApplySnapshotChunk(part)) => {
                Say::ApplySnapshotChunk(abci::ResponseApplySnapshotChunk {
                    result: self.restore(part.chunk).into(),
                    ..abci::ResponseApplySnapshotChunk::default()
                })
            }
            None => exception("a request without a value".to_owned()),
        };
        Response { value: Some(value) }
    }

    /// Where the application is: what was committed, not what was merely executed, so that a node
    /// that was killed in between asks for the block again.
    fn info(&self) -> abci::ResponseInfo {
        let (height, app_hash) = self.committed.clone();
        abci::ResponseInfo {
            last_block_height: height,
            last_block_app_hash: if height == 0 { Vec::new() } else { app_hash }.into(),
            ..answers::info(&self.chain)
        }
    }

    /// The script's transactions, then as many of the mempool's as fit.
    fn prepare(&self, ask: abci::RequestPrepareProposal) -> abci::ResponsePrepareProposal {
        let room = usize::try_from(ask.max_tx_bytes).unwrap_or(0);
        let scripted = self.chain.proposal(ask.height).into_iter().map(Into::into);
        let mut used = 0;
        let fits = |tx: &prost::bytes::Bytes| {
            used += tx.len();
            used <= room
        };
        let txs = scripted.chain(ask.txs).take_while(fits).collect();
        abci::ResponsePrepareProposal { txs }
    }

    fn finalize(
        &mut self,
        ask: abci::RequestFinalizeBlock,
    ) -> Result<abci::ResponseFinalizeBlock, String> {
        if let Some(executed) = &self.executed
            && executed.height == ask.height
        {
            return if executed.block_hash == ask.hash {
                Ok(executed.response.clone())
            } else {
                Err(format!("another block {} was executed already", ask.height))
            };
        }
        if ask.height != self.chain.height() + 1 {
            return Err(format!("block {} after block {}", ask.height, self.chain.height()));
        }
        let txs: Vec<Vec<u8>> = ask.txs.iter().map(|tx| tx.to_vec()).collect();
        let executed = self.chain.execute(ask.height, timestamp(ask.time), &txs);
        self.snapshots.record(&ask);
        let response = answers::finalize_block(executed);
        self.executed = Some(Executed {
            height: ask.height,
            block_hash: ask.hash.to_vec(),
            response: response.clone(),
        });
        Ok(response)
    }

    /// Takes a snapshot of another node for its own past.
    fn restore(&mut self, blocks: prost::bytes::Bytes) -> Applied {
        let applied = self.snapshots.apply(blocks, &mut self.chain);
        if applied == Applied::Accept {
            self.committed = (self.chain.height(), self.chain.app_hash());
        }
        applied
    }

    fn commit(&mut self) -> abci::ResponseCommit {
        let height = self.chain.height();
        self.committed = (height, self.chain.app_hash());
        self.snapshots.committed(height);
        let retain = self.retain.and_then(|blocks| i64::try_from(blocks.get()).ok());
        let retain_height = retain.map_or(0, |blocks| (height - blocks + 1).max(0));
        abci::ResponseCommit { retain_height }
    }
}

/// An error that stops the node.
fn exception(error: String) -> response::Value {
    response::Value::Exception(abci::ResponseException { error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Story;

    fn application() -> Application {
        Application::new(Spec::new(3, Story::load("default").unwrap())).unwrap()
    }

    fn finalize(height: i64, hash: &[u8]) -> Request {
        let ask = abci::RequestFinalizeBlock {
            height,
            hash: hash.to_vec().into(),
            ..abci::RequestFinalizeBlock::default()
        };
        Request { value: Some(request::Value::FinalizeBlock(ask)) }
    }

    fn commit() -> Request {
        Request { value: Some(request::Value::Commit(abci::RequestCommit {})) }
    }

    /// A node that is killed before `Commit` asks again; executing twice would change the state.
    #[test]
    fn a_block_that_is_finalized_again_is_not_executed_again() {
        let mut application = application();
        let first = application.handle(finalize(1, b"a"));
        assert_eq!(application.info().last_block_height, 0);
        assert_eq!(application.handle(finalize(1, b"a")), first);
        application.handle(commit());
        assert_eq!(application.info().last_block_height, 1);
        let other = application.handle(finalize(1, b"b")).value.unwrap();
        assert!(matches!(other, response::Value::Exception(_)), "{other:?}");
        let skipped = application.handle(finalize(3, b"c")).value.unwrap();
        assert!(matches!(skipped, response::Value::Exception(_)), "{skipped:?}");
    }

    #[test]
    fn a_new_application_replays_to_the_same_hash() {
        let run = || {
            let mut application = application();
            for height in 1..=30 {
                application.handle(finalize(height, &height.to_be_bytes()));
                application.handle(commit());
            }
            application.info()
        };
        let info = run();
        assert_eq!(info.last_block_height, 30);
        assert_eq!(info, run());
    }

    /// Drives a fresh application as state sync does, with what another one offers.
    #[test]
    fn a_snapshot_restores_to_the_same_hash_and_goes_on() {
        let mut old = application().snapshot_every(NonZeroU64::new(10));
        let advance = |application: &mut Application, heights: std::ops::RangeInclusive<i64>| {
            for height in heights {
                application.handle(finalize(height, &height.to_be_bytes()));
                application.handle(commit());
            }
        };
        advance(&mut old, 1..=20);
        let info = old.info();
        advance(&mut old, 21..=25);
        let offered = old.snapshots.list();
        assert_eq!(offered.iter().map(|s| s.height).collect::<Vec<_>>(), [10, 20]);

        let mut new = application().snapshot_every(NonZeroU64::new(10));
        let chunk = old.snapshots.load(20);
        assert_eq!(new.restore(chunk.clone()), Applied::RejectSnapshot, "nothing was offered");
        new.snapshots.offer(offered.last().cloned());
        assert_eq!(new.restore(chunk.slice(1..)), Applied::RejectSnapshot, "a part of it");
        new.snapshots.offer(offered.last().cloned());
        assert_eq!(new.restore(chunk), Applied::Accept);
        assert_eq!(new.info(), info);
        advance(&mut new, 21..=30);
        advance(&mut old, 26..=30);
        assert_eq!(new.info(), old.info());
        // It can serve the next one.
        assert_eq!(new.snapshots.load(30), old.snapshots.load(30));
        assert!(!new.snapshots.load(30).is_empty());
    }
}
