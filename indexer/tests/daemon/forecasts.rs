//! Forecasts against the charges that the node stores, through restarts, and what they come to.

use std::time::Duration;

use bootwatch_rules::{
    forecast::{Outcome, TrackRecord},
    situation::{DeadlineName, Situation},
};
use bootwatch_schema::{ReadStore, SqliteReader};

use crate::{
    bench::{Bench, Run},
    metric,
};

const MISMATCHES: &str = "bootwatch_rule_mismatches_total{statement=\"forecast\"}";

fn mismatches(run: &Run) -> f64 {
    metric(&String::from_utf8(run.daemon.metrics().text()).unwrap(), MISMATCHES)
}

/// The epoch that is formed next, and the block that forms it.
fn next_formation(situation: &Situation) -> (u64, i64) {
    let end = situation.deadlines.iter().find(|d| d.name == DeadlineName::ValidationEnd).unwrap();
    (end.epoch, end.height.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_goes_on_through_restarts() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let run = bench.daemon().await;
    let (first, end) = next_formation(&*run.reaches(3).await);
    let formed = run.reaches(end + 1).await;
    assert_eq!(formed.record, TrackRecord { epochs: 1, right: 1, wrong: None });
    assert_eq!(mismatches(&run), 0.0);
    run.stop().await;

    // What was said is kept beside what the chain stored, for every host.
    let reader = SqliteReader::open(&bench.database()).unwrap();
    let kept = reader.forecast(first).unwrap().unwrap();
    let (_, fixed) = reader.charges(first).unwrap().unwrap();
    assert!(kept.height < end && kept.checked.is_some_and(|height| height >= end));
    assert!(kept.hosts.len() > formed.hosts.len(), "not only watched hosts");
    let mut charged = 0;
    for (host, charge) in &kept.hosts {
        assert_ne!(charge.outcome, Some(Outcome::Wrong), "{host}: {charge:?}");
        assert_eq!(charge.stored, Some(fixed.of(host).unwrap()), "{host}");
        charged += usize::from(!charge.stored.unwrap().is_zero());
    }
    assert!(charged > 0, "an epoch in which nobody is charged proves little");
    drop(reader);

    // Stopped before the next formation and started after it: the forecast is made on the way.
    while bench.node.height() < end + bench.epoch_length() + 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let run = bench.daemon().await;
    let second = run.reaches(end + bench.epoch_length() + 1).await;
    assert_eq!(second.record, TrackRecord { epochs: 2, right: 2, wrong: None });
    assert!(second.hosts.iter().all(|host| host.record.epochs == host.record.right));
    assert_eq!(mismatches(&run), 0.0);

    // The chain's own estimate, once the epoch is in force.
    let mut newest = run.daemon.situation();
    let rewarded = newest.wait_for(|situation| {
        let hosts = situation.iter().flat_map(|situation| &situation.hosts);
        hosts.clone().any(|host| host.reward.is_some() && host.cost.is_some())
    });
    let situation =
        tokio::time::timeout(Duration::from_secs(60), rewarded).await.unwrap().unwrap().clone();
    let situation = situation.unwrap();
    let reader = SqliteReader::open(&bench.database()).unwrap();
    for host in &situation.hosts {
        let Some(earned) = host.reward else { continue };
        assert_eq!(earned.epoch, situation.epoch.index);
        let before = earned.reward.before_charges.unwrap();
        // Every member's reward before charges is its part of one amount.
        let total: i64 = reader.load().unwrap().ledger.live_members().map(|(_, w)| w).sum();
        let whole = 285_000_000_000_000_i128 * i128::from(host.weight.unwrap()) / i128::from(total);
        let off = (i128::from(before) - whole).abs();
        assert!(off <= whole / 100, "{}: {before} of {whole}", host.name);
        let cost = host.cost.unwrap();
        let range = host.charge.unwrap();
        let part = |fraction: bootwatch_rules::Fraction| {
            u64::try_from(fraction.floor_of(i64::try_from(before).unwrap()).unwrap()).unwrap()
        };
        assert_eq!((cost.of, cost.least), (before, part(range.min)));
        assert_eq!(cost.most, part(range.max));
    }
    run.stop().await;
}

/// A rule that is wrong on purpose: the node is 0.2.14, the daemon is told to judge by v0.2.16, where
/// a candidate that was not pre-eligible costs nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_rule_is_counted() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let run = bench.run(bench.config_by("v0.2.16")).await;
    let mut epochs = 0;
    let mut height = run.reaches(3).await.complete_to;
    let situation = loop {
        height += bench.epoch_length();
        epochs += 1;
        let situation = run.reaches(height).await;
        if situation.record.wrong.is_some() || epochs == 4 {
            break situation;
        }
    };
    let wrong = situation.record.wrong.expect("no epoch was charged otherwise than v0.2.16 says");
    assert!(situation.record.right < situation.record.epochs, "{:?}", situation.record);
    assert!(mismatches(&run) >= 1.0);
    run.stop().await;
    // It is still known after a restart, and is not counted again.
    let kept = SqliteReader::open(&bench.database()).unwrap().forecast(wrong).unwrap().unwrap();
    assert_eq!(kept.rule_set.as_str(), "v0.2.16");
    assert!(kept.wrong().all(|(_, charge)| !charge.range.contains(charge.stored.unwrap())));
    assert!(kept.wrong().count() > 0);
    let run = bench.run(bench.config_by("v0.2.16")).await;
    let again = run.reaches(height + 1).await;
    assert!(again.record.wrong >= Some(wrong));
    assert!(again.record.right < again.record.epochs);
    run.stop().await;
}
