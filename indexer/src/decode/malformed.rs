//! What could not be read, kept as it came, within bounds.

use bootwatch_rules::Malformed;

/// Entries kept of one block; a block with more says so in its last entry.
const MAX_ENTRIES: usize = 64;
/// Bytes kept of one thing.
const MAX_RAW: usize = 4096;
/// Bytes kept of a reason: it may quote the chain.
const MAX_REASON: usize = 512;

/// The malformed things of one block.
#[derive(Debug, Default)]
pub(super) struct Report {
    entries: Vec<Malformed>,
    left_out: usize,
}

impl Report {
    pub(super) fn push(&mut self, what: &str, place: String, reason: String, raw: String) {
        if self.entries.len() + 1 >= MAX_ENTRIES {
            self.left_out += 1;
            return;
        }
        self.entries.push(Malformed {
            what: what.to_owned(),
            place,
            reason: cut(reason, MAX_REASON),
            raw: cut(raw, MAX_RAW),
        });
    }

    pub(super) fn finish(mut self) -> Vec<Malformed> {
        if self.left_out > 0 {
            self.entries.push(Malformed {
                what: "other".to_owned(),
                place: "block".to_owned(),
                reason: format!("{} more things could not be read", self.left_out),
                raw: String::new(),
            });
        }
        self.entries
    }
}

/// Cuts at a character boundary.
fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
    }
    text
}
