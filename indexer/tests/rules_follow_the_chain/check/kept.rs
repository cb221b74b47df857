//! What the daemon keeps beside the ledger: forecasts until they are decided, estimates of rewards.

use bootwatch_rules::{Height, RuleSet, forecast::KeptForecast};

use super::Checked;

/// What an epoch of the simulated chain pays in all, ngonka.
const EPOCH_REWARD: u128 = 285_000_000_000_000;

impl Checked {
    /// The forecast that the daemon would make before that block.
    pub(super) fn keep(&self, block: Height) -> Option<KeptForecast> {
        let ledger = &self.player.ledger;
        if !ledger.forms_at(block) {
            return None;
        }
        let rule_set = RuleSet::in_force(self.rule_set, ledger.app_version.as_deref());
        let watched: Vec<_> = self.player.watched.iter().map(|w| w.address.clone()).collect();
        KeptForecast::new(ledger, rule_set, 1, &watched)
    }

    /// No forecast that was kept may turn out wrong, whenever that is known.
    pub(super) fn compare_kept(&mut self, height: Height, kept: Option<KeptForecast>) {
        let Some(progress) = self.forecasts.advance(kept, &self.player.ledger) else { return };
        let decided = progress.forecast.hosts.values().filter(|kept| kept.outcome.is_some());
        self.score.kept += decided.count();
        for host in progress.wrong {
            let kept = progress.forecast.hosts[&host];
            self.mismatch(height, format!("charge: {host} was kept with {kept:?}"));
        }
    }

    /// Undoing the settlement gives every host its part of the epoch's reward, up to what the two
    /// divisions round off.
    pub(super) fn compare_rewards(&mut self, height: Height) {
        let ledger = &self.player.ledger;
        let Some(rewards) = ledger.rewards.as_ref().filter(|r| r.read_at == height) else { return };
        let total: u128 = ledger.live_members().map(|(_, w)| u128::try_from(w).unwrap()).sum();
        let mut problems = Vec::new();
        for (host, weight) in ledger.live_members() {
            let Some(reward) = rewards.hosts.get(host) else {
                problems.push(format!("{host} has no estimate"));
                continue;
            };
            let whole = EPOCH_REWARD * u128::try_from(weight).unwrap() / total;
            let Some(before) = reward.before_charges.map(u128::from) else {
                // Where everything is taken, nothing can be concluded.
                problems.extend((reward.estimate > 0).then(|| format!("{host}: {reward:?}")));
                continue;
            };
            let estimate = u128::from(reward.estimate).max(1);
            if before.abs_diff(whole) > 2 + before.div_ceil(estimate) {
                problems.push(format!("{host}: {reward:?}, the whole is {whole}"));
            }
        }
        self.score.rewards += rewards.hosts.len();
        for problem in problems {
            self.mismatch(height, format!("reward: {problem}"));
        }
    }
}
