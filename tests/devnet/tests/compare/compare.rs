//! Comparing two answers structurally, and what is allowed to differ.

use std::fmt::Write as _;

use serde_json::Value;

use crate::client::Answer;

/// Paths, by their ends, whose values follow from identities and clocks. The keys must still be
/// there, with the same JSON type, and empty only if the other is.
const MAY_DIFFER: &[&str] = &[
    // Who the validator and the node are.
    "proposer_address",
    "validator_address",
    "signature",
    "validator_info.address",
    "validators.*.address",
    "pub_key.value",
    "node_info.id",
    "node_info.listen_addr",
    "node_info.version",
    "other.rpc_address",
    // Clocks.
    "header.time",
    "timestamp",
    "latest_block_time",
    "earliest_block_time",
    "genesis_time",
    // Hashes over the two above; the application hashes block times too.
    "block_id.hash",
    "last_block_id.hash",
    "parts.hash",
    "last_commit_hash",
    "validators_hash",
    "next_validators_hash",
    "app_hash",
    "latest_block_hash",
    "latest_app_hash",
    "earliest_block_hash",
    "earliest_app_hash",
    "last_block_app_hash",
    // A timestamp's encoding has two lengths.
    "block_size",
    // The genesis document in base64.
    "result.data",
    // Where the chain is at the moment of asking.
    "latest_block_height",
    "earliest_block_height",
    "last_block_height",
    "last_height",
    "response.height",
];

/// What was found different.
#[derive(Debug, Default)]
pub struct Differences {
    found: Vec<String>,
    compared: usize,
}

impl Differences {
    /// Compares two HTTP answers and returns their bodies.
    pub fn answers(&mut self, asked: &str, ours: &Answer, theirs: &Answer) -> (Value, Value) {
        for (what, our, their) in [
            ("status", &ours.status.to_string(), &theirs.status.to_string()),
            ("content-type", &ours.content_type, &theirs.content_type),
            ("cache-control", &ours.cache_control, &theirs.cache_control),
        ] {
            if our != their {
                self.found.push(format!("{asked}: {what}: {our:?}, really {their:?}"));
            }
        }
        let parse = |answer: &Answer| serde_json::from_str(&answer.body);
        let (Ok(our), Ok(their)) = (parse(ours), parse(theirs)) else {
            if ours.body != theirs.body {
                let (our, their) = (&ours.body, &theirs.body);
                self.found.push(format!("{asked}: {our:?}, really {their:?}"));
            }
            self.compared += 1;
            return (Value::Null, Value::Null);
        };
        self.json(asked, &our, &their);
        (our, their)
    }

    /// Compares two JSON values.
    pub fn json(&mut self, asked: &str, ours: &Value, theirs: &Value) {
        self.compared += 1;
        self.value(asked, &mut Vec::new(), ours, theirs);
    }

    fn value(&mut self, asked: &str, path: &mut Vec<String>, ours: &Value, theirs: &Value) {
        match (ours, theirs) {
            (Value::Object(our), Value::Object(their)) => {
                let keys: std::collections::BTreeSet<&String> =
                    our.keys().chain(their.keys()).collect();
                for key in keys {
                    path.push(key.clone());
                    match (our.get(key), their.get(key)) {
                        (Some(our), Some(their)) => self.value(asked, path, our, their),
                        (Some(our), None) => self.differ(asked, path, &our.to_string(), "absent"),
                        (None, Some(their)) => {
                            self.differ(asked, path, "absent", &their.to_string());
                        }
                        (None, None) => {}
                    }
                    path.pop();
                }
            }
            (Value::Array(our), Value::Array(their)) => {
                if our.len() != their.len() {
                    let (our, their) = (our.len().to_string(), their.len().to_string());
                    self.differ(asked, path, &format!("{our} elements"), &their);
                    return;
                }
                for (our, their) in our.iter().zip(their) {
                    path.push("*".to_owned());
                    self.value(asked, path, our, their);
                    path.pop();
                }
            }
            (Value::String(our), Value::String(their)) => {
                let same = our == their
                    || may_differ(path) && our.is_empty() == their.is_empty()
                    || path.last().is_some_and(|key| key == "data")
                        && without_head(our) == without_head(their);
                if !same {
                    self.differ(asked, path, our, their);
                }
            }
            (our, their) if our == their => {}
            (our, their) => self.differ(asked, path, &our.to_string(), &their.to_string()),
        }
    }

    fn differ(&mut self, asked: &str, path: &[String], ours: &str, theirs: &str) {
        let short = |text: &str| text.chars().take(300).collect::<String>();
        let (path, ours, theirs) = (path.join("."), short(ours), short(theirs));
        self.found.push(format!("{asked}\n    {path}: {ours}\n    really {theirs}"));
    }

    /// Fails with every difference.
    pub fn report(&self) {
        assert!(self.compared > 0, "nothing was compared");
        let mut text = String::new();
        for difference in self.found.iter().take(60) {
            writeln!(text, "{difference}").unwrap();
        }
        let (differ, compared) = (self.found.len(), self.compared);
        assert!(self.found.is_empty(), "{differ} differences in {compared} answers:\n{text}");
        println!("{compared} answers are alike");
    }
}

fn may_differ(path: &[String]) -> bool {
    let path = path.join(".");
    MAY_DIFFER.iter().any(|end| {
        path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// An error's text without the chain's head and base, which move while both are asked.
fn without_head(text: &str) -> String {
    let mut text = text.to_owned();
    for before in ["current blockchain height ", "lowest height is ", "min height ", "max height "]
    {
        if let Some(at) = text.find(before) {
            let number = at + before.len();
            let digits = text[number..].bytes().take_while(u8::is_ascii_digit).count();
            text.replace_range(number..number + digits, "N");
        }
    }
    text
}
