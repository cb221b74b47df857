//! Every section and key there is. The file's reader, the environment's names, the suggestions for
//! misspelt names and the test of the example all use this one table.

/// A section of the file.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name.
    pub(super) name: &'static str,
    /// It may occur several times: `[[name]]`.
    pub(super) repeated: bool,
    /// Its keys.
    pub(super) keys: &'static [&'static str],
}

pub(super) const SECTIONS: &[Section] = &[
    Section { name: "chain", repeated: false, keys: &["chain_id", "rule_set"] },
    Section {
        name: "endpoint",
        repeated: true,
        keys: &["name", "rpc", "max_requests_per_minute", "headers", "header_files", "ca_file"],
    },
    Section { name: "host", repeated: true, keys: &["name", "address", "models"] },
    Section { name: "store", repeated: false, keys: &["path", "history"] },
    Section { name: "http", repeated: false, keys: &["listen"] },
    Section {
        name: "email",
        repeated: false,
        keys: &["smtp", "tls", "from", "to", "username", "password_file"],
    },
    Section {
        name: "alerts",
        repeated: false,
        keys: &[
            "ladder",
            "off",
            "zone",
            "quiet_from",
            "quiet_to",
            "first_notice_delay",
            "batch_every",
            "bundle_from",
            "per_hour",
            "remind_critical",
            "remind_warning",
            "gap_within",
            "group_margin_percent",
            "penalty_start_epochs",
            "commit_blocks",
            "delegate_share_percent",
            "ingest_stalled_after",
            "chain_halted_after",
            "endpoint_down_after",
            "endpoint_lagging_after",
            "delivery_failing_after",
            "disk_low_mb",
            "heartbeat_url_file",
        ],
    },
    // The first two are what a variable gives: BOOTWATCH_ROUTE="critical=pager@example.org".
    Section {
        name: "route",
        repeated: true,
        keys: &["severity", "to", "channel", "hosts", "models", "alerts"],
    },
];

/// What a key's value is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text, or a list of texts.
    Text,
    /// A whole number, or one in quotes.
    Number,
    /// A table of texts.
    Table,
}

/// The kind of a key; nearly all are texts.
pub(super) fn kind(section: &Section, key: &str) -> Kind {
    match (section.name, key) {
        ("endpoint", "max_requests_per_minute") | ("store", "history") => Kind::Number,
        ("endpoint", "headers" | "header_files") => Kind::Table,
        _ => Kind::Text,
    }
}

/// The section of that name.
pub(super) fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

/// The known name that is most like `given`, when one is like it at all.
pub(super) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // 0.7 accepts one or two wrong letters in names of this length and refuses mere resemblance.
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// What to say of an unknown name: the nearest one, or all of them.
pub(super) fn suggestion<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(given, known.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let all: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
            format!("known are {}", all.join(", "))
        }
    }
}
