//! Which heights are stored and which were given up, as the writer has confirmed it. The loop at
//! the tip and the one that fills history both write it down here; the Situation reads it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bootwatch_rules::Height;
use bootwatch_schema::Coverage as Loaded;

use super::ranges::{Range, Ranges};

/// Shared by whoever stores blocks.
#[derive(Debug, Default)]
pub(crate) struct Coverage(Mutex<Sets>);

#[derive(Debug, Default)]
struct Sets {
    stored: Ranges,
    unfillable: Ranges,
}

impl From<&Loaded> for Coverage {
    fn from(loaded: &Loaded) -> Self {
        Self(Mutex::new(Sets {
            stored: loaded.stored.iter().copied().collect(),
            unfillable: loaded.unfillable.iter().map(|hole| (hole.first, hole.last)).collect(),
        }))
    }
}

impl Coverage {
    /// Blocks have been stored; those that had been given up have turned up again.
    pub(crate) fn store(&self, range: Range) {
        let mut sets = self.lock();
        sets.stored.insert(range);
        sets.unfillable.remove(range);
    }

    /// Heights have been given up. What is stored of them stays.
    pub(crate) fn give_up(&self, range: Range) {
        let mut sets = self.lock();
        let mut lost: Ranges = [range].into_iter().collect();
        lost.remove_all(&sets.stored);
        lost.iter().for_each(|range| sets.unfillable.insert(range));
    }

    /// First height of the contiguous range that ends at `tip`, which may be about to be stored.
    pub(crate) fn complete_from(&self, tip: Height) -> Height {
        let sets = self.lock();
        let range = sets.stored.holding(tip).or_else(|| sets.stored.holding(tip.saturating_sub(1)));
        range.map_or(tip, |(first, _)| first)
    }

    pub(crate) fn stored(&self) -> Ranges {
        self.lock().stored.clone()
    }

    pub(crate) fn unfillable(&self) -> Ranges {
        self.lock().unfillable.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Sets> {
        // A panic while it was held left whole sets: each change is complete in itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
