//! Taking one block in: observation, ledger, alerts, store, Situation.

use std::sync::Arc;

use bootwatch_rules::{
    BlockFacts, Height, Observation, RuleSet,
    forecast::KeptForecast,
    ledger::{Cause, Changes, Ledger},
    situation::RuleMismatch,
};
use jiff::Timestamp;

use super::{Follow, NEAR, begin::is_base, gap::Unproven, show::PROGRESS};
use crate::{
    decode::Proof,
    ingest::{
        audit,
        endpoints::Known,
        error::IngestError,
        observe::observe,
        reorder::Waiting,
        writer::{Batch, Run},
    },
    metrics::BlockSource,
};

/// The chain's state is read at least once in that many blocks.
const STATE_EVERY: Height = 300;

impl Follow {
    /// Takes in the block whose turn it is. At the tip, and wherever something happens that is more
    /// than its transactions, it is committed by itself; while catching up, quiet blocks wait for a
    /// common transaction.
    pub(super) async fn take_in(&mut self, block: Waiting) -> Result<(), IngestError> {
        let Waiting { endpoint, source, facts, proof, arrived } = block;
        if let Some(ours) = &self.last_hash
            && facts.parent != *ours
        {
            let ours = ours.clone();
            self.commit_pending().await?;
            return self.broken_link(endpoint, source, *facts, ours).await;
        }
        let claim = proof.as_ref().map(Proof::claim);
        if let Some(unproven) = self.refuted(facts.height, claim) {
            self.commit_pending().await?;
            self.refuted_by(endpoint, &unproven);
            return Ok(());
        }
        let facts = *facts;
        let head = self.parts.endpoints.head();
        let near = head.saturating_sub(facts.height) <= NEAR;
        let watched = &self.parts.subject.addresses;
        let wanted = self.owed.wanted(&self.ledger, &facts, watched, STATE_EVERY, head);
        let foretold_quiet = !near && wanted.is_empty() && self.ledger.is_quiet_at(&facts);
        if foretold_quiet {
            self.pending.begin(&self.ledger);
        } else {
            self.commit_pending().await?;
        }
        let forecast = self.foretell(facts.height);
        let watched = &self.parts.subject.addresses;
        let observation =
            observe(&self.parts.endpoints, &mut self.owed, &self.ledger, &facts, watched, wanted)
                .await;
        if self.ledger.tip.is_none() && !is_base(observation.as_ref(), &self.owed) {
            // Without its base a ledger would be wrong without knowing it.
            tracing::warn!(height = facts.height, "the base could not be read; trying the next");
            return Ok(());
        }
        let ledger = Arc::make_mut(&mut self.ledger);
        let changes = ledger.apply(&facts, observation.as_ref());
        let quiet = foretold_quiet && is_quiet(observation.as_ref(), &changes);
        if foretold_quiet && !quiet {
            tracing::warn!(height = facts.height, "a block changed more than was foretold");
            self.commit_before().await?;
        }
        let reconciled = changes.choices.iter().filter(|c| c.cause == Cause::Reconciled).count();
        self.data.reconciled = self.data.reconciled.saturating_add(count(reconciled));
        self.data.malformed = self.data.malformed.saturating_add(count(facts.malformed.len()));
        self.unproven = proof.map(|proof| Unproven { endpoint, height: facts.height, proof });
        self.last_hash = Some(facts.hash.clone());
        self.done = Some(facts.height);
        let stored = Known { height: facts.height, hash: facts.hash.clone(), time: facts.time };
        self.parts.endpoints.note_stored(Some(endpoint), stored);
        self.advanced_at = Some(Timestamp::now());
        self.distrust = None;
        self.forks = 0;
        self.count(&facts, source);
        if quiet {
            self.pending.push(facts, changes);
            return Ok(());
        }
        for audit::Contradiction { statement, difference } in
            audit::contradicted(&self.ledger, &facts)
        {
            tracing::error!(height = facts.height, difference, "our rules are wrong here");
            self.parts.metrics.rule_mismatch(statement);
            self.mismatch = Some(RuleMismatch { height: facts.height, what: difference });
        }
        let progress = self.forecasts.advance(forecast, &self.ledger);
        if let Some(progress) = &progress
            && let Some(what) = audit::tell(progress, &self.parts.metrics)
        {
            self.mismatch = Some(RuleMismatch { height: facts.height, what });
        }
        let (situation, decision) = self.decide(&facts, head, near);
        let told = !decision.messages.is_empty();
        let (height, block_time) = (facts.height, facts.time);
        let batch = Batch {
            facts,
            observation,
            changes,
            ledger: Arc::clone(&self.ledger),
            forecast: progress.map(|progress| progress.forecast),
            incidents: decision.incidents,
            messages: decision.messages,
        };
        self.parts.writer.commit(batch).await?;
        self.committed((height, height));
        if told {
            self.parts.mail.notify_one();
        }
        if near {
            self.parts.metrics.delayed(block_time, Timestamp::now());
        }
        if let Some(situation) = situation {
            self.publish_this(situation);
            if let Some(arrived) = arrived {
                self.parts.metrics.visible(arrived.elapsed());
            }
        } else {
            self.show_progress();
        }
        Ok(())
    }

    /// Commits the quiet blocks that wait.
    pub(super) async fn commit_pending(&mut self) -> Result<(), IngestError> {
        let blocks = self.pending.take().blocks;
        self.commit_run(blocks, Arc::clone(&self.ledger)).await?;
        self.show_progress();
        Ok(())
    }

    /// Commits the quiet blocks that wait when the ledger has gone on to one that is not quiet.
    async fn commit_before(&mut self) -> Result<(), IngestError> {
        let pending = self.pending.take();
        let Some(ledger) = pending.replay() else { return Ok(()) };
        self.commit_run(pending.blocks, Arc::new(ledger)).await
    }

    async fn commit_run(
        &mut self,
        blocks: Vec<(BlockFacts, Changes)>,
        ledger: Arc<Ledger>,
    ) -> Result<(), IngestError> {
        let (Some((first, _)), Some((last, _))) = (blocks.first(), blocks.last()) else {
            return Ok(());
        };
        let range = (first.height, last.height);
        self.parts.writer.commit_run(Run { blocks, ledger }).await?;
        self.committed(range);
        Ok(())
    }

    /// The forecast of the charges, when that block fixes them: this is the last moment for it.
    fn foretell(&self, block: Height) -> Option<KeptForecast> {
        if !self.ledger.forms_at(block) {
            return None;
        }
        let subject = &self.parts.subject;
        let version = self.ledger.app_version.as_deref();
        let rule_set = RuleSet::in_force(subject.rule_set, version);
        let complete_from = match (&self.last_hash, self.ledger.tip) {
            (Some(_), Some(tip)) => self.shared.coverage.complete_from(tip.height),
            // Behind a hole, the past is not known.
            _ => block,
        };
        KeptForecast::new(&self.ledger, rule_set, complete_from, &subject.addresses)
    }

    fn show_progress(&mut self) {
        if self.published.elapsed() >= PROGRESS {
            self.publish(Timestamp::now());
        }
    }

    fn count(&self, facts: &BlockFacts, source: BlockSource) {
        let metrics = &self.parts.metrics;
        metrics.block_stored(source);
        metrics.events("bootstrap_model_preeligibility", count(facts.captures.len()));
        metrics.events("choice", count(facts.choices.len()));
        metrics.events("store_commit", count(facts.commits.len()));
        for event in &facts.events {
            metrics.events(&event.kind, 1);
        }
        for malformed in &facts.malformed {
            metrics.undecodable(&malformed.what);
            tracing::warn!(
                height = facts.height,
                what = malformed.what,
                place = malformed.place,
                reason = malformed.reason,
                "something in a block cannot be read; it is kept as it came"
            );
        }
    }
}

/// Whether a block has nothing to it but its own facts, so that it may be committed with others.
fn is_quiet(observation: Option<&Observation>, changes: &Changes) -> bool {
    observation.is_none() && changes.is_quiet()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
