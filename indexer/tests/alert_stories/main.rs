//! For every alert a story on the simulated chain: it fires at the right height, says true numbers, and
//! ends rightly.
//!
//! The stories of what the chain does are played block by block, without sockets and without waiting; the
//! heights that they expect are sums of the chain's lengths ([`calendar`]), and the numbers come from the
//! chain's own records ([`course`]): the charges that it stored, the events of its captures, the weights
//! and votes of its groups. Nothing that they expect is asked of the rules or of a Situation. The stories
//! of what is wrong with Bootwatch itself ([`own`]) are of a running daemon, over real sockets.
//!
//! Alerts that were broken on purpose, and which stories noticed it:
//!
//! | broken | noticed by the stories of |
//! |---|---|
//! | a choice in the deadline's own block is too late | DecisionMissing |
//! | a missed deadline ends as met | DecisionMissing, ChoiceExpired, RefusalOnCandidate, DelegationDeleted, DelegationWithoutEffect |
//! | an intent that the wipe took is not told | ChoiceExpired |
//! | `commit_blocks` is off by one | DelegateAtRisk, CommitMissing |
//! | a delegate's exclusion is told anew at validation start | DelegateAtRisk |
//! | a missing distribution never becomes critical, or is another incident from validation start on | WeightDistributionMissing |
//! | an exclusion is told as over by the next epoch | HostExcluded |
//! | a charge of nothing is told | Charged |
//! | a capture that passed is a warning | CaptureResult |
//! | a gap is told without waiting, or as info in the first epoch that costs | GapBeforeCapture |
//! | a model that was added after a capture has missed it | CaptureMissing, by ModelAdded |
//! | a second capture names itself as the first | CaptureMoved |
//! | a model falls out an epoch late | ModelFellOut |
//! | a start of charges is urgent an epoch late | PenaltyStartNear |
//! | a change of an earlier epoch is news | ParamsChanged |
//! | a vote that changes nothing any more goes on | ProposalOpen |
//! | an upgrade that disturbs a deadline is info | UpgradeNear |
//! | a margin clears at the limit, or a lost vote is a warning | GroupMarginLow |
//! | an epoch that is not formed reads like any error | EpochError |
//! | half a minute is enough to be blind | NoHealthyEndpoint |
//! | a stall is told a second late | IngestStalled |
//! | a halt takes a minute to clear | ChainHalted |
//! | an endpoint that was taken out is told as well | EndpointWrong |
//! | a hole is known by its end | BlocksLost |
//! | a contradiction is known by the epochs so far | ForecastMismatch |
//! | mail is told a second late | NotificationsFailing |
//! | room at the limit is enough | DiskLow |
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

#[path = "../daemon/bench.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the daemon")]
mod bench;
mod calendar;
mod choices;
mod course;
mod delegates;
mod governance;
mod network;
mod own;
mod play;
#[path = "../rules_follow_the_chain/player.rs"]
#[allow(dead_code, reason = "shared with the tests of the rules")]
mod player;
#[path = "../daemon/proxy.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the daemon")]
mod proxy;
mod steps;
mod told;
mod work;

use std::collections::BTreeSet;

/// A story, and the alert that it is told for.
pub(crate) struct Story {
    alert: &'static str,
    /// The test that tells it; a name that does not exist does not compile.
    told: fn(),
}

/// All of them.
const STORIES: [&[Story]; 7] = [
    choices::STORIES,
    delegates::STORIES,
    work::STORIES,
    network::STORIES,
    governance::STORIES,
    own::STORIES,
    own::endpoints::STORIES,
];

// Fails when an alert has no story, when a story is of an alert that does not exist, or when one test
// stands for two.
#[test]
fn every_alert_has_a_story() {
    let stories = || STORIES.into_iter().flatten();
    let told: BTreeSet<&str> = stories().map(|story| story.alert).collect();
    assert_eq!(told, bootwatch_alerts::alert_names());
    let tests: BTreeSet<usize> = stories().map(|story| story.told as usize).collect();
    assert_eq!(tests.len(), stories().count());
}

// Fails when `bootwatch alerts replay` would tell anything else of stored blocks than was told of them
// as they came.
#[test]
fn a_replay_tells_what_was_told() {
    let (epoch, last) = (2, calendar::effective(3) + 3);
    let steps = [
        steps::refuse(calendar::validation_start(epoch) - 9, "heath", course::KIMI),
        steps::exclude(calendar::effective(1) + 9, "fjord", "downtime"),
        steps::delegate(calendar::effective(1) + 3, "grove", course::KIMI, "fjord"),
        steps::intend(calendar::capture(epoch) + 1, "beech", course::DEEPSEEK),
        steps::stop(calendar::poc_start(epoch), "dune", course::QWEN),
        steps::fail_capture(calendar::capture(3)),
    ];
    let play = play::Play::new(&steps).deepseek_costs_from(2);
    let play = play.watching(&["beech", "dune", "grove", "heath"]);
    let (course, replayed) = play.replayed_through(last);
    let told = course.subjects();
    assert!(told.len() > 50, "{} messages prove little", told.len());
    assert_eq!(replayed, told);
}
