//! CometBFT's merkle root: the RFC 6962 tree over byte strings.
//!
//! Source: CometBFT v0.38 `crypto/merkle/tree.go`, `HashFromByteSlices`.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub(crate) type Hash = [u8; 32];

/// The root over `leaves`; the digest of nothing when there are none.
pub(crate) fn root<T: AsRef<[u8]>>(leaves: &[T]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => digest(0, &[leaf.as_ref()]),
        _ => {
            // The left subtree is the largest full tree that leaves something on the right.
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            digest(1, &[&root(left), &root(right)])
        }
    }
}

/// SHA-256 of `data` alone.
pub(crate) fn sha256(data: &[u8]) -> Hash {
    Sha256::digest(data).into()
}

/// Leaves and inner nodes differ by a first byte, so that one cannot pose as the other.
fn digest(prefix: u8, parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new_with_prefix([prefix]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_tree_is_the_digest_of_nothing() {
        // `data_hash` of every empty block.
        assert_eq!(
            hex::encode_upper(root::<&[u8]>(&[])),
            "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"
        );
    }

    #[test]
    fn one_successful_empty_result_hashes_as_a_real_node_hashes_it() {
        // `last_results_hash` after a block with one transaction of the kvstore application.
        assert_eq!(
            hex::encode_upper(root(&[b""])),
            "6E340B9CFFB37A989CA544E6BB780A2C78901D3FB33738768511A30617AFA01D"
        );
    }
}
