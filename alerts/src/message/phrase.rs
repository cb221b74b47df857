//! Everything that messages say, one variant for each sentence; each language is one exhaustive
//! match, so that a missing translation does not compile.
//!
//! Arguments are clean already: one line, nothing hidden, nothing endless. No language adds markup.

mod en;
mod ru;
mod zh;

use bootwatch_rules::{
    Height,
    situation::{AdviceReason, DeadlineName, Degree},
};
use bootwatch_schema::Severity;
use jiff::Zoned;

use super::lang::Lang;
use crate::daily::Unwell;

/// The first word of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Severity(Severity),
    /// It ended well.
    Done,
    /// Nothing happened: somebody tries the channel.
    Test,
}

/// The heads of a message's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heading {
    ByWhen,
    Cost,
    ToDo,
    Numbers,
    Links,
}

/// How much is left, as it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    Soon,
    Minutes(i64),
    HoursMinutes(i64, i64),
    Hours(i64),
    Days(i64),
    DaysHours(i64, i64),
    Blocks(i64),
}

/// The three checks of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    Hosts,
    Weight,
    Reach,
}

/// What a row of numbers is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Host,
    Model,
    StoredChoice,
    Weight,
    NetworkWeight,
    Channel,
    Answer,
    Block,
    Fraction,
    Nonces,
    DelegateWeight,
    DelegatePower,
    Delegators,
    DelegateNonces,
    SoundDelegates,
    FewestHosts,
    NewestCapture,
    FiringSince,
    Fired,
    HeldBack,
    Waiting,
    RefusedToday,
    Title,
    VoteEnds,
    MoreValues,
    Adds,
    Removes,
    Message,
    Upgrade,
    UpgradeBlock,
    Expected,
    ComesBefore,
    LastTakenIn,
    TakenInAt,
    NewestToldOf,
    Database,
}

/// What speaks against a delegate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Risk {
    Excluded,
    Guardian,
    Delegates,
    Refuses,
    NotCommitted,
    NotDistributed,
    Capped,
    Concentrated,
}

impl Risk {
    pub(crate) const ALL: [Self; 8] = [
        Self::Excluded,
        Self::Guardian,
        Self::Delegates,
        Self::Refuses,
        Self::NotCommitted,
        Self::NotDistributed,
        Self::Capped,
        Self::Concentrated,
    ];

    /// The value of an incident's label, whatever the language.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Guardian => "guardian",
            Self::Delegates => "delegates",
            Self::Refuses => "refuses",
            Self::NotCommitted => "not_committed",
            Self::NotDistributed => "not_distributed",
            Self::Capped => "capped",
            Self::Concentrated => "concentration",
        }
    }
}

/// What is stored for a host and a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Delegation,
    Refusal,
    Intent,
    Nothing,
    Unknown,
}

impl Stored {
    pub(crate) fn of(kind: &str) -> Self {
        match kind {
            "delegate" => Self::Delegation,
            "refuse" => Self::Refusal,
            "intent" => Self::Intent,
            "none" => Self::Nothing,
            _ => Self::Unknown,
        }
    }
}

/// What a command does, by the program and message that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Choose(Stored),
    ReadProposal,
    Vote,
    Explain,
    Export,
}

/// What a proposal would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed<'a> {
    Change { name: &'a str, before: &'a str, after: &'a str },
    Add { model: &'a str },
    Remove { model: &'a str },
    Schedule { upgrade: &'a str, block: &'a str },
    CancelUpgrade,
}

/// Something to say.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phrase<'a> {
    // --- the frame -------------------------------------------------------------------------------
    Tag(Tag),
    Heading(Heading),
    Left(Left),
    /// A time, and the name of its zone.
    Time(&'a Zoned, &'a str),
    /// How far off an estimate may be.
    GiveOrTakeSeconds(f64),
    LastBlock {
        height: &'a str,
        blocks: Height,
        from: &'a str,
    },
    /// The command has hidden characters in it.
    NotShown,
    /// The page.
    Page,
    /// What the statements rest on.
    Basis {
        chain: &'a str,
        complete_to: &'a str,
        time: &'a str,
        rules: &'a str,
    },
    /// The sender, when there is no data to rest on.
    Sender,
    Deadline(DeadlineName),
    Stored(Stored),
    StoredSince {
        stored: &'a str,
        block: &'a str,
    },
    DelegatedTo {
        address: &'a str,
    },
    Name(Name),
    // --- gaps ------------------------------------------------------------------------------------
    GapName(Check, Degree),
    GapEnough {
        have: &'a str,
        need: &'a str,
    },
    GapMissing {
        have: &'a str,
        need: &'a str,
        missing: &'a str,
    },
    GapHopeless {
        have: &'a str,
    },
    /// So much of a check is missing; none when no amount would do.
    Missing(Check, Option<i64>),
    /// What is missing, joined by [`Phrase::And`].
    Short {
        missing: &'a str,
    },
    And {
        first: &'a str,
        last: &'a str,
    },
    /// The fourth condition of the chain: the model's coefficient must be positive.
    CoefficientNotPositive,
    // --- what to do ------------------------------------------------------------------------------
    /// What a command does: its verb, and the whole of it in English.
    Does {
        verb: Option<Verb>,
        english: &'a str,
    },
    /// Why something needs a choice: what is stored, what it costs, and the whole of it in English.
    Why {
        stored: Stored,
        charge: &'a str,
        english: &'a str,
    },
    CostUpTo {
        charge: &'a str,
        epoch: &'a str,
    },
    CostEach {
        list: &'a str,
    },
    /// At most so much of a reward.
    CoinsAtStake {
        most: &'a str,
        of: &'a str,
    },
    /// The same in weight, under the oldest rules.
    WeightAtStake {
        most: &'a str,
        of: &'a str,
    },
    // --- several notices, and their ends ---------------------------------------------------------
    Bundle {
        count: usize,
        named: &'a str,
        more: usize,
    },
    BundleWhat {
        count: usize,
    },
    Reminder {
        since: &'a str,
        times: u32,
    },
    /// From when to when something fired.
    FromTo {
        from: &'a str,
        to: &'a str,
    },
    Over {
        what: &'a str,
    },
    OverWhat {
        what: &'a str,
    },
    TooLate {
        what: &'a str,
    },
    TooLateWhat {
        what: &'a str,
    },
    // --- a choice that will cost -----------------------------------------------------------------
    /// What is wrong with the choice for a model.
    Need {
        reason: AdviceReason,
        model: &'a str,
    },
    Settled {
        model: &'a str,
        stored: Stored,
    },
    SettledWhat {
        model: &'a str,
        deadline: &'a str,
        epoch: &'a str,
        stored: Stored,
    },
    Missed {
        model: &'a str,
        deadline: &'a str,
    },
    MissedWhat {
        model: &'a str,
        deadline: &'a str,
        epoch: &'a str,
        block: &'a str,
        stored: Stored,
    },
    NotSeen {
        model: &'a str,
        deadline: &'a str,
    },
    NotSeenWhat {
        model: &'a str,
        deadline: &'a str,
        epoch: &'a str,
        block: &'a str,
        stored: Stored,
    },
    NothingToDecide {
        model: &'a str,
    },
    NothingToDecideWhat {
        model: &'a str,
    },
    NothingHelpsWhat {
        model: &'a str,
        deadline: &'a str,
        epoch: &'a str,
        stored: Stored,
    },
    // --- a capture's result ----------------------------------------------------------------------
    PreEligible {
        model: &'a str,
    },
    MissedCapture {
        model: &'a str,
        short: &'a str,
    },
    PreEligibleWhat {
        model: &'a str,
        epoch: Option<u64>,
        block: &'a str,
    },
    MissedCaptureWhat {
        model: &'a str,
        epoch: Option<u64>,
        block: &'a str,
        short: &'a str,
    },
    NoCapture {
        model: &'a str,
        block: &'a str,
    },
    NoCaptureWhat {
        model: &'a str,
        epoch: u64,
        block: &'a str,
    },
    NoneKnown,
    SecondCapture {
        model: &'a str,
    },
    SecondCaptureWhat {
        model: &'a str,
        first: &'a str,
        block: &'a str,
    },
    MovedCapture {
        model: &'a str,
    },
    MovedCaptureWhat {
        model: &'a str,
        block: &'a str,
    },
    // --- a capture to come -----------------------------------------------------------------------
    WouldMiss {
        model: &'a str,
        epoch: &'a str,
    },
    WouldMissWhat {
        model: &'a str,
        epoch: u64,
        missing: &'a str,
    },
    /// Our count of the network's weight and the chain's differ.
    Uncertain,
    SuchAs {
        count: &'a str,
        hosts: &'a str,
    },
    NoneWould,
    CostsFrom {
        model: &'a str,
        epoch: u64,
    },
    CostsFromWhat {
        model: &'a str,
        epoch: u64,
        running: u64,
    },
    FellOut {
        model: &'a str,
    },
    FellOutWhat {
        model: &'a str,
        before: u64,
        since: u64,
    },
    // --- a host's own work, and its delegate -----------------------------------------------------
    NoCommitWhat {
        model: &'a str,
    },
    NoDistribution {
        model: &'a str,
    },
    NoDistributionWhat {
        model: &'a str,
    },
    Excluded,
    ExcludedWhat {
        epoch: u64,
        block: &'a str,
        reason: &'a str,
    },
    Risk(Risk),
    DelegateOf {
        model: &'a str,
        risk: &'a str,
    },
    DelegateOfWhat {
        host: &'a str,
        model: &'a str,
        delegate: &'a str,
        risk: &'a str,
    },
    NoLiveMember,
    // --- a charge --------------------------------------------------------------------------------
    Charged {
        epoch: u64,
        share: &'a str,
        of_weight: bool,
    },
    ChargedCost {
        epoch: u64,
        share: &'a str,
        of_weight: bool,
    },
    ChargedWhat {
        epoch: u64,
    },
    /// An estimated amount.
    About {
        amount: &'a str,
    },
    // --- what governance is about to do ----------------------------------------------------------
    /// What a proposal would do first, and how much more.
    Would {
        proposal: &'a str,
        deed: Deed<'a>,
        more: usize,
    },
    VoteWhat {
        proposal: &'a str,
        expedited: bool,
    },
    VoteOver {
        proposal: &'a str,
    },
    /// The block with which parameters changed meanwhile, if they did.
    VoteOverWhat {
        changed: Option<&'a str>,
    },
    VoteMoot {
        proposal: &'a str,
    },
    VoteMootWhat,
    UpgradeAt {
        upgrade: &'a str,
        block: &'a str,
    },
    UpgradeWhat {
        block: &'a str,
    },
    /// It comes so many blocks before a deadline.
    UpgradeDisturbs {
        blocks: Height,
        deadline: &'a str,
    },
    BlocksAhead {
        block: &'a str,
        blocks: Height,
    },
    /// A deadline so many blocks after an upgrade.
    DeadlineAfter {
        deadline: &'a str,
        epoch: u64,
        block: &'a str,
        blocks: Height,
    },
    UpgradeThere {
        upgrade: &'a str,
        block: &'a str,
    },
    UpgradeThereWhat {
        upgrade: &'a str,
        block: &'a str,
    },
    UpgradeOff {
        upgrade: &'a str,
        block: &'a str,
    },
    UpgradeOffWhat,
    // --- Bootwatch itself ------------------------------------------------------------------------
    /// No block is taken in, so many behind.
    Stalled {
        behind: Height,
    },
    StalledOver,
    StalledWhat,
    // --- delivery itself -------------------------------------------------------------------------
    Refused {
        channel: &'a str,
        recipient: &'a str,
    },
    RefusedWhat {
        channel: &'a str,
        recipient: &'a str,
    },
    NotGettingThrough {
        channel: &'a str,
    },
    NotGettingThroughWhat {
        waiting: &'a str,
        since: &'a str,
    },
    // --- the message of every day ----------------------------------------------------------------
    AllWell,
    AllWellWhat {
        block: &'a str,
    },
    StillFiring {
        count: usize,
    },
    StillFiringWhat {
        block: &'a str,
    },
    Unwell(Unwell),
    NotWell {
        why: &'a str,
    },
    NotWellWhat {
        why: &'a str,
        block: &'a str,
    },
    TestHeadline,
    TestWhat {
        channel: &'a str,
    },
}

impl Phrase<'_> {
    /// The words.
    pub(crate) fn say(self, lang: Lang) -> String {
        match lang {
            Lang::En => en::say(self),
            Lang::Ru => ru::say(self),
            Lang::Zh => zh::say(self),
        }
    }
}

#[cfg(test)]
mod tests;
