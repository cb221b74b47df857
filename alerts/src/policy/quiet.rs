//! Quiet hours: what can wait until the morning does.

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

/// A part of every day in which only what cannot wait is told. It follows the clock of whoever is
/// told: the night of one is the afternoon of another.
#[derive(Debug, Clone, Copy)]
pub struct QuietHours {
    /// When it begins.
    pub from: civil::Time,
    /// When it ends; earlier than `from` for a night. Equal to it, there are no quiet hours.
    pub to: civil::Time,
}

impl QuietHours {
    /// When the quiet hours that `now` falls into end on the clock of `zone`; none outside of them.
    ///
    /// An end that a change of the clocks skips is taken as the time right after the change.
    #[must_use]
    pub fn until(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = now.to_zoned(zone.clone());
        let time = local.time();
        let quiet = if self.from <= self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        };
        if !quiet {
            return None;
        }
        let day = if time < self.to { local.date() } else { local.date().tomorrow().ok()? };
        let end = day.to_datetime(self.to).to_zoned(zone.clone()).ok()?.timestamp();
        // Where the clocks are set back, the same hour comes twice: an end that has passed once is
        // still ahead the second time.
        Some(end.max(now.checked_add(SignedDuration::from_secs(1)).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(from: &str, to: &str) -> QuietHours {
        QuietHours { from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn until(quiet: &QuietHours, now: &str) -> Option<String> {
        quiet
            .until(now.parse().unwrap(), &TimeZone::get("Europe/Berlin").unwrap())
            .map(|end| end.to_string())
    }

    // Fails when a night is cut at midnight, counted in UTC, or has its ends swapped.
    #[test]
    fn a_night_spans_midnight_in_its_own_zone() {
        let night = hours("22:00", "07:00");
        assert_eq!(until(&night, "2026-08-13T19:59:59Z"), None);
        let end = Some("2026-08-14T05:00:00Z".to_owned());
        assert_eq!(until(&night, "2026-08-13T20:00:00Z"), end);
        assert_eq!(until(&night, "2026-08-14T04:59:59Z"), end);
        assert_eq!(until(&night, "2026-08-14T05:00:00Z"), None);
        let nap = hours("13:00", "14:00");
        assert_eq!(until(&nap, "2026-08-13T11:30:00Z").as_deref(), Some("2026-08-13T12:00:00Z"));
        assert_eq!(until(&hours("07:00", "07:00"), "2026-08-13T05:00:00Z"), None);
    }

    // Fails when a change of the clocks makes the night end an hour off, or never.
    #[test]
    fn a_change_of_the_clocks_moves_the_end() {
        let night = hours("22:00", "02:30");
        // 02:30 of that day does not exist.
        assert_eq!(until(&night, "2026-03-28T22:00:00Z").as_deref(), Some("2026-03-29T01:30:00Z"));
        // 02:15 comes twice; the second time is still quiet.
        let second = until(&night, "2026-10-25T01:15:00Z").unwrap();
        assert!(second.as_str() > "2026-10-25T01:15:00Z", "{second}");
        let night = hours("22:00", "07:00");
        assert_eq!(until(&night, "2026-10-24T22:00:00Z").as_deref(), Some("2026-10-25T06:00:00Z"));
    }
}
