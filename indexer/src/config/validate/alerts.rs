//! `[alerts]`: what is worth a word, and when.

use bootwatch_alerts::{Ladder, Pacing, QuietHours, Rung, Thresholds, alert_names};
use jiff::{SignedDuration, civil};
use secrecy::ExposeSecret as _;

use super::{Check, channels::SEVERITIES};
use crate::config::{
    document::{Document, Group},
    keys,
    settings::{AlertsConfig, HeartbeatUrl},
};

/// Milliseconds between blocks on mainnet, the mean of June to August 2026: what a rung's time is in
/// blocks while no pace was measured.
const BLOCK_MILLISECONDS: i128 = 5_335;

impl Check<'_> {
    pub(super) fn alerts(&mut self, document: &Document) -> AlertsConfig {
        let mut alerts = AlertsConfig::default();
        if let Some(group) = document.single("alerts") {
            self.ladder(group, &mut alerts.ladder);
            self.thresholds(group, &mut alerts.thresholds);
            self.pacing(group, &mut alerts.pacing);
            self.quiet(group, &mut alerts.pacing);
            alerts.heartbeat = self.heartbeat(group);
            alerts.daily = self.time(group, "daily");
            alerts.off = self.alert_list(group, "off").into_iter().collect();
        }
        alerts
    }

    /// Whoever knows the address can pretend to be alive, so it is a secret like the others.
    fn heartbeat(&mut self, group: &Group) -> Option<HeartbeatUrl> {
        let text = self.kept_secret(group, "heartbeat_url")?;
        let url = HeartbeatUrl::parse(text.expose_secret().trim());
        if url.is_none() {
            self.wrong(&group.place, "`heartbeat_url_file` must hold one http or https address");
        }
        url
    }

    /// Rungs such as `6h warning`.
    fn ladder(&mut self, group: &Group, ladder: &mut Ladder) {
        let Some(setting) = group.settings.get("ladder") else { return };
        let Some(list) = self.list(setting, "ladder") else { return };
        let mut rungs = Vec::new();
        for text in &list {
            let rung = text.split_once(' ').and_then(|(time, word)| {
                let within = span(time)?;
                let (_, severity) = SEVERITIES.iter().find(|(known, _)| *known == word.trim())?;
                let blocks = within.as_millis() / BLOCK_MILLISECONDS;
                Some(Rung {
                    within,
                    blocks: i64::try_from(blocks.max(1)).ok()?,
                    severity: *severity,
                })
            });
            match rung {
                Some(rung) => rungs.push(rung),
                None => {
                    let example = "such as \"6h warning\" or \"30m critical\"";
                    self.wrong(&setting.place, format!("`ladder` {text:?} is no rung, {example}"));
                    return;
                }
            }
        }
        match Ladder::new(rungs) {
            Ok(good) => *ladder = good,
            Err(error) => self.wrong(&setting.place, format!("`ladder`: {error}")),
        }
    }

    fn thresholds(&mut self, group: &Group, thresholds: &mut Thresholds) {
        let t = thresholds;
        self.span(group, "ingest_stalled_after", &mut t.ingest_stalled_after);
        self.span(group, "chain_halted_after", &mut t.chain_halted_after);
        self.span(group, "endpoint_down_after", &mut t.endpoint_down_after);
        self.span(group, "endpoint_lagging_after", &mut t.endpoint_lagging_after);
        self.span(group, "delivery_failing_after", &mut t.delivery_failing_after);
        self.span(group, "gap_within", &mut t.gap_within);
        self.span(group, "upgrade_within", &mut t.upgrade_within);
        self.number(group, "disk_low_mb", 0..=1_000_000_000, &mut t.disk_low_mb);
        self.number(group, "group_margin_percent", 0..=100, &mut t.group_margin_percent);
        self.number(group, "penalty_start_epochs", 0..=1_000, &mut t.penalty_start_epochs);
        self.number(group, "commit_blocks", 1..=100_000, &mut t.commit_blocks);
        self.number(group, "delegate_share_percent", 1..=100, &mut t.delegate_share_percent);
    }

    fn pacing(&mut self, group: &Group, pacing: &mut Pacing) {
        self.span(group, "first_notice_delay", &mut pacing.first_notice_delay);
        self.span(group, "batch_every", &mut pacing.batch_every);
        self.number(group, "bundle_from", 2..=1_000, &mut pacing.bundle_from);
        self.number(group, "per_hour", 1..=1_000, &mut pacing.per_hour);
        for (key, remind) in [
            ("remind_critical", &mut pacing.remind_critical),
            ("remind_warning", &mut pacing.remind_warning),
        ] {
            if let Some((_, "never")) = self.text(group, key) {
                *remind = None;
            } else {
                let mut span = remind.unwrap_or_default();
                self.span(group, key, &mut span);
                // Every minute is a nuisance that nobody means.
                if group.settings.contains_key(key) && span < SignedDuration::from_mins(5) {
                    let place = &group.settings[key].place;
                    self.wrong(place, format!("`{key}` must be at least 5m, or \"never\""));
                }
                *remind = Some(span);
            }
        }
    }

    fn quiet(&mut self, group: &Group, pacing: &mut Pacing) {
        let (from, to) = (self.time(group, "quiet_from"), self.time(group, "quiet_to"));
        let has = |key| group.settings.contains_key(key);
        match (from, to) {
            (Some(from), Some(to)) => pacing.quiet = Some(QuietHours { from, to }),
            _ if has("quiet_from") != has("quiet_to") => {
                self.wrong(
                    &group.place,
                    "[alerts] needs both `quiet_from` and `quiet_to`, or none",
                );
            }
            _ => {}
        }
    }

    fn time(&mut self, group: &Group, key: &str) -> Option<civil::Time> {
        let (place, text) = self.text(group, key)?;
        let time = text.parse::<civil::Time>().ok();
        if time.is_none() {
            self.wrong(place, format!("`{key}` {text:?} is no time of day, such as \"22:00\""));
        }
        time
    }

    /// Names of alerts.
    pub(super) fn alert_list(&mut self, group: &Group, key: &str) -> Vec<String> {
        let Some(setting) = group.settings.get(key) else { return Vec::new() };
        let list = self.list(setting, key).unwrap_or_default();
        let known = alert_names();
        for name in list.iter().filter(|name| !known.contains(name.as_str())) {
            let hint = keys::suggestion(name, known.iter().copied());
            self.wrong(&setting.place, format!("`{key}` {name:?} is no alert; {hint}"));
        }
        list
    }

    fn span(&mut self, group: &Group, key: &str, into: &mut SignedDuration) {
        let Some((place, text)) = self.text(group, key) else { return };
        match span(text) {
            Some(span) => *into = span,
            None => self.wrong(
                place,
                format!("`{key}` {text:?} is no length of time, such as \"30s\", \"5m\" or \"6h\""),
            ),
        }
    }

    fn number<T: std::str::FromStr + PartialOrd + std::fmt::Display + Copy>(
        &mut self,
        group: &Group,
        key: &str,
        allowed: std::ops::RangeInclusive<T>,
        into: &mut T,
    ) {
        let Some((place, text)) = self.text(group, key) else { return };
        match text.parse::<T>() {
            Ok(number) if allowed.contains(&number) => *into = number,
            _ => self.wrong(
                place,
                format!(
                    "`{key}` {text:?} must be a number from {} to {}",
                    allowed.start(),
                    allowed.end()
                ),
            ),
        }
    }
}

/// A length of time that is not negative and not endless.
fn span(text: &str) -> Option<SignedDuration> {
    let span: SignedDuration = text.parse().ok()?;
    (SignedDuration::ZERO..=SignedDuration::from_hours(24 * 366)).contains(&span).then_some(span)
}
