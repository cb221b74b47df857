//! English.

use bootwatch_rules::{
    Height,
    situation::{AdviceReason, DeadlineName, Degree},
};
use bootwatch_schema::Severity;

use super::{Check, Deed, Heading, Left, Name, Phrase, Risk, Stored, Tag, Verb};
use crate::message::words::grouped;

pub(super) fn say(phrase: Phrase<'_>) -> String {
    use Phrase as P;
    match phrase {
        P::Tag(tag) => match tag {
            Tag::Severity(Severity::Info) => "INFO",
            Tag::Severity(Severity::Warning) => "WARNING",
            Tag::Severity(Severity::Critical) => "CRITICAL",
            Tag::Done => "DONE",
            Tag::Test => "TEST",
        }
        .into(),
        P::Heading(heading) => match heading {
            Heading::ByWhen => "By when",
            Heading::Cost => "What it costs",
            Heading::ToDo => "What to do",
            Heading::Numbers => "The numbers",
            Heading::Links => "Links",
        }
        .into(),
        P::Left(left) => match left {
            Left::Soon => "under a minute left".into(),
            Left::Minutes(minutes) => format!("{minutes} min left"),
            Left::HoursMinutes(hours, minutes) => format!("{hours} h {minutes} min left"),
            Left::Hours(hours) => format!("{hours} h left"),
            Left::Days(days) => format!("{days} d left"),
            Left::DaysHours(days, hours) => format!("{days} d {hours} h left"),
            Left::Blocks(blocks) => format!("{} left", in_blocks(blocks)),
        },
        P::Time(time, zone) => format!("{} {zone}", time.strftime("%a %-d %b %Y %H:%M")),
        P::GiveOrTakeSeconds(seconds) if seconds < 90.0 => format!("± {seconds:.0} s"),
        P::GiveOrTakeSeconds(seconds) => format!("± {:.0} min", seconds / 60.0),
        P::LastBlock { height, blocks, from } => {
            format!("last block that counts: {height} ({} from {from})", in_blocks(blocks))
        }
        P::NotShown => {
            "not shown: the command has hidden characters in it; see `bootwatch status`".into()
        }
        P::Page => "The page".into(),
        P::Basis { chain, complete_to, time, rules } => format!(
            "Bootwatch on {chain}. Data complete to block {complete_to} of {time}. Rules {rules}."
        ),
        P::Sender => "Bootwatch".into(),
        P::Deadline(name) => deadline(name).into(),
        P::Stored(stored) => noun(stored).into(),
        P::StoredSince { stored, block } => format!("{stored} since block {block}"),
        P::DelegatedTo { address } => format!("delegation to {address}"),
        P::Name(name) => match name {
            Name::Host => "Host",
            Name::Model => "Model",
            Name::StoredChoice => "Stored choice",
            Name::Weight => "Weight",
            Name::NetworkWeight => "Network weight",
            Name::Channel => "Channel",
            Name::Answer => "Its answer",
            Name::Block => "Block",
            Name::Fraction => "Fraction",
            Name::Nonces => "Nonces committed",
            Name::DelegateWeight => "Delegate's weight",
            Name::DelegatePower => "Delegate's voting power",
            Name::Delegators => "Delegators",
            Name::DelegateNonces => "Delegate's nonces",
            Name::SoundDelegates => "Nothing known speaks against",
            Name::FewestHosts => "Fewest hosts that would close it",
            Name::NewestCapture => "Its newest capture",
            Name::FiringSince => "Firing since",
            Name::Fired => "It fired",
            Name::HeldBack => "Held back meanwhile",
            Name::Waiting => "Waiting",
            Name::RefusedToday => "Refused in 24 h",
            Name::Title => "Title",
            Name::VoteEnds => "Vote ends",
            Name::MoreValues => "More values",
            Name::Adds => "Adds",
            Name::Removes => "Removes",
            Name::Message => "Message",
            Name::Upgrade => "Upgrade",
            Name::UpgradeBlock => "Its block",
            Name::Expected => "Expected",
            Name::ComesBefore => "Comes before",
            Name::LastTakenIn => "Last block taken in",
            Name::TakenInAt => "Taken in at",
            Name::NewestToldOf => "Newest block told of",
            Name::Database => "Database",
        }
        .into(),
        P::GapName(check, degree) => {
            let check = match check {
                Check::Hosts => "Hosts with intent",
                Check::Weight => "Intent weight",
                Check::Reach => "Reach",
            };
            let degree = match degree {
                Degree::Projected => "now",
                Degree::Snapshot => "at the capture",
                Degree::Final => "final",
            };
            format!("{check} {degree}")
        }
        P::GapEnough { have, need } => format!("{have} of {need}, enough"),
        P::GapMissing { have, need, missing } => format!("{have} of {need}, {missing} missing"),
        P::GapHopeless { have } => format!("{have}, and no amount would be enough"),
        P::Missing(check, amount) => {
            let unit = match check {
                Check::Hosts if amount == Some(1) => "host",
                Check::Hosts => "hosts",
                Check::Weight => "weight",
                Check::Reach => "reach",
            };
            amount.map_or_else(|| unit.into(), |amount| format!("{} {unit}", grouped(amount)))
        }
        P::Short { missing } => format!("{missing} short"),
        P::And { first, last } => format!("{first} and {last}"),
        P::CoefficientNotPositive => "its coefficient is not positive".into(),
        P::Does { verb: Some(Verb::Explain), .. } => "see how it came about".into(),
        P::Does { verb: Some(Verb::Export), .. } => "keep the evidence".into(),
        P::Does { english, .. } | P::Why { english, .. } => english.into(),
        P::CostUpTo { charge, epoch } => {
            format!("Up to {charge} in epoch {epoch}, if nothing changes.")
        }
        P::CostEach { list } => format!("Of the reward, if nothing changes: {list}."),
        P::CoinsAtStake { most, of } => {
            format!("That is about {most}, if it pays {of} before charges as this epoch does.")
        }
        P::WeightAtStake { most, of } => format!("That is {most} of its present weight of {of}."),
        P::Bundle { count, named, more: 0 } => format!("{count} notices: {named}"),
        P::Bundle { count, named, more } => format!("{count} notices: {named}; and {more} more"),
        P::BundleWhat { count } => {
            format!("{count} things have changed. The most urgent come first.")
        }
        P::Reminder { since, times } => format!("{since}, reminder {times}"),
        P::FromTo { from, to } => format!("{from} – {to}"),
        P::Over { what } => format!("over: {what}"),
        P::OverWhat { what } => format!("This no longer holds: {what}."),
        P::TooLate { what } => format!("too late: {what}"),
        P::TooLateWhat { what } => format!("It was not settled in time: {what}."),
        P::Need { reason, model } => need(reason, model),
        P::Settled { model, stored } => format!("settled for {model} ({})", noun(stored)),
        P::SettledWhat { model, deadline, epoch, stored } => format!(
            "Nothing is left to do for {model} before the {deadline} of epoch {epoch}. Stored now: \
             {}.",
            noun(stored)
        ),
        P::Missed { model, deadline } => format!("{deadline} missed for {model}"),
        P::MissedWhat { model, deadline, epoch, block, stored } => format!(
            "Block {block}, the {deadline} of epoch {epoch}, has passed, and nothing that helps was \
             included for {model}. Stored then: {}. What is sent from now on does not count for it.",
            noun(stored)
        ),
        P::NotSeen { model, deadline } => {
            format!("{deadline} for {model} is over, outcome not seen")
        }
        P::NotSeenWhat { model, deadline, epoch, block, stored } => format!(
            "Block {block}, the {deadline} of epoch {epoch}, passed while Bootwatch had no current \
             data, so it cannot tell whether a choice for {model} was in time. Stored now: {}.",
            noun(stored)
        ),
        P::NothingToDecide { model } => format!("nothing left to decide for {model}"),
        P::NothingToDecideWhat { model } => {
            format!("{model} is no longer among the models of this host.")
        }
        P::NothingHelpsWhat { model, deadline, epoch, stored } => format!(
            "Nothing that this host can choose for {model} before the {deadline} of epoch {epoch} \
             changes what it pays any more. Stored now: {}.",
            noun(stored)
        ),
        P::PreEligible { model } => format!("{model} is pre-eligible"),
        P::MissedCapture { model, short } => format!("{model} missed the capture: {short}"),
        P::PreEligibleWhat { model, epoch, block } => format!(
            "The capture{} was taken at block {block}: {model} is pre-eligible: hosts with an \
             intent are expected to commit from the next PoC start. {ADVISORY}",
            of_epoch(epoch)
        ),
        P::MissedCaptureWhat { model, epoch, block, short } => format!(
            "The capture{} was taken at block {block}: {model} is not pre-eligible: {short}. \
             {ADVISORY}",
            of_epoch(epoch)
        ),
        P::NoCapture { model, block } => format!("no capture of {model} at block {block}"),
        P::NoCaptureWhat { model, epoch, block } => format!(
            "Block {block}, the capture of epoch {epoch}, has come, and no event in it names \
             {model}. The capture failed, or the chain took it at another height. What counts for \
             that epoch is then an older capture, or none."
        ),
        P::NoneKnown => "none known".into(),
        P::SecondCapture { model } => format!("a second capture of {model} in one epoch"),
        P::SecondCaptureWhat { model, first, block } => format!(
            "{model} was captured at block {first}, and again at block {block}. The later one counts."
        ),
        P::MovedCapture { model } => format!("the capture of {model} came at another height"),
        P::MovedCaptureWhat { model, block } => format!(
            "{model} was captured at block {block}, where the parameters that were known did not \
             put a capture. Choices that were sent for the expected height may have come too late."
        ),
        P::WouldMiss { model, epoch } => format!("{model} would miss the capture of epoch {epoch}"),
        P::WouldMissWhat { model, epoch, missing } => format!(
            "If the capture of epoch {epoch} were now, {model} would not be pre-eligible: {missing}. \
             This is a projection from the present choices and weights."
        ),
        P::Uncertain => {
            "It is uncertain: at the newest capture the chain counted another weight of \
                         the network than Bootwatch."
                .into()
        }
        P::SuchAs { count, hosts } => format!("{count}, such as {hosts}"),
        P::NoneWould => "none would".into(),
        P::CostsFrom { model, epoch } => format!("{model} costs from epoch {epoch} on"),
        P::CostsFromWhat { model, epoch, running } => format!(
            "From epoch {epoch} on, a host without accepted work, delegation or refusal is charged \
             for {model}. The running epoch is {running}. What counts for epoch {epoch} is decided \
             before it: for a candidate at the capture, for an active model at validation start."
        ),
        P::FellOut { model } => format!("{model} has fallen out"),
        P::FellOutWhat { model, before, since } => format!(
            "{model} had a group in epoch {before}, and has none since epoch {since}: too little of \
             its work was accepted. It is a candidate again, so intents and delegations for it count \
             at the capture, refusals are not read there, and delegations to hosts without an intent \
             reach nothing."
        ),
        P::NoCommitWhat { model } => format!(
            "PoC has started and no store commit of this host for {model} was included. Without one \
             it earns nothing for the model, and an intent that is not served costs as much as no \
             choice. Check the ML nodes, and that the account that commits can pay fees."
        ),
        P::NoDistribution { model } => format!("no weight distribution for {model}"),
        P::NoDistributionWhat { model } => format!(
            "This host committed work for {model} and sent no weight distribution. The chain counts \
             nothing of a commit without one. Check the API container's log."
        ),
        P::Excluded => "excluded from the running epoch".into(),
        P::ExcludedWhat { epoch, block, reason } => format!(
            "The chain removed this host from epoch {epoch} at block {block}, with the reason \
             \"{reason}\". Until the next epoch it has no weight, its choices are not read at a \
             capture, and who delegates to it is charged as if they had chosen nothing."
        ),
        P::Risk(risk) => match risk {
            Risk::Excluded => "was excluded",
            Risk::Guardian => {
                "is a guardian of the chain, which must stay independent of delegations"
            }
            Risk::Delegates => "delegates this model itself",
            Risk::Refuses => "refuses this model itself",
            Risk::NotCommitted => "has not committed in the running PoC",
            Risk::NotDistributed => {
                "sent no weight distribution, without which its commit counts nothing"
            }
            Risk::Capped => "would lose voting power to the cap",
            Risk::Concentrated => "holds much of the group's voting power",
        }
        .into(),
        P::DelegateOf { model, risk } => format!("the delegate for {model} {risk}"),
        P::DelegateOfWhat { host, model, delegate, risk } => format!(
            "{host} delegates {model} to {delegate}, which {risk}. If the delegate is not accepted \
             at the validation end, the delegation counts as no choice."
        ),
        P::NoLiveMember => "no live member".into(),
        P::Charged { epoch, share, of_weight } => {
            format!("epoch {epoch} takes {share} of the {}", whole(of_weight))
        }
        P::ChargedCost { epoch, share, of_weight } => {
            format!("{share} of the {} of epoch {epoch}.", whole(of_weight))
        }
        P::ChargedWhat { epoch } => {
            format!("The chain fixed this charge when epoch {epoch} was formed. It is final.")
        }
        P::About { amount } => format!("That is about {amount}."),
        P::Would { proposal, deed, more: 0 } => {
            format!("proposal {proposal} would {}", would(deed))
        }
        P::Would { proposal, deed, more } => {
            format!("proposal {proposal} would {} and {more} more", would(deed))
        }
        P::VoteWhat { proposal, expedited } => format!(
            "Governance votes on proposal {proposal}. What it would change is compared with the \
             parameters in force now; if it passes, it holds from the block on in which the vote \
             ends.{}",
            if expedited {
                " It is expedited; if it fails as such, the vote goes on as an ordinary one."
            } else {
                ""
            }
        ),
        P::VoteOver { proposal } => format!("the vote on proposal {proposal} is over"),
        P::VoteOverWhat { changed: Some(block) } => format!(
            "The vote is over. Parameters changed with block {block}: ParamsChanged lists them."
        ),
        P::VoteOverWhat { changed: None } => {
            "The vote is over. No parameter that is read here has changed since it began.".into()
        }
        P::VoteMoot { proposal } => format!("proposal {proposal} would change nothing any more"),
        P::VoteMootWhat => "What it would change is so already, or cannot be done any more.".into(),
        P::UpgradeAt { upgrade, block } => format!("upgrade {upgrade} at block {block}"),
        P::UpgradeWhat { block } => format!(
            "The old program makes no block from {block} on: the chain stands still there until \
             enough hosts run the new one, and every deadline after it comes later by as long. Have \
             the new version of node and API in place before, and see that both run it after."
        ),
        P::UpgradeDisturbs { blocks, deadline } => format!(
            "It comes {} before {deadline}: choices and work for that may not get through in time \
             after it. Send choices before the upgrade.",
            in_blocks(blocks)
        ),
        P::BlocksAhead { block, blocks } => format!("{block}, {} ahead", in_blocks(blocks)),
        P::DeadlineAfter { deadline, epoch, block, blocks } => {
            format!("{deadline} of epoch {epoch}, block {block}, {} later", in_blocks(blocks))
        }
        P::UpgradeThere { upgrade, block } => format!("upgrade {upgrade}: block {block} is there"),
        P::UpgradeThereWhat { upgrade, block } => format!(
            "The chain has passed block {block}. See that your own node and API run {upgrade}."
        ),
        P::UpgradeOff { upgrade, block } => {
            format!("upgrade {upgrade} at block {block} is off")
        }
        P::UpgradeOffWhat => {
            "It is no longer scheduled: it was taken back, or another took its place.".into()
        }
        P::Stalled { behind } => format!("no block taken in, {} behind", grouped(behind)),
        P::StalledOver => "no block is taken in".into(),
        P::StalledWhat => {
            "The chain goes on, but Bootwatch takes no block in. What it shows is the past, and \
             deadlines may pass unnoticed. See its log, the disk, and the endpoints."
                .into()
        }
        P::Refused { channel, recipient } => {
            format!("messages by {channel} to {recipient} are refused")
        }
        P::RefusedWhat { channel, recipient } => format!(
            "A message by {channel} to {recipient} was refused for good, and is not sent again. \
             Until this is mended, what matters may not arrive there."
        ),
        P::NotGettingThrough { channel } => format!("messages by {channel} do not get through"),
        P::NotGettingThroughWhat { waiting, since } => format!(
            "Messages waiting: {waiting}, the oldest since {since}. They are tried again until they \
             go out, for five days at most; until then nobody is warned this way. `bootwatch notify \
             test` shows what the other side says."
        ),
        P::AllWell => "all is well".into(),
        P::AllWellWhat { block } => format!(
            "Blocks are taken in up to {block}, alerts are judged, and messages get through. No \
             alert fires."
        ),
        P::StillFiring { count: 1 } => "1 alert fires".into(),
        P::StillFiring { count } => format!("{count} alerts fire"),
        P::StillFiringWhat { block } => format!(
            "Blocks are taken in up to {block}, alerts are judged, and messages get through. What \
             fires is below."
        ),
        P::Unwell(unwell) => unwell.as_str().into(),
        P::NotWell { why } => format!("Bootwatch is not well: {why}"),
        P::NotWellWhat { why, block } => format!(
            "{why}; the newest block is {block}. Until this is mended, what matters may be told \
             late or not at all."
        ),
        P::TestHeadline => "this channel works".into(),
        P::TestWhat { channel } => format!(
            "This is a test of the channel {channel}, asked for by `bootwatch notify test`. Nothing \
             happened, and nothing is to be done."
        ),
    }
}

const ADVISORY: &str = "This is advisory: a model that misses it may still activate, and one that \
                        passes may still fail. What counts is who is accepted by validation end.";

/// `1 block`, `1,340 blocks`.
fn in_blocks(blocks: Height) -> String {
    format!("{} {}", grouped(blocks), if blocks == 1 { "block" } else { "blocks" })
}

fn would(deed: Deed<'_>) -> String {
    match deed {
        Deed::Change { name, before, after } => format!("change {name} from {before} to {after}"),
        Deed::Add { model } => format!("add {model}"),
        Deed::Remove { model } => format!("remove {model}"),
        Deed::Schedule { upgrade, block } => format!("schedule upgrade {upgrade} at block {block}"),
        Deed::CancelUpgrade => "cancel the scheduled upgrade".into(),
    }
}

fn of_epoch(epoch: Option<u64>) -> String {
    epoch.map_or_else(String::new, |epoch| format!(" for epoch {epoch}"))
}

fn whole(of_weight: bool) -> &'static str {
    if of_weight { "weight" } else { "reward" }
}

fn need(reason: AdviceReason, model: &str) -> String {
    match reason {
        AdviceReason::NoChoice => format!("no choice for {model}"),
        AdviceReason::RefusalExpired => format!("the refusal of {model} has expired"),
        AdviceReason::IntentExpired => format!("the intent for {model} has expired"),
        AdviceReason::RefusalOnCandidate => format!("refusing {model} does not protect"),
        AdviceReason::IntentOnActive => format!("the intent for {model} has no effect"),
        AdviceReason::DelegateDoesNotServe => format!("the delegate does not serve {model}"),
        AdviceReason::DelegateWithoutIntent => format!("the delegate has no intent for {model}"),
        AdviceReason::TooLate => format!("the choice for {model} came too late"),
        AdviceReason::IntentNotServed => format!("no commit for {model}"),
    }
}

fn deadline(name: DeadlineName) -> &'static str {
    match name {
        DeadlineName::Capture => "capture",
        DeadlineName::PocStart => "PoC start",
        DeadlineName::CommitDeadline => "commit deadline",
        DeadlineName::ValidationStart => "validation start",
        DeadlineName::ValidationEnd => "validation end",
    }
}

fn noun(stored: Stored) -> &'static str {
    match stored {
        Stored::Delegation => "delegation",
        Stored::Refusal => "refusal",
        Stored::Intent => "intent",
        Stored::Nothing => "nothing",
        Stored::Unknown => "unknown",
    }
}
