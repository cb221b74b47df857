//! Every section and key there is. The file's reader, the environment's names, the suggestions for
//! misspelt names and the test of the example all use this one table.

/// A section of the file.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name.
    pub(super) name: &'static str,
    /// How often it may occur.
    pub(super) times: Times,
    /// Its keys.
    pub(super) keys: &'static [&'static str],
    /// Secrets: `key` is a variable only, in the file there is `key_file`.
    pub(super) secrets: &'static [&'static str],
}

/// How often a section may occur, and what its variables are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// `[name]`; a variable for each key.
    Once,
    /// `[[name]]`; one variable with all of them.
    Many,
    /// `[name]` or `[[name]]`; a variable for each key of the only one.
    OnceOrMany,
}

/// Keys of everything that has readers.
#[cfg(test)]
pub(super) const AUDIENCE: [&str; 6] =
    ["lang", "time_zone", "min_severity", "hosts", "models", "alerts"];

pub(super) const SECTIONS: &[Section] = &[
    Section { name: "chain", times: Times::Once, keys: &["chain_id", "rule_set"], secrets: &[] },
    Section {
        name: "endpoint",
        times: Times::Many,
        keys: &["name", "rpc", "max_requests_per_minute", "headers", "header_files", "ca_file"],
        secrets: &[],
    },
    Section {
        name: "host",
        times: Times::Many,
        keys: &["name", "address", "models"],
        secrets: &[],
    },
    Section { name: "store", times: Times::Once, keys: &["path", "history"], secrets: &[] },
    Section {
        name: "http",
        times: Times::Once,
        keys: &["listen", "public_url", "token_file"],
        secrets: &["token"],
    },
    Section {
        name: "email",
        times: Times::Once,
        keys: &[
            "smtp",
            "tls",
            "ca_file",
            "from",
            "to",
            "username",
            "password_file",
            "lang",
            "time_zone",
            "min_severity",
            "hosts",
            "models",
            "alerts",
        ],
        secrets: &["password"],
    },
    Section {
        name: "recipient",
        times: Times::Many,
        keys: &["lang", "to", "time_zone", "min_severity", "hosts", "models", "alerts"],
        secrets: &[],
    },
    Section {
        name: "telegram",
        times: Times::OnceOrMany,
        keys: &[
            "name",
            "token_file",
            "chat",
            "api",
            "ca_file",
            "lang",
            "time_zone",
            "min_severity",
            "hosts",
            "models",
            "alerts",
        ],
        secrets: &["token"],
    },
    Section {
        name: "slack",
        times: Times::OnceOrMany,
        keys: &[
            "name",
            "url_file",
            "ca_file",
            "lang",
            "time_zone",
            "min_severity",
            "hosts",
            "models",
            "alerts",
        ],
        secrets: &["url"],
    },
    Section {
        name: "discord",
        times: Times::OnceOrMany,
        keys: &[
            "name",
            "url_file",
            "ca_file",
            "lang",
            "time_zone",
            "min_severity",
            "hosts",
            "models",
            "alerts",
        ],
        secrets: &["url"],
    },
    Section {
        name: "webhook",
        times: Times::OnceOrMany,
        keys: &[
            "name",
            "url",
            "url_file",
            "secret_file",
            "ca_file",
            "lang",
            "time_zone",
            "min_severity",
            "hosts",
            "models",
            "alerts",
        ],
        secrets: &["secret"],
    },
    Section {
        name: "alertmanager",
        times: Times::OnceOrMany,
        keys: &[
            "name",
            "url",
            "token_file",
            "ca_file",
            "lang",
            "min_severity",
            "hosts",
            "models",
            "alerts",
        ],
        secrets: &["token"],
    },
    Section {
        name: "alerts",
        times: Times::Once,
        keys: &[
            "ladder",
            "off",
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
            "upgrade_within",
            "commit_blocks",
            "delegate_share_percent",
            "ingest_stalled_after",
            "chain_halted_after",
            "endpoint_down_after",
            "endpoint_lagging_after",
            "delivery_failing_after",
            "disk_low_mb",
            "heartbeat_url_file",
            "daily",
        ],
        secrets: &["heartbeat_url"],
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

/// As [`suggestion`], among names that are not known beforehand.
pub(crate) fn suggestion_among(given: &str, known: &[String]) -> String {
    suggestion(given, known.iter().map(String::as_str))
}
