//! What has to be asked of the chain besides its blocks, at the height of one block.

use std::{collections::BTreeSet, time::Duration};

use bootwatch_rules::{
    Address, BlockFacts, Height, Observation,
    ledger::{Ledger, Needs},
};
use tokio::time::{sleep, timeout};

use super::endpoints::Endpoints;
use crate::chain::{ChainError, Class, StateSource};

/// Rounds over all endpoints before a block goes on without its observation.
const ROUNDS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// Blocks after which a state that was pruned everywhere is asked for again.
const PRUNED_AGAIN: Height = 100;
/// How long an endpoint has to tell of the plans of governance, on which nothing depends.
const PLANS_PATIENCE: Duration = Duration::from_secs(2);
/// Blocks in a row at which they are asked for when the node could not say at once; one that does
/// not answer in time is asked twice.
const PLANS_ATTEMPTS: u32 = 3;
/// Blocks for which it is left alone then, and one that has no such queries at once.
const PLANS_AGAIN: Height = 300;
/// Blocks to the head within which a state can be expected to be there.
const RECENT: Height = 50;

/// What could not be read at its own height and is still wanted.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    wanted: Wanted,
    not_before: Height,
    /// How often the plans of governance may still be asked for without another reason to.
    plans: u32,
    plans_not_before: Height,
    /// The state may have changed since it was read.
    outdated: bool,
    /// Why the last reading failed.
    failure: Option<String>,
}

/// What to read at one block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    needs: Needs,
    /// Choices of every member, watched host and host that ever chose, known or not.
    all_choices: bool,
}

impl Wanted {
    pub(crate) fn is_empty(&self) -> bool {
        self.needs.is_empty() && !self.all_choices
    }

    /// Whether a block has to wait for it, as far as one ever does.
    fn must_be_read(&self) -> bool {
        self.needs.must_be_read() || self.all_choices
    }
}

impl Owed {
    /// State and all choices, to be compared with what is known; and the charges, which were fixed
    /// unseen, or whose reading was still owed, when the time before is not known.
    pub(crate) fn everything() -> Self {
        let needs = Needs { state: true, charges: true, ..Needs::default() };
        Self {
            wanted: Wanted { needs, all_choices: true },
            not_before: 0,
            plans: PLANS_ATTEMPTS,
            plans_not_before: 0,
            outdated: true,
            failure: None,
        }
    }

    /// What is known of the state may be outdated: a reading of what has changed is owed.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// Why something is still wanted, if a reading failed.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.wanted.is_empty()
    }

    /// What to read at this block: what the ledger needs, and what is owed from before.
    pub(crate) fn wanted(
        &mut self,
        ledger: &Ledger,
        facts: &BlockFacts,
        watched: &[Address],
        every: Height,
        head: Height,
    ) -> Wanted {
        let mut needs = ledger.needs(facts, watched, every);
        if needs.plans {
            self.plans = PLANS_ATTEMPTS;
        }
        self.outdated |= needs.changed;
        let owed = &self.wanted;
        let recent = head.saturating_sub(facts.height) <= RECENT;
        if facts.height < self.not_before && !recent {
            // Nothing this old can be read; asking for every block would only cost requests.
            return Wanted::default();
        }
        needs.state |= owed.needs.state;
        needs.charges |= owed.needs.charges;
        // Estimates are of use while they can still move.
        needs.rewards &= recent;
        // And so are plans: what was due before is asked for where that begins.
        let in_time = facts.height >= self.plans_not_before;
        needs.plans = recent && in_time && self.plans > 0;
        let more = owed.needs.choices.iter().filter(|host| !needs.choices.contains(host));
        let more: Vec<Address> = more.cloned().collect();
        needs.choices.extend(more);
        Wanted { needs, all_choices: owed.all_choices }
    }

    /// Notes what was asked for and what came of it.
    fn settle(&mut self, height: Height, asked: Wanted, got: &Got, failure: Option<&ChainError>) {
        let class = failure.map(|error| error.class);
        self.failure = failure.map(ToString::to_string);
        let asked_choices = if got.choices { Vec::new() } else { asked.needs.choices };
        self.outdated &= got.observation.state.is_none();
        self.wanted = Wanted {
            needs: Needs {
                changed: false,
                state: asked.needs.state && got.observation.state.is_none(),
                choices: asked_choices,
                charges: asked.needs.charges && !got.charges,
                // Estimates of the past are worth nothing, and the next state asks anew.
                rewards: false,
                plans: false,
            },
            all_choices: asked.all_choices && !got.choices,
        };
        if asked.needs.plans {
            let again = got.observation.plans.is_none() && !got.no_plans;
            let spent = if got.late { 2 } else { 1 };
            self.plans = if again { self.plans.saturating_sub(spent) } else { 0 };
            if got.no_plans || (got.late && self.plans == 0) {
                self.plans_not_before = height.saturating_add(PLANS_AGAIN);
            }
        }
        self.not_before =
            if class == Some(Class::Unavailable) { height.saturating_add(PRUNED_AGAIN) } else { 0 };
    }
}

/// What was read so far, all at one height.
#[derive(Debug, Default)]
struct Got {
    observation: Observation,
    choices: bool,
    charges: bool,
    /// The node has no queries for the plans of governance.
    no_plans: bool,
    /// They did not come in time.
    late: bool,
}

/// Reads what is needed. What cannot be read is left out and owed; the block goes on without it,
/// because its facts must not wait for a node that has forgotten its state.
pub(crate) async fn observe(
    endpoints: &Endpoints,
    owed: &mut Owed,
    ledger: &Ledger,
    facts: &BlockFacts,
    watched: &[Address],
    wanted: Wanted,
) -> Option<Observation> {
    if wanted.is_empty() {
        // What is put off stays owed.
        return None;
    }
    let height = facts.height;
    let mut got = Got::default();
    let mut failure: Option<ChainError> = None;
    let mut pause = FIRST_PAUSE;
    let must_be_read = wanted.must_be_read();
    for _ in 0..ROUNDS {
        failure = None;
        let mut unavailable = true;
        for index in endpoints.usable() {
            // An answer about the state names only a height; what is not shown to be of this very
            // block is not taken.
            let source = endpoints.rpc(index).at_block(&facts.hash);
            match read(&source, &mut got, ledger, facts, watched, &wanted).await {
                Ok(()) => {
                    failure = None;
                    unavailable = false;
                    break;
                }
                Err(error) => {
                    unavailable &= error.class == Class::Unavailable;
                    if error.class != Class::NotYet {
                        endpoints.poke(index);
                    }
                    failure = Some(error);
                }
            }
        }
        if failure.is_none() || unavailable || !must_be_read {
            break;
        }
        sleep(pause).await;
        pause *= 2;
    }
    if let Some(error) = &failure
        && must_be_read
    {
        tracing::warn!(height, %error, "the chain's state was not read; it stays wanted");
    }
    owed.settle(height, wanted, &got, failure.as_ref());
    Some(got.observation)
}

/// One endpoint, one height. Parts that were read stay when a later one fails: all are of the same
/// height.
async fn read(
    source: &impl StateSource,
    got: &mut Got,
    ledger: &Ledger,
    facts: &BlockFacts,
    watched: &[Address],
    wanted: &Wanted,
) -> Result<(), ChainError> {
    let height = facts.height;
    if wanted.needs.state && got.observation.state.is_none() {
        let (state, version) = source.read_state(height).await?;
        got.observation.state = Some(state);
        got.observation.app_version = Some(version).filter(|version| !version.is_empty());
    }
    if wanted.needs.charges && !got.charges {
        got.observation.charges = source.read_charges(height).await?;
        got.charges = true;
    }
    if wanted.needs.rewards && got.observation.rewards.is_none() {
        let (state, charges) = (got.observation.state.as_ref(), got.observation.charges.as_ref());
        if let Some(epoch) = ledger.can_estimate(state, charges) {
            got.observation.rewards = source.read_rewards(epoch, watched, height).await;
        }
    }
    if !got.choices {
        let state = got.observation.state.as_ref();
        let mut hosts: BTreeSet<Address> = wanted.needs.choices.iter().cloned().collect();
        if state.is_some() {
            // Members that this very state brought.
            hosts.extend(ledger.hosts_to_read(facts, watched, state));
        }
        if wanted.all_choices {
            let members = state.or(ledger.state.as_ref()).map_or(&[][..], |state| &state.members);
            hosts.extend(members.iter().map(|member| member.host.clone()));
            hosts.extend(watched.iter().cloned());
            hosts.extend(ledger.choices.values().flat_map(|by_host| by_host.keys()).cloned());
            hosts.extend(choosers(source, height).await?);
        }
        // Those that were read before an error stay: all are of the same height.
        for read in &got.observation.choices {
            hosts.remove(&read.host);
        }
        let (read, failure) = source.read_choices(hosts, height).await;
        got.observation.choices.extend(read);
        if let Some(error) = failure {
            return Err(error);
        }
        got.choices = true;
    }
    if wanted.needs.plans && got.observation.plans.is_none() {
        read_plans(source, got, height).await;
    }
    Ok(())
}

/// What an endpoint does not tell, or not soon, is not worth waiting for: a later block will.
async fn read_plans(source: &impl StateSource, got: &mut Got, height: Height) {
    match timeout(PLANS_PATIENCE, source.read_plans(height)).await {
        Ok(Ok(plans)) => got.observation.plans = Some(plans),
        Ok(Err(error)) => {
            got.no_plans |= error.class == Class::Fatal;
            tracing::debug!(height, %error, "the plans of governance were not read");
        }
        Err(_) => {
            got.late = true;
            tracing::debug!(height, "the plans of governance did not come in time");
        }
    }
}

/// Hosts that chose without being members, as far as the node lists them. A node that does not is
/// no obstacle: members and watched hosts are asked for in any case, the others show with their
/// next transaction.
async fn choosers(
    source: &impl StateSource,
    height: Height,
) -> Result<BTreeSet<Address>, ChainError> {
    match source.read_choosers(height).await {
        Err(error) if matches!(error.class, Class::Retry | Class::NotYet) => Err(error),
        Err(error) => {
            tracing::info!(height, %error, "the node does not list the hosts that chose");
            Ok(BTreeSet::new())
        }
        Ok(hosts) => Ok(hosts),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bootwatch_devnet::{
        Recording,
        chain::{Spec, Story},
    };
    use bootwatch_rules::{ChainEvent, plans::Plans};
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::{
        chain::{Endpoint, Problem, Rpc, RpcLimits},
        metrics::Metrics,
    };

    const HEIGHT: Height = 10;

    fn recording(seed: u64) -> Recording {
        let spec = Spec::new(seed, Story::load("quiet").unwrap());
        let interval = |_| SignedDuration::from_secs(5);
        Recording::make(spec, Timestamp::UNIX_EPOCH, HEIGHT, interval).unwrap()
    }

    // Fails when a node that does not tell of plans is asked block after block, when one that could
    // not say at once is never asked again, or when what was due is forgotten while catching up.
    #[test]
    fn plans_are_asked_for_sparingly_and_not_forgotten() {
        let facts = |height, kind: Option<&str>| BlockFacts {
            height,
            events: kind.into_iter().map(event).collect(),
            ..nothing()
        };
        let mut ledger = Ledger::default();
        let observation = Observation {
            state: Some(bootwatch_rules::ChainState { height: 9, ..Default::default() }),
            plans: Some(Plans { read_at: 9, ..Plans::default() }),
            ..Observation::default()
        };
        ledger.apply(&facts(9, None), Some(&observation));
        let mut owed = Owed::default();
        let mut asks = |height, kind, head, got: Got| {
            let wanted = owed.wanted(&ledger, &facts(height, kind), &[], 0, head);
            let asked = wanted.needs.plans;
            owed.settle(height, wanted, &got, None);
            asked
        };
        let told = || Got {
            observation: Observation { plans: Some(Plans::default()), ..Observation::default() },
            ..Got::default()
        };
        let vote = Some("submit_proposal");
        assert!(!asks(10, None, 10, told()));
        assert!(asks(11, vote, 11, told()) && !asks(12, None, 12, told()));
        // It could not say: two more blocks, and no more.
        assert!(asks(13, vote, 13, Got::default()));
        assert!(asks(14, None, 14, Got::default()) && asks(15, None, 15, Got::default()));
        assert!(!asks(16, None, 16, told()));
        // Far behind the head it waits.
        assert!(!asks(17, vote, 17 + RECENT + 1, told()));
        assert!(asks(18, None, 18 + RECENT, told()) && !asks(19, None, 19, told()));
        // A node that has no such queries is left alone.
        assert!(asks(20, vote, 20, Got { no_plans: true, ..Got::default() }));
        assert!(
            !asks(21, vote, 21, told()) && !asks(19 + PLANS_AGAIN, vote, 19 + PLANS_AGAIN, told())
        );
        assert!(asks(20 + PLANS_AGAIN, None, 20 + PLANS_AGAIN, told()));
        // So is one that keeps blocks waiting twice.
        let late = || Got { late: true, ..Got::default() };
        assert!(asks(400, vote, 400, late()) && asks(401, None, 401, late()));
        assert!(!asks(402, vote, 402, told()) && !asks(700, vote, 700, told()));
        assert!(asks(701, None, 701, told()));
    }

    fn event(kind: &str) -> ChainEvent {
        ChainEvent { seq: 0, tx_index: None, kind: kind.to_owned(), attributes: Vec::new() }
    }

    /// A block in which nothing happens.
    fn nothing() -> BlockFacts {
        BlockFacts {
            height: HEIGHT,
            hash: String::new(),
            parent: String::new(),
            time: Timestamp::UNIX_EPOCH,
            tx_count: 0,
            captures: Vec::new(),
            choices: Vec::new(),
            commits: Vec::new(),
            distributions: Vec::new(),
            events: Vec::new(),
            malformed: Vec::new(),
        }
    }

    // Fails when what another chain of the same name says of a height is taken for ours. Found by
    // fault schedules: the ledger was corrected to the other chain's choices, and alerted on them.
    #[tokio::test]
    async fn the_state_of_another_chain_of_that_name_is_not_taken() {
        let (ours, other) = (recording(1), recording(2));
        let mut node = ours.replay(HEIGHT).await.unwrap();
        let endpoint = Endpoint::new("node", &node.url().parse().unwrap());
        let metrics = Arc::new(Metrics::new([]));
        let rpc = Rpc::new(endpoint, ours.chain_id(), RpcLimits::default(), metrics).unwrap();
        let facts = BlockFacts { hash: ours.hash(HEIGHT).unwrap(), ..nothing() };
        let wanted = Owed::everything().wanted;
        let (mut got, ledger) = (Got::default(), Ledger::default());

        node.stand_in(Some(&other));
        let source = rpc.at_block(&facts.hash);
        let error = read(&source, &mut got, &ledger, &facts, &[], &wanted).await.unwrap_err();
        assert!(matches!(error.problem, Problem::Inconsistent(_)), "{error}");
        assert_eq!(got.observation, Observation::default());

        node.stand_in(None);
        read(&source, &mut got, &ledger, &facts, &[], &wanted).await.unwrap();
        assert!(got.observation.state.is_some() && !got.observation.choices.is_empty());
        // Fails when a restart forgets the charges of which the reading had failed before it.
        assert!(got.charges);
    }
}
