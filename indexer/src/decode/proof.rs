//! What the chain of headers proves of a block: its transactions by its own header, its results by
//! the next one. Events are not covered by any hash (CometBFT `types/results.go`).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use sha2::Sha256;
use tendermint::merkle::simple_hash_from_byte_vectors;

use crate::chain::{
    body::{Object, TxResult},
    wire::DeterministicTxResult,
};

/// The two ends of the proof that results belong to their block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The root over this block's results; none when one of them cannot be read as a whole.
    results: Option<String>,
    /// What the header says the root of the block before was; empty when it does not say.
    claim: String,
}

impl Proof {
    pub(super) fn new(claim: &str, results: &[Object<TxResult<'_>>]) -> Self {
        let leaves: Option<Vec<Vec<u8>>> = results.iter().map(leaf).collect();
        Self { results: leaves.map(|leaves| root(&leaves)), claim: claim.to_owned() }
    }

    /// What the header says of the block before.
    pub(crate) fn claim(&self) -> &str {
        &self.claim
    }

    /// Whether a claim of the next header contradicts these results. What cannot be compared does
    /// not.
    pub(crate) fn contradicts(&self, next_claim: &str) -> bool {
        self.results.as_ref().is_some_and(|ours| !next_claim.is_empty() && ours != next_claim)
    }
}

/// Compares the hashes of the transactions with the header's root over them.
pub(super) fn check_data(hashes: &[[u8; 32]], data_hash: &str) -> Result<(), String> {
    if data_hash.is_empty() {
        return Ok(());
    }
    let ours = root(hashes);
    if ours == data_hash {
        return Ok(());
    }
    Err(format!("their root is {ours}, the header says {data_hash}"))
}

fn leaf(result: &Object<TxResult<'_>>) -> Option<Vec<u8>> {
    let result = result.0.as_ref()?;
    let covered = DeterministicTxResult {
        code: result.code()?,
        data: STANDARD.decode(result.data.as_str()).ok()?,
        gas_wanted: result.gas_wanted.0.unwrap_or_default(),
        gas_used: result.gas_used.0.unwrap_or_default(),
    };
    Some(covered.encode_to_vec())
}

/// The root of CometBFT's Merkle tree, upper-case hex.
fn root(leaves: &[impl AsRef<[u8]>]) -> String {
    hex::encode_upper(simple_hash_from_byte_vectors::<Sha256>(leaves))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of a real node: `data_hash` of every empty block, and `last_results_hash` after a
    /// block with one transaction of the kvstore application.
    #[test]
    fn roots_are_those_of_a_real_node() {
        let empty = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        let one = "6E340B9CFFB37A989CA544E6BB780A2C78901D3FB33738768511A30617AFA01D";
        assert_eq!(check_data(&[], empty), Ok(()));
        assert!(check_data(&[[0; 32]], empty).is_err());
        let results: Vec<Object<TxResult<'_>>> =
            serde_json::from_str(r#"[{"code":0,"data":null,"gas_wanted":"0","gas_used":"0"}]"#)
                .unwrap();
        let proof = Proof::new("", &results);
        assert!(!proof.contradicts(one));
        assert!(proof.contradicts(empty));
        assert!(!proof.contradicts(""), "a header that does not say contradicts nothing");
    }

    #[test]
    fn each_covered_field_counts() {
        let root_of = |json: &str| {
            let results: Vec<Object<TxResult<'_>>> = serde_json::from_str(json).unwrap();
            Proof::new("", &results).results
        };
        let base = root_of(r#"[{"code":0,"data":"AQ==","gas_wanted":"5","gas_used":"3"}]"#);
        let same = r#"[{"code":"0","data":"AQ==","gas_wanted":5,"gas_used":3,"log":"x"}]"#;
        assert_eq!(root_of(same), base, "the log is not covered");
        for other in [
            r#"[{"code":1,"data":"AQ==","gas_wanted":"5","gas_used":"3"}]"#,
            r#"[{"code":0,"data":"Ag==","gas_wanted":"5","gas_used":"3"}]"#,
            r#"[{"code":0,"data":"AQ==","gas_wanted":"6","gas_used":"3"}]"#,
            r#"[{"code":0,"data":"AQ==","gas_wanted":"5","gas_used":"4"}]"#,
            "[]",
        ] {
            assert_ne!(root_of(other), base, "{other}");
        }
        assert_eq!(root_of(r#"[{"code":"x"}]"#), None);
        assert_eq!(root_of(r#"[{"data":"?"}]"#), None);
    }
}
