//! What holds in every language.

use jiff::{Timestamp, tz::TimeZone};

use super::*;

fn everything(time: &Zoned) -> Vec<Phrase<'_>> {
    use Phrase as P;
    let severities = [Severity::Info, Severity::Warning, Severity::Critical];
    let stored = Stored::Intent;
    let (model, deadline, epoch, block) = ("MODEL", "DEADLINE", "EPOCH", "BLOCK");
    let mut all: Vec<Phrase<'_>> = severities.map(|s| P::Tag(Tag::Severity(s))).into();
    all.extend([P::Tag(Tag::Done), P::Tag(Tag::Test), P::Time(time, "UTC")]);
    all.extend([
        P::LastBlock { height: "HEIGHT", blocks: 1_340, from: "FROM" },
        P::Basis { chain: "CHAIN", complete_to: "COMPLETE", time: "TIME", rules: "RULES" },
        P::GapMissing { have: "HAVE", need: "NEED", missing: "MISSING" },
        P::Does { verb: Some(Verb::Choose(stored)), english: "ENGLISH" },
        P::Why { stored, charge: "CHARGE", english: "ENGLISH" },
        P::CostUpTo { charge: "CHARGE", epoch },
        P::CoinsAtStake { most: "MOST", of: "WHOLE" },
        P::WeightAtStake { most: "MOST", of: "WHOLE" },
        P::Bundle { count: 123, named: "NAMED", more: 456 },
        P::Reminder { since: "SINCE", times: 123 },
        P::FromTo { from: "FROM", to: "UNTIL" },
        P::Over { what: "WHAT" },
        P::TooLateWhat { what: "WHAT" },
        P::Need { reason: AdviceReason::TooLate, model },
        P::NoCaptureWhat { model, epoch: 360, block },
        P::SecondCaptureWhat { model, first: "FIRST", block },
        P::MovedCaptureWhat { model, block },
        P::WouldMiss { model, epoch },
        P::WouldMissWhat { model, epoch: 360, missing: "MISSING" },
        P::SuchAs { count: "COUNT", hosts: "HOSTS" },
        P::CostsFromWhat { model, epoch: 360, running: 358 },
        P::FellOutWhat { model, before: 358, since: 359 },
        P::NoCommitWhat { model },
        P::NoDistributionWhat { model },
        P::ExcludedWhat { epoch: 360, block, reason: "REASON" },
        P::DelegateOfWhat { host: "HOST", model, delegate: "DELEGATE", risk: "RISK" },
        P::Charged { epoch: 360, share: "SHARE", of_weight: false },
        P::ChargedCost { epoch: 360, share: "SHARE", of_weight: true },
        P::ChargedWhat { epoch: 360 },
        P::Stalled { behind: 1_200 },
        P::StalledOver,
        P::StalledWhat,
        P::About { amount: "AMOUNT" },
        P::NotGettingThroughWhat { waiting: "WAITING", since: "SINCE" },
        P::NothingHelpsWhat { model, deadline, epoch, stored },
        P::SettledWhat { model, deadline, epoch, stored },
        P::MissedWhat { model, deadline, epoch, block, stored },
        P::NotSeenWhat { model, deadline, epoch, block, stored },
        P::MissedCaptureWhat { model, epoch: Some(360), block, short: "SHORT" },
        P::Refused { channel: "CHANNEL", recipient: "RECIPIENT" },
        P::TestWhat { channel: "CHANNEL" },
        P::AllWellWhat { block },
        P::StillFiring { count: 123 },
        P::StillFiringWhat { block },
        P::NotWell { why: "WHY" },
        P::NotWellWhat { why: "WHY", block },
        P::VoteWhat { proposal: "PROPOSAL", expedited: true },
        P::VoteOver { proposal: "PROPOSAL" },
        P::VoteOverWhat { changed: Some(block) },
        P::VoteMoot { proposal: "PROPOSAL" },
        P::UpgradeAt { upgrade: "UPGRADE", block },
        P::UpgradeWhat { block },
        P::UpgradeDisturbs { blocks: 1_340, deadline },
        P::BlocksAhead { block, blocks: 1_340 },
        P::DeadlineAfter { deadline, epoch: 360, block, blocks: 1_340 },
        P::UpgradeThere { upgrade: "UPGRADE", block },
        P::UpgradeThereWhat { upgrade: "UPGRADE", block },
        P::UpgradeOff { upgrade: "UPGRADE", block },
    ]);
    let deeds = [
        Deed::Change { name: "NAME", before: "BEFORE", after: "AFTER" },
        Deed::Add { model },
        Deed::Remove { model },
        Deed::Schedule { upgrade: "UPGRADE", block },
        Deed::CancelUpgrade,
    ];
    all.extend(deeds.map(|deed| P::Would { proposal: "PROPOSAL", deed, more: 456 }));
    all
}

// Fails when a translation drops a number or a name that another language says.
#[test]
fn every_language_says_every_argument() {
    let time = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let given = |text: &str| {
        let mut words: Vec<String> = text
            .split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit())
            .filter(|word| word.len() > 2)
            .map(str::to_owned)
            .collect();
        words.sort();
        words.dedup();
        words
    };
    for phrase in everything(&time) {
        let english = phrase.say(Lang::En);
        for lang in [Lang::Ru, Lang::Zh] {
            let said = phrase.say(lang);
            assert!(!said.trim().is_empty(), "{phrase:?} says nothing in {lang}");
            if matches!(phrase, Phrase::Tag(_) | Phrase::Why { .. }) {
                continue;
            }
            let (wanted, found) = (given(&english), given(&said));
            assert!(
                wanted.iter().all(|word| found.contains(word) || word == "POC"),
                "{lang} loses something of {wanted:?}: {said}"
            );
        }
    }
}

// Fails when a day of the week or a month is off by one.
#[test]
fn dates_are_written_as_they_are_read() {
    let time: Timestamp = "2026-11-23T14:05:00Z".parse().unwrap();
    let time = time.to_zoned(TimeZone::UTC);
    let said = |lang| Phrase::Time(&time, "UTC").say(lang);
    assert_eq!(said(Lang::En), "Mon 23 Nov 2026 14:05 UTC");
    assert_eq!(said(Lang::Ru), "пн 23 ноября 2026 14:05 UTC");
    assert_eq!(said(Lang::Zh), "2026年11月23日 周一 14:05 UTC");
}

// Fails when one block is many, or a language counts as another does.
#[test]
fn blocks_are_counted_as_they_are_read() {
    let said = |blocks, lang| {
        let last = Phrase::LastBlock { height: "9", blocks, from: "8" };
        (Phrase::Left(Left::Blocks(blocks)).say(lang), last.say(lang))
    };
    let ends = |blocks, lang, left: &str, last: &str| {
        let found = said(blocks, lang);
        assert_eq!(found.0, left);
        assert!(found.1.ends_with(last), "{}", found.1);
    };
    ends(1, Lang::En, "1 block left", ": 9 (1 block from 8)");
    ends(0, Lang::En, "0 blocks left", ": 9 (0 blocks from 8)");
    ends(1_340, Lang::En, "1,340 blocks left", ": 9 (1,340 blocks from 8)");
    ends(1, Lang::Ru, "остался 1 блок", ": 9 (через 1 блок от 8)");
    ends(21, Lang::Ru, "остался 21 блок", ": 9 (через 21 блок от 8)");
    ends(3, Lang::Ru, "осталось 3 блока", ": 9 (через 3 блока от 8)");
    ends(11, Lang::Ru, "осталось 11 блоков", ": 9 (через 11 блоков от 8)");
    ends(1, Lang::Zh, "剩余 1 个区块", "：9（距 8 还有 1 个区块）");
}
