//! The rules against the chain: what the Situation says one block before an event is held against
//! the event, on the devnet's stories and many seeds, without sockets and without waiting.
//!
//! The simulated chain shares no arithmetic with the rules. Its blocks go through the daemon's own
//! decoding, its answers through the daemon's own protobuf reading, into the ledger.
//!
//! Rules that were broken on purpose, one at a time, and what noticed it:
//!
//! | broken rule | noticed as |
//! |---|---|
//! | exactly two thirds reach (`>=`) | capture |
//! | the weight threshold must be exceeded (`>`) | capture |
//! | `v_min` must be exceeded (`>`) | capture |
//! | excluded members still count | capture |
//! | a refusal is charged as one on a candidate too | charge |
//! | an intent that passed and was not served is free | charge |
//! | no wipe of refusals and intents at validation end | choices |
//! | a model fell out in the newest epoch without it, not in the first | past |
//! | only who has voting power served a model | past |
//! | another total of the event's is not compared with ours | total |
//!
//! `BOOTWATCH_ORACLE_SEEDS=100 cargo test -p bootwatch --test rules_follow_the_chain` plays more.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod check;
#[expect(dead_code, reason = "shared with the stories of the alerts")]
mod player;
mod score;
mod stories;

use std::sync::Mutex;

use bootwatch_devnet::chain::{Spec, Version};
use bootwatch_rules::RuleSet;

use check::Checked;
use score::Score;

/// Plays every spec, on as many threads as there are cores.
fn play(specs: Vec<(Spec, u64)>, rule_set: Option<RuleSet>) -> Score {
    let queue = Mutex::new(specs.into_iter());
    let next = || queue.lock().unwrap().next();
    let work = || {
        let mut score = Score::default();
        while let Some((spec, epochs)) = next() {
            score.add(Checked::new(spec, rule_set).through(epochs));
        }
        score
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let scores = running.into_iter().map(|thread| thread.join().unwrap());
        scores.fold(Score::default(), |mut sum, score| {
            sum.add(score);
            sum
        })
    })
}

#[test]
fn on_every_story_the_chain_does_what_the_situation_said() {
    let score = play(stories::specs(stories::seeds()), None);
    println!("{score}");
    score.assert_clean();
    score.assert_enough();
}

/// The test above can fail: with the rules of another version, the forecasts do not hold.
#[test]
fn a_wrong_rule_set_is_noticed() {
    for (version, wrong) in
        [(Version::V0_2_14, RuleSet::V0_2_16), (Version::V0_2_16, RuleSet::V0_2_14)]
    {
        let specs = stories::specs(1).into_iter();
        let specs = specs.filter(|(spec, _)| spec.version == version).collect();
        let score = play(specs, Some(wrong));
        println!("{} judged by {wrong}: {score}", version.as_str());
        assert!(score.charges > 0 && !score.mismatches.is_empty());
        // Pre-eligibility is the same in all versions; only charges differ.
        assert!(score.mismatches.iter().all(|text| text.contains("charge")), "{score}");
    }
}

/// Where a capture counts other weights than the chain's records show, both counts are told, what
/// rests on ours is called uncertain, and the charges still follow from the event.
#[test]
fn a_network_that_is_counted_otherwise_is_told() {
    let specs = stories::specs(2).into_iter().filter(|(spec, _)| spec.story.name == "default");
    let counted =
        specs.map(|(spec, epochs)| (Spec { counted_weight: Some(5_000), ..spec }, epochs));
    let score = play(counted.collect(), None);
    println!("{score}");
    score.assert_clean();
    assert!(score.otherwise_counted >= 50 && score.charges >= 200, "{score}");
}
