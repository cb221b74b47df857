//! Numbers, times and foreign texts for people.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

/// A text that came from elsewhere, on one line, without anything that acts on a terminal: control
/// characters, and marks that reorder what stands around them, are shown as escapes.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let reorders = matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        );
        if c.is_control() || reorders {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// `1,234,567`.
#[must_use]
pub fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        out.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 block`, `2,000 blocks`: a number of things whose name takes an s.
#[must_use]
pub fn counted(number: impl TryInto<i64>, thing: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number))
}

/// `1,234.56 GNK`: hundredths, rounded down; less than one of them in full. 1 GNK is 10^9 ngonka.
#[must_use]
pub fn gnk(ngonka: u64) -> String {
    const UNIT: u64 = 1_000_000_000;
    let (whole, part) = (ngonka / UNIT, ngonka % UNIT);
    let whole = count(i64::try_from(whole).unwrap_or(i64::MAX));
    match part / (UNIT / 100) {
        0 if part > 0 && ngonka < UNIT => {
            let digits = format!("{part:09}");
            format!("0.{} GNK", digits.trim_end_matches('0'))
        }
        0 => format!("{whole} GNK"),
        hundredths => format!("{whole}.{hundredths:02} GNK"),
    }
}

/// A size in bytes as `41.2 MB`, a million bytes each.
#[must_use]
pub fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

/// An exact fraction such as `3/20` as `15 %`, with up to two places, rounded down and then marked;
/// anything else as it is.
#[must_use]
pub fn percent(fraction: &str) -> String {
    let parts = match fraction.split_once('/') {
        Some((above, below)) => (above.trim().parse::<i128>(), below.trim().parse::<i128>()),
        None => (fraction.trim().parse(), Ok(1)),
    };
    let (Ok(above), Ok(below)) = parts else { return clean(fraction) };
    let Some(scaled) = above.checked_mul(10_000).filter(|_| below > 0 && above >= 0) else {
        return clean(fraction);
    };
    let (hundredths, rest) = (scaled / below, scaled % below);
    let mut out = if rest == 0 { String::new() } else { "about ".to_owned() };
    let _ = write!(out, "{}", hundredths / 100);
    match hundredths % 100 {
        0 => {}
        part if part % 10 == 0 => {
            let _ = write!(out, ".{}", part / 10);
        }
        part => {
            let _ = write!(out, ".{part:02}");
        }
    }
    out + " %"
}

/// The time from one moment to another; 0 when they are the other way round.
#[must_use]
pub fn elapsed(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    words(seconds)
}

/// A length of time in seconds.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "saturates, which is as good as long")]
pub fn span(seconds: f64) -> String {
    words(seconds.ceil().max(0.0) as i64)
}

/// The two largest units that matter: `3 d 4 h`, `2 h 05 min`, `45 min`, `3 min 20 s`, `12 s`.
fn words(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days} d {} h", hours % 24),
        () if hours > 0 => format!("{hours} h {:02} min", minutes % 60),
        () if minutes >= 10 => format!("{minutes} min"),
        () if minutes > 0 => format!("{minutes} min {:02} s", seconds % 60),
        () => format!("{seconds} s"),
    }
}

/// `Mon 23 Nov 14:05:09 UTC`, and the time here when that differs; seconds only when they matter.
#[must_use]
pub fn instant(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let near = at.duration_since(now).unsigned_abs().as_secs() < 3600;
    let time = if near { "%H:%M:%S" } else { "%H:%M" };
    let utc = at.strftime(&format!("%a %d %b {time} UTC")).to_string();
    let here = at.to_zoned(zone.clone());
    if here.offset().is_zero() {
        return utc;
    }
    let day = if here.date() == at.to_zoned(TimeZone::UTC).date() { "" } else { "%a " };
    format!("{utc}, {}", here.strftime(&format!("{day}{time} %Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")]
        {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(i64::MIN), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn coins_are_shown_to_hundredths() {
        for (ngonka, text) in [
            (0, "0 GNK"),
            (1, "0.000000001 GNK"),
            (4_000_000, "0.004 GNK"),
            (10_000_000, "0.01 GNK"),
            (1_000_000_001, "1 GNK"),
            (1_234_567_890_000, "1,234.56 GNK"),
            (u64::MAX, "18,446,744,073.70 GNK"),
        ] {
            assert_eq!(gnk(ngonka), text);
        }
    }

    #[test]
    fn fractions_become_percentages_exactly_or_say_so() {
        for (fraction, text) in [
            ("3/20", "15 %"),
            ("1/8", "12.5 %"),
            ("1/3", "about 33.33 %"),
            ("1", "100 %"),
            ("0/1", "0 %"),
            ("1/0", "1/0"),
            ("a\u{1b}[2J", "a\\u{1b}[2J"),
        ] {
            assert_eq!(percent(fraction), text);
        }
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (80, "1 min 20 s"),
            (600, "10 min"),
            (7500, "2 h 05 min"),
            (270_000, "3 d 3 h"),
        ] {
            assert_eq!(words(seconds), text);
        }
        assert_eq!(span(f64::INFINITY), words(i64::MAX));
    }

    #[test]
    fn foreign_text_cannot_act_on_a_terminal() {
        assert_eq!(clean("a\nb\u{1b}[31m\u{202e}c"), "a\\u{a}b\\u{1b}[31m\\u{202e}c");
        assert_eq!(clean("модель-模型"), "модель-模型");
    }

    #[test]
    fn times_are_given_here_too_unless_here_is_utc() {
        let at: Timestamp = "2026-11-23T22:05:09Z".parse().unwrap();
        let now: Timestamp = "2026-11-23T22:00:00Z".parse().unwrap();
        assert_eq!(instant(at, now, &TimeZone::UTC), "Mon 23 Nov 22:05:09 UTC");
        let moscow = TimeZone::get("Europe/Moscow").unwrap();
        assert_eq!(instant(at, now, &moscow), "Mon 23 Nov 22:05:09 UTC, Tue 01:05:09 MSK");
        let earlier: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        assert_eq!(instant(at, earlier, &TimeZone::UTC), "Mon 23 Nov 22:05 UTC");
    }
}
