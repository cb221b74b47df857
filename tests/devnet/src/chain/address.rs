//! Addresses: bech32 with the chain's prefixes, derived from the seed.

use std::sync::Arc;

use bech32::{Bech32, Hrp};
use sha2::{Digest, Sha256};

/// A host's account address, `gonka1…`.
pub(crate) type Address = Arc<str>;

/// A model's id, such as `deepseek-ai/DeepSeek-V4-Flash-0731`.
pub(crate) type ModelId = Arc<str>;

const ACCOUNT: &str = "gonka";
const OPERATOR: &str = "gonkavaloper";

fn encode(prefix: &str, bytes: &[u8]) -> String {
    let hrp = Hrp::parse_unchecked(prefix);
    bech32::encode::<Bech32>(hrp, bytes).expect("twenty bytes fit in a bech32 string")
}

/// The twenty bytes that `label` stands for under `seed`.
fn bytes_of(seed: u64, label: &str) -> [u8; 20] {
    let digest = Sha256::new()
        .chain_update(b"account")
        .chain_update(seed.to_be_bytes())
        .chain_update(label.as_bytes())
        .finalize();
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&digest[..20]);
    bytes
}

/// The account of the host called `name`.
pub(crate) fn account(seed: u64, name: &str) -> Address {
    encode(ACCOUNT, &bytes_of(seed, name)).into()
}

/// The warm key of the host called `name`: the account that may act for it through authz.
pub(crate) fn warm_key(seed: u64, name: &str) -> Address {
    encode(ACCOUNT, &bytes_of(seed, &format!("warm key of {name}"))).into()
}

/// A module's account, such as governance's.
pub(crate) fn module(name: &str) -> Address {
    let digest = Sha256::digest(name.as_bytes());
    encode(ACCOUNT, &digest[..20]).into()
}

/// The operator form (`gonkavaloper1…`) of an account: the same twenty bytes.
pub(crate) fn operator(account: &str) -> Option<String> {
    decode(account, ACCOUNT).ok().map(|bytes| encode(OPERATOR, &bytes))
}

/// The account form of an operator address.
pub(crate) fn account_of_operator(operator: &str) -> Option<Address> {
    decode(operator, OPERATOR).ok().map(|bytes| encode(ACCOUNT, &bytes).into())
}

/// Checks an account address as the SDK does.
///
/// # Errors
/// The SDK's description of what is wrong with it.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("empty address string is not allowed".to_owned());
    }
    decode(text, ACCOUNT).map(drop)
}

fn decode(text: &str, prefix: &str) -> Result<Vec<u8>, String> {
    let (hrp, bytes) =
        bech32::decode(text).map_err(|error| format!("decoding bech32 failed: {error}"))?;
    if hrp.as_str() != prefix {
        return Err(format!("invalid Bech32 prefix; expected {prefix}, got {hrp}"));
    }
    if bytes.is_empty() || bytes.len() > 255 {
        return Err(format!("address length must be between 1 and 255, got {}", bytes.len()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_has_the_bytes_of_its_account() {
        let host = account(7, "alder");
        assert!(host.starts_with("gonka1") && host.len() == 44, "{host}");
        let operator = operator(&host).unwrap();
        assert!(operator.starts_with("gonkavaloper1"));
        assert_eq!(account_of_operator(&operator).unwrap(), host);
    }

    #[test]
    fn an_address_of_another_chain_is_refused() {
        let foreign = encode("cosmos", &bytes_of(1, "x"));
        assert!(check(&foreign).unwrap_err().contains("expected gonka, got cosmos"));
        assert!(check("gonka1zzz").is_err());
        assert!(check(" ").unwrap_err().contains("empty"));
    }
}
