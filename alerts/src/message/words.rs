//! Numbers, times and names as people read them. What has words in it takes the language.

use bootwatch_rules::{
    reward::{Cost, CostUnit, Ngonka},
    situation::{DeadlineName, Degree, Gap, Gaps},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    Row,
    lang::Lang,
    phrase::{Check, Left, Phrase, Stored},
    plain,
};

/// The part of a model id after its publisher, short enough for a subject line.
pub(crate) fn short_model(id: &str) -> String {
    let name = id.rsplit('/').find(|part| !part.is_empty()).unwrap_or(id);
    plain(name, 32)
}

/// A stored choice.
pub(crate) fn choice_words(kind: &str, lang: Lang) -> String {
    Phrase::Stored(Stored::of(kind)).say(lang)
}

/// A deadline.
pub(crate) fn deadline_words(name: DeadlineName, lang: Lang) -> String {
    Phrase::Deadline(name).say(lang)
}

/// A deadline by the label of an incident; of a newer version it may be unknown.
pub(crate) fn deadline_label(label: &str, lang: Lang) -> String {
    use DeadlineName as D;
    [D::Capture, D::PocStart, D::CommitDeadline, D::ValidationStart, D::ValidationEnd]
        .into_iter()
        .find(|name| name.as_str() == label)
        .map_or_else(|| plain(&label.replace('_', " "), 40), |name| deadline_words(name, lang))
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

/// `1,234.56 GNK`: hundredths, rounded down; less than one of them in full. 1 GNK is 10^9 ngonka.
pub(crate) fn gnk(ngonka: Ngonka) -> String {
    const UNIT: u64 = 1_000_000_000;
    let (whole, part) = (ngonka / UNIT, ngonka % UNIT);
    match part / (UNIT / 100) {
        0 if part > 0 && whole == 0 => {
            let digits = format!("{part:09}");
            format!("0.{} GNK", digits.trim_end_matches('0'))
        }
        0 => format!("{} GNK", grouped(whole.cast_signed())),
        hundredths => format!("{}.{hundredths:02} GNK", grouped(whole.cast_signed())),
    }
}

/// What a charge comes to at most, in coins, or under the oldest rules in weight.
pub(crate) fn stake(cost: &Cost, lang: Lang) -> String {
    let weight = |amount: u64| grouped(i64::try_from(amount).unwrap_or(i64::MAX));
    match cost.unit {
        CostUnit::Ngonka => {
            Phrase::CoinsAtStake { most: &gnk(cost.most), of: &gnk(cost.of) }.say(lang)
        }
        CostUnit::Weight => {
            Phrase::WeightAtStake { most: &weight(cost.most), of: &weight(cost.of) }.say(lang)
        }
    }
}

/// `52 min left`, `3 h 10 min left`, `2 d 3 h left`; in blocks while no time is known.
pub(crate) fn left(time: Option<SignedDuration>, blocks: i64, lang: Lang) -> String {
    let left = match time.map(|time| time.as_mins()) {
        None => Left::Blocks(blocks),
        // The estimate is behind the blocks: they are late.
        Some(..1) => Left::Soon,
        Some(minutes) => match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
            (0, 0, minutes) => Left::Minutes(minutes),
            (0, hours, minutes) if hours < 6 && minutes > 0 => Left::HoursMinutes(hours, minutes),
            (0, hours, _) => Left::Hours(hours),
            (days, 0, _) => Left::Days(days),
            (days, hours, _) => Left::DaysHours(days, hours),
        },
    };
    Phrase::Left(left).say(lang)
}

/// `Mon 23 Nov 2026 14:05 UTC`, with `± 40 s` when its error is known.
pub(crate) fn utc(time: Timestamp, error_seconds: Option<f64>, lang: Lang) -> String {
    let text = Phrase::Time(&time.to_zoned(TimeZone::UTC), "UTC").say(lang);
    match error_seconds.filter(|e| e.is_finite() && *e >= 0.0) {
        Some(error) => format!("{text} {}", Phrase::GiveOrTakeSeconds(error).say(lang)),
        None => text,
    }
}

/// The same time in a zone, when that zone differs from UTC then.
pub(crate) fn local(time: Timestamp, zone: &TimeZone, lang: Lang) -> Option<String> {
    if zone.to_offset(time).seconds() == 0 {
        return None;
    }
    let zoned = time.to_zoned(zone.clone());
    let name = zoned.strftime("%Z").to_string();
    Some(Phrase::Time(&zoned, &name).say(lang))
}

/// The three checks as rows: `2 of 3, 1 missing`.
pub(crate) fn gap_rows(gaps: &Gaps, lang: Lang) -> Vec<Row> {
    let degree: Degree = gaps.degree;
    [(Check::Hosts, gaps.hosts), (Check::Weight, gaps.weight), (Check::Reach, gaps.reach)]
        .map(|(check, gap)| {
            Row::new(&Phrase::GapName(check, degree).say(lang), &gap_words(gap, lang))
        })
        .into()
}

fn gap_words(gap: Gap, lang: Lang) -> String {
    let have = &grouped(gap.have);
    match (gap.need, gap.missing) {
        (Some(need), Some(0)) => Phrase::GapEnough { have, need: &grouped(need) }.say(lang),
        (Some(need), Some(missing)) => {
            let (need, missing) = (&grouped(need), &grouped(missing));
            Phrase::GapMissing { have, need, missing }.say(lang)
        }
        _ => Phrase::GapHopeless { have }.say(lang),
    }
}

/// What is missing, in one line: `1 host and 412 weight short`.
pub(crate) fn shortfall(gaps: &Gaps, lang: Lang) -> String {
    let checks =
        [(Check::Hosts, gaps.hosts), (Check::Weight, gaps.weight), (Check::Reach, gaps.reach)];
    let parts: Vec<String> = checks
        .into_iter()
        .filter(|(_, gap)| gap.missing != Some(0))
        .map(|(check, gap)| Phrase::Missing(check, gap.missing).say(lang))
        .collect();
    let missing = match parts.as_slice() {
        [] => return Phrase::CoefficientNotPositive.say(lang),
        [one] => one.clone(),
        [first @ .., last] => Phrase::And { first: &first.join(", "), last }.say(lang),
    };
    Phrase::Short { missing: &missing }.say(lang)
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

    // Fails when an amount is rounded up, or a small one vanishes.
    #[test]
    fn coins_are_shown_to_hundredths() {
        assert_eq!(gnk(0), "0 GNK");
        assert_eq!(gnk(1), "0.000000001 GNK");
        assert_eq!(gnk(1_234_567_890_000), "1,234.56 GNK");
        assert_eq!(gnk(u64::MAX), "18,446,744,073.70 GNK");
    }

    // Fails when minutes are shown where hours matter, or an overdue estimate goes negative.
    #[test]
    fn time_left_reads_at_a_glance() {
        let left = |minutes| left(Some(SignedDuration::from_mins(minutes)), 9, Lang::En);
        assert_eq!(left(52), "52 min left");
        assert_eq!(left(190), "3 h 10 min left");
        assert_eq!(left(23 * 60 + 59), "23 h left");
        assert_eq!(left(51 * 60), "2 d 3 h left");
        assert_eq!(left(-5), "under a minute left");
        assert_eq!(super::left(None, 1_340, Lang::En), "1,340 blocks left");
    }

    #[test]
    fn models_are_named_without_their_publisher() {
        assert_eq!(short_model("deepseek-ai/DeepSeek-V4-Flash-0731"), "DeepSeek-V4-Flash-0731");
        assert_eq!(short_model("plain"), "plain");
        assert_eq!(short_model("a/"), "a");
        assert_eq!(short_model(""), "");
    }
}
