//! What happens without being told: choices, mistakes, unrelated traffic.

use super::super::clock::Context;
use super::super::roster::Host;
use super::super::story::{Choice, Via};
use super::super::tx::{Draft, message, type_url, wrapped};
use super::super::wire::{MsgSetPoCDelegation, MsgSubmitHardwareDiff};
use super::{Item, Scene};

/// Text that must survive JSON, HTML, SQL and terminals.
const HOSTILE: [&str; 4] = [
    "</script><script>alert('memo')</script>",
    "'; DROP TABLE blocks; -- \u{202e}gpj.exe",
    "\u{1b}[31mred\u{1b}[0m \"quoted\" \\ \u{0} \u{1f525}",
    "{\"type\":\"bootstrap_model_preeligibility\"}",
];

impl Scene<'_> {
    pub(super) fn background(&self) -> Vec<Item> {
        let mut items = Vec::new();
        if self.spec.story.background.choices {
            for host in self.roster.hosts.iter().filter(|host| !host.scripted) {
                if self.is_registered(host) {
                    items.extend(self.choices_of(host));
                }
            }
        }
        items.extend(self.traffic());
        if self.spec.story.background.failures
            && self.dice.below(200, "garbage", &[], &[self.height]) == 0
        {
            let bytes = self.dice.hash("garbage bytes", &[], &[self.height]).to_vec();
            items.push(Item::Bytes(bytes));
        }
        items
    }

    /// A host makes up its mind once per epoch, and one in three thinks again: anywhere from the
    /// epoch's first block to a few blocks past validation start, where it is too late.
    fn choices_of(&self, host: &Host) -> Vec<Item> {
        let state = self.state;
        let Some(&poc_start) = state.epochs.get(&state.effective) else { return Vec::new() };
        let params = state.epoch_params();
        let first = Context { index: 1, poc_start: 0 }.effective(&params) + 1;
        let last =
            params.epoch_length + params.poc_stage_duration + params.poc_validation_delay + 3;
        let room = u64::try_from((last - first).max(1)).unwrap_or(1);
        let epoch = i64::try_from(state.effective).unwrap_or_default();
        let name = host.name.as_str();
        let at = |what: &str| poc_start + first + self.below(room, what, &[name], &[epoch]);
        let mut items = Vec::new();
        if at("decides") == self.height {
            for model in state.poc_models() {
                if let Some(choice) = self.wish(host, &model.model_id, "wish") {
                    items.push(self.sent(host, &model.model_id, &choice));
                }
            }
            if self.spec.story.background.failures
                && self.dice.chance(12, "errs", &[name], &[epoch])
            {
                items.push(Item::Draft(self.mistake(host)));
            }
        }
        if self.dice.chance(33, "thinks again", &[name], &[epoch])
            && at("thinks again when") == self.height
        {
            let models = state.poc_models();
            let pick = self.dice.below(models.len() as u64, "which", &[name], &[epoch]);
            if let Some(model) = usize::try_from(pick).ok().and_then(|pick| models.get(pick)) {
                let choice = self
                    .wish(host, &model.model_id, "second wish")
                    .unwrap_or(Choice::Delegate(String::new()));
                items.push(self.sent(host, &model.model_id, &choice));
            }
        }
        items
    }

    /// What a host wants for a model; some of it is unwise, as people are.
    fn wish(&self, host: &Host, model: &str, what: &str) -> Option<Choice> {
        let epoch = i64::try_from(self.state.effective).unwrap_or_default();
        let about = [host.name.as_str(), model];
        let draw = self.dice.below(100, what, &about, &[epoch]);
        let serves = self.serving(host).contains(model);
        match (self.state.is_active(model), serves) {
            (true, true) => None,
            (false, true) => {
                // Enthusiasm for a candidate differs from epoch to epoch.
                let fever = 45 + self.dice.below(60, "fever", &[model], &[epoch]);
                (draw < fever).then_some(Choice::Intent)
            }
            (true, false) => match draw {
                0..50 => self.delegate_for(host, model, what),
                50..68 => Some(Choice::Refuse),
                68..73 => Some(Choice::Intent),
                _ => None,
            },
            (false, false) => match draw {
                0..74 => self.delegate_for(host, model, what),
                74..84 => Some(Choice::Refuse),
                _ => None,
            },
        }
    }

    /// The heaviest of three hosts that serve the model.
    fn delegate_for(&self, host: &Host, model: &str, what: &str) -> Option<Choice> {
        let serving = self.roster.hosts.iter().filter(|other| {
            other.address != host.address
                && self.is_registered(other)
                && other.serves.contains(model)
        });
        let serving = serving.collect::<Vec<_>>();
        let epoch = i64::try_from(self.state.effective).unwrap_or_default();
        let draw = |turn: i64| {
            let about = [host.name.as_str(), model, what];
            let pick = self.dice.below(serving.len() as u64, "delegate", &about, &[epoch, turn]);
            usize::try_from(pick).ok().and_then(|pick| serving.get(pick)).copied()
        };
        let best = [0, 1, 2].into_iter().filter_map(draw).max_by_key(|host| host.weight)?;
        let key = (model.into(), host.address.clone());
        // It stays until it is replaced, so most do not send it again.
        if self.state.choices.delegations.get(&key) == Some(&best.address) {
            return None;
        }
        Some(Choice::Delegate(best.address.to_string()))
    }

    fn sent(&self, host: &Host, model: &str, choice: &Choice) -> Item {
        let about = [host.name.as_str(), model];
        let via = match self.dice.below(100, "via", &about, &[self.height]) {
            0..55 => Via::Direct,
            55..85 => Via::Authz,
            _ => Via::Nested,
        };
        let mut draft = self.choose(host, model, choice, via);
        if self.dice.chance(10, "pays", &about, &[self.height]) {
            draft.fee = 1_000;
        }
        self.decorate(&mut draft);
        Item::Draft(draft)
    }

    fn decorate(&self, draft: &mut Draft) {
        let about: [&str; 1] = [&draft.signer.clone()];
        draft.unordered = self.dice.chance(20, "unordered", &about, &[self.height]);
        if self.dice.chance(4, "hostile", &about, &[self.height]) {
            let pick = self.dice.below(HOSTILE.len() as u64, "memo", &about, &[self.height]);
            let memo = usize::try_from(pick).ok().and_then(|pick| HOSTILE.get(pick));
            draft.memo = memo.copied().unwrap_or_default().to_owned();
        }
    }

    /// A choice that fails, one way or another; the block holds it all the same.
    fn mistake(&self, host: &Host) -> Draft {
        let name = [host.name.as_str()];
        let model = self.state.poc_models().first().map(|model| model.model_id.clone());
        let model_id = model.unwrap_or_default();
        let sender = host.address.to_string();
        match self.dice.below(4, "which mistake", &name, &[self.height]) {
            0 => self.failing(host, Via::Direct),
            1 => {
                // A warm key that nobody authorised.
                let delegate_to = String::new();
                let set = MsgSetPoCDelegation { sender, model_id, delegate_to };
                let other = self.roster.hosts.iter().find(|other| other.address != host.address);
                let warm = other.map_or(&host.address, |other| &other.warm);
                let exec = wrapped(warm, vec![message(type_url::SET, &set)]);
                Draft::new(warm, vec![exec])
            }
            2 => {
                let delegate_to = host.warm.to_string();
                let set = MsgSetPoCDelegation { sender, model_id, delegate_to };
                Draft::new(&host.address, vec![message(type_url::SET, &set)])
            }
            _ => {
                let mut draft = self.failing(host, Via::Authz);
                draft.gas = 20_000;
                draft
            }
        }
    }

    fn traffic(&self) -> Vec<Item> {
        let percent = self.spec.story.background.traffic;
        let extra = self.dice.chance(percent % 100, "traffic", &[], &[self.height]);
        let count = i64::from(percent / 100) + i64::from(extra);
        let hosts = self.roster.hosts.len() as u64;
        (0..count)
            .filter_map(|index| {
                let draw = |what: &str, limit| {
                    let pick = self.dice.below(limit, what, &[], &[self.height, index]);
                    usize::try_from(pick).unwrap_or_default()
                };
                let host = self.roster.hosts.get(draw("who", hosts))?;
                let mut draft = if draw("what", 2) == 0 {
                    let to = self.roster.hosts.get(draw("to whom", hosts))?;
                    self.send(host, &to.address, 1 + draw("how much", 1_000_000) as u64)
                } else {
                    let diff = MsgSubmitHardwareDiff { creator: host.address.to_string() };
                    let diff = message(type_url::HARDWARE, &diff);
                    Draft::new(&host.warm, vec![wrapped(&host.warm, vec![diff])])
                };
                self.decorate(&mut draft);
                Some(Item::Draft(draft))
            })
            .collect()
    }
}
