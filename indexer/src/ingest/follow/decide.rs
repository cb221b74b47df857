//! What a block, or time alone, calls for.

use bootwatch_alerts::Decision;
use bootwatch_rules::{BlockFacts, Height, situation::Situation};
use jiff::Timestamp;

use super::Follow;
use crate::ingest::error::IngestError;

impl Follow {
    /// What the block calls for. Far behind the head only captures are judged, as of their own
    /// time: what they say must be told, and everything else is judged when the tip is reached.
    pub(super) fn decide(
        &mut self,
        facts: &BlockFacts,
        head: Height,
        near: bool,
    ) -> (Option<Situation>, Decision) {
        if !near && facts.captures.is_empty() {
            return (None, Decision::default());
        }
        let now = Timestamp::now();
        let situation = near.then(|| self.judge(now, head));
        self.hear_orders();
        let decision = match &situation {
            Some(situation) if !situation.stale || facts.captures.is_empty() => {
                self.parts.engine.evaluate(situation, now)
            }
            // Too late to be judged as of now. No later block has this capture.
            _ => {
                let then = self.judge_then(facts.time, facts.height);
                self.parts.engine.evaluate_past(&then, facts.time)
            }
        };
        self.parts.metrics.evaluated(self.parts.engine.incidents(), Timestamp::now());
        (situation, self.keep(decision))
    }

    /// Judges the newest block anew: time alone makes data stale, reminders due, and silences end.
    pub(super) async fn look_again(&mut self) -> Result<(), IngestError> {
        let now = Timestamp::now();
        let situation = self.judge(now, self.parts.endpoints.head());
        self.hear_orders();
        let decision = self.parts.engine.evaluate(&situation, now);
        self.parts.metrics.evaluated(self.parts.engine.incidents(), now);
        let decision = self.keep(decision);
        let told = !decision.messages.is_empty();
        if !decision.is_empty() {
            self.parts.writer.decide(decision).await?;
        }
        if told {
            self.parts.mail.notify_one();
        }
        self.publish_this(situation);
        Ok(())
    }

    /// What of a decision is kept: all of it, or in a dry run nothing. Incidents go with the messages:
    /// were one kept as told, the next run would tell it to nobody.
    fn keep(&self, decision: Decision) -> Decision {
        if !self.parts.dry_run {
            return decision;
        }
        for message in &decision.messages {
            tracing::info!(
                channel = message.channel,
                recipient = message.recipient,
                height = message.created_height,
                subject = message.subject,
                "dry run: this would have been sent"
            );
            tracing::debug!(text = message.text, "dry run: its text");
        }
        Decision::default()
    }

    fn hear_orders(&mut self) {
        if self.parts.orders.has_changed().unwrap_or(false) {
            let orders = self.parts.orders.borrow_and_update().clone();
            self.parts.metrics.ordered(&orders);
            self.parts.engine.obey(orders);
        }
    }
}
