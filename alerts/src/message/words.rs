//! Numbers, times and names as people read them.

use bootwatch_rules::situation::{DeadlineName, Degree, Gap, Gaps};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Row, plain};

/// The part of a model id after its publisher, short enough for a subject line.
pub(crate) fn short_model(id: &str) -> String {
    let name = id.rsplit('/').find(|part| !part.is_empty()).unwrap_or(id);
    plain(name, 32)
}

/// A stored choice.
pub(crate) fn choice_words(kind: &str) -> &'static str {
    match kind {
        "delegate" => "delegation",
        "refuse" => "refusal",
        "intent" => "intent",
        "none" => "nothing",
        _ => "unknown",
    }
}

/// A deadline.
pub(crate) fn deadline_words(name: DeadlineName) -> &'static str {
    match name {
        DeadlineName::Capture => "capture",
        DeadlineName::PocStart => "PoC start",
        DeadlineName::CommitDeadline => "commit deadline",
        DeadlineName::ValidationStart => "validation start",
        DeadlineName::ValidationEnd => "validation end",
    }
}

/// `5,551,615`.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `3/20` as `15 %`; what is no such fraction is shown as it is.
pub(crate) fn percent(fraction: &str) -> String {
    let parts = fraction.split_once('/').unwrap_or((fraction, "1"));
    let (Ok(numerator), Ok(denominator)) = (parts.0.parse::<i128>(), parts.1.parse::<i128>())
    else {
        return plain(fraction, 40);
    };
    let Some(hundredths) = numerator
        .checked_mul(10_000)
        .filter(|_| denominator > 0 && numerator >= 0)
        .map(|n| n / denominator)
    else {
        return plain(fraction, 40);
    };
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match rest {
        0 => format!("{whole} %"),
        rest if rest % 10 == 0 => format!("{whole}.{} %", rest / 10),
        rest => format!("{whole}.{rest:02} %"),
    }
}

/// `52 min left`, `3 h 10 min left`, `2 d 3 h left`; in blocks while no time is known.
pub(crate) fn left(time: Option<SignedDuration>, blocks: i64) -> String {
    let Some(time) = time else { return format!("{} blocks left", grouped(blocks)) };
    let minutes = time.as_mins();
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        // The estimate is behind the blocks: they are late.
        _ if minutes < 1 => "under a minute left".to_owned(),
        (0, 0, minutes) => format!("{minutes} min left"),
        (0, hours, 0) => format!("{hours} h left"),
        (0, hours, minutes) if hours < 6 => format!("{hours} h {minutes} min left"),
        (0, hours, _) => format!("{hours} h left"),
        (days, 0, _) => format!("{days} d left"),
        (days, hours, _) => format!("{days} d {hours} h left"),
    }
}

/// `Mon 23 Nov 2026 14:05 UTC`, with `± 40 s` when its error is known.
pub(crate) fn utc(time: Timestamp, error_seconds: Option<f64>) -> String {
    let text = time.strftime("%a %-d %b %Y %H:%M UTC").to_string();
    match error_seconds.filter(|e| e.is_finite() && *e >= 0.0) {
        Some(error) if error < 90.0 => format!("{text} ± {error:.0} s"),
        Some(error) => format!("{text} ± {:.0} min", error / 60.0),
        None => text,
    }
}

/// The same time in a zone, when that zone differs from UTC then.
pub(crate) fn local(time: Timestamp, zone: &TimeZone) -> Option<String> {
    if zone.to_offset(time).seconds() == 0 {
        return None;
    }
    Some(time.to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M %Z").to_string())
}

/// The three checks as rows: `2 of 3, 1 missing`.
pub(crate) fn gap_rows(gaps: &Gaps) -> Vec<Row> {
    let degree = match gaps.degree {
        Degree::Projected => "now",
        Degree::Snapshot => "at the capture",
        Degree::Final => "final",
    };
    [("Hosts with intent", gaps.hosts), ("Intent weight", gaps.weight), ("Reach", gaps.reach)]
        .map(|(name, gap)| Row::new(&format!("{name} {degree}"), &gap_words(gap)))
        .into()
}

fn gap_words(gap: Gap) -> String {
    let have = grouped(gap.have);
    match (gap.need, gap.missing) {
        (Some(need), Some(0)) => format!("{have} of {}, enough", grouped(need)),
        (Some(need), Some(missing)) => {
            format!("{have} of {}, {} missing", grouped(need), grouped(missing))
        }
        _ => format!("{have}, and no amount would be enough"),
    }
}

/// What is missing, in one line: `1 host and 412 weight short`.
pub(crate) fn shortfall(gaps: &Gaps) -> String {
    let missing = |gap: Gap, unit: &str| match gap.missing {
        Some(0) => None,
        Some(missing) => Some(format!("{} {unit}", grouped(missing))),
        None => Some(unit.to_owned()),
    };
    let hosts = if gaps.hosts.missing == Some(1) { "host" } else { "hosts" };
    let parts: Vec<String> =
        [missing(gaps.hosts, hosts), missing(gaps.weight, "weight"), missing(gaps.reach, "reach")]
            .into_iter()
            .flatten()
            .collect();
    match parts.as_slice() {
        // The fourth condition of the chain: the model's coefficient must be positive.
        [] => "its coefficient is not positive".to_owned(),
        [one] => format!("{one} short"),
        [first @ .., last] => format!("{} and {last} short", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Fails when a group of three is cut at the wrong end, or a sign is lost.
    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(5_551_615), "5,551,615");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(-1_000), "-1,000");
        assert_eq!(grouped(i64::MIN), "-9,223,372,036,854,775,808");
    }

    // Fails when a fraction is rounded up to a charge nobody pays, or text is taken for a number.
    #[test]
    fn fractions_become_percent() {
        assert_eq!(percent("3/20"), "15 %");
        assert_eq!(percent("1/8"), "12.5 %");
        assert_eq!(percent("1/3"), "33.33 %");
        assert_eq!(percent("1"), "100 %");
        assert_eq!(percent("1/0"), "1/0");
        assert_eq!(percent("a lot"), "a lot");
    }

    // Fails when minutes are shown where hours matter, or an overdue estimate goes negative.
    #[test]
    fn time_left_reads_at_a_glance() {
        let left = |minutes| left(Some(SignedDuration::from_mins(minutes)), 9);
        assert_eq!(left(52), "52 min left");
        assert_eq!(left(190), "3 h 10 min left");
        assert_eq!(left(23 * 60 + 59), "23 h left");
        assert_eq!(left(51 * 60), "2 d 3 h left");
        assert_eq!(left(-5), "under a minute left");
        assert_eq!(super::left(None, 1_340), "1,340 blocks left");
    }

    #[test]
    fn models_are_named_without_their_publisher() {
        assert_eq!(short_model("deepseek-ai/DeepSeek-V4-Flash-0731"), "DeepSeek-V4-Flash-0731");
        assert_eq!(short_model("plain"), "plain");
        assert_eq!(short_model("a/"), "a");
        assert_eq!(short_model(""), "");
    }
}
