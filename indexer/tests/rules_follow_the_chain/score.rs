//! What was compared, and what did not agree.

use std::fmt;

/// Mismatches that are shown.
const SHOWN: usize = 12;

#[derive(Debug, Default)]
pub(crate) struct Score {
    /// Chains that were played.
    pub(crate) chains: usize,
    /// Blocks of them.
    pub(crate) blocks: usize,
    /// Epochs that were formed.
    pub(crate) epochs: usize,
    /// Formations that failed.
    pub(crate) failed: usize,
    /// Epochs whose stored charges were compared with the forecast.
    pub(crate) charged_epochs: usize,
    /// Events that were compared, all attributes each.
    pub(crate) captures: usize,
    /// Those whose projection one block before was compared: nothing in the block itself mattered.
    pub(crate) captures_ahead: usize,
    /// Of all events, those that said `pre_eligible`.
    pub(crate) passed: usize,
    /// Events whose total of the network's weight is not what the members add up to.
    pub(crate) otherwise_counted: usize,
    /// Hosts whose forecast was compared with what the chain fixed.
    pub(crate) charges: usize,
    /// Of them, those that were charged.
    pub(crate) paid: usize,
    /// Forecasts that the outcome of the PoC narrowed to one charge.
    pub(crate) exact: usize,
    /// Transfers to delegates.
    pub(crate) transfers: usize,
    /// Choices of the ledger that were compared with the chain's.
    pub(crate) choices: usize,
    /// Kept forecasts of a host that were decided; some are decided twice.
    pub(crate) kept: usize,
    /// Estimates of a host's reward whose settlement was undone.
    pub(crate) rewards: usize,
    /// Models that had lost their group, once for each epoch without.
    pub(crate) fell_out: usize,
    /// What a delegate did in an epoch that is over.
    pub(crate) services: usize,
    /// Of them, those in which it served the model.
    pub(crate) served: usize,
    /// What did not agree.
    pub(crate) mismatches: Vec<String>,
}

impl Score {
    pub(crate) fn add(&mut self, other: Self) {
        self.chains += other.chains;
        self.blocks += other.blocks;
        self.epochs += other.epochs;
        self.failed += other.failed;
        self.charged_epochs += other.charged_epochs;
        self.captures += other.captures;
        self.captures_ahead += other.captures_ahead;
        self.passed += other.passed;
        self.otherwise_counted += other.otherwise_counted;
        self.charges += other.charges;
        self.paid += other.paid;
        self.exact += other.exact;
        self.transfers += other.transfers;
        self.choices += other.choices;
        self.kept += other.kept;
        self.rewards += other.rewards;
        self.fell_out += other.fell_out;
        self.services += other.services;
        self.served += other.served;
        self.mismatches.extend(other.mismatches);
    }

    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        assert!(self.mismatches.is_empty(), "{self}");
    }

    /// Nothing agrees by there being nothing to compare.
    #[track_caller]
    pub(crate) fn assert_enough(&self) {
        assert!(self.epochs >= 200 && self.charged_epochs >= 200, "too few epochs: {self}");
        assert!(self.captures >= self.epochs && self.passed >= 30, "{self}");
        assert!(self.captures_ahead * 2 >= self.captures, "{self}");
        assert!(self.charges >= 2_000 && self.paid * 10 >= self.charges, "{self}");
        assert!(self.exact * 2 >= self.charges && self.transfers >= 100, "{self}");
        assert!(self.choices >= 5_000, "{self}");
        assert!(self.kept >= 2_000 && self.rewards >= 2_000, "{self}");
        assert!(self.fell_out >= 50 && self.services >= 5_000 && self.served >= 1_000, "{self}");
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} chains, {} blocks, {} epochs ({} failed, {} with stored charges); {} captures ({} passed), {} \
             of them projected one block before, {} with another total; {} forecasts of a host's charge ({} paid, {} \
             exact), {} transfers; {} choices; {} kept forecasts decided; \
             {} rewards; {} times a model had fallen out; {} services of delegates ({} done); \
             {} mismatches",
            self.chains,
            self.blocks,
            self.epochs,
            self.failed,
            self.charged_epochs,
            self.captures,
            self.passed,
            self.captures_ahead,
            self.otherwise_counted,
            self.charges,
            self.paid,
            self.exact,
            self.transfers,
            self.choices,
            self.kept,
            self.rewards,
            self.fell_out,
            self.services,
            self.served,
            self.mismatches.len(),
        )?;
        self.mismatches.iter().take(SHOWN).try_for_each(|mismatch| writeln!(f, "  {mismatch}"))
    }
}
