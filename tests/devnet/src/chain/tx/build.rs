//! Making transactions, as wallets and the hosts' daemons do.

use prost::Message;

use super::super::address::Address;
use super::super::dice::Dice;
use super::super::wire::{Any, AuthInfo, Coin, Fee, MsgExec, SignerInfo, Timestamp, TxBody, TxRaw};
use super::type_url;

/// A message with its type.
pub(crate) fn message(type_url: &str, value: &impl Message) -> Any {
    Any { type_url: type_url.to_owned(), value: value.encode_to_vec() }
}

/// Messages that `grantee` sends on behalf of others.
pub(crate) fn wrapped(grantee: &Address, messages: Vec<Any>) -> Any {
    message(type_url::EXEC, &MsgExec { grantee: grantee.to_string(), msgs: messages })
}

/// A transaction before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) signer: Address,
    pub(crate) messages: Vec<Any>,
    pub(crate) memo: String,
    /// No sequence; valid until a time instead.
    pub(crate) unordered: bool,
    /// In ngonka.
    pub(crate) fee: u64,
    pub(crate) gas: u64,
}

impl Draft {
    pub(crate) fn new(signer: &Address, messages: Vec<Any>) -> Self {
        Self {
            signer: signer.clone(),
            messages,
            memo: String::new(),
            unordered: false,
            fee: 0,
            gas: 10_000_000,
        }
    }

    /// The bytes. Signatures are made up: this chain does not verify them. `number` makes the
    /// bytes of equal transactions differ, as a sequence or a timeout does.
    pub(crate) fn encode(self, dice: Dice, height: i64, number: u64) -> Vec<u8> {
        let about: [&str; 1] = [&self.signer];
        let number_signed = i64::try_from(number).unwrap_or_default();
        let timeout = self.unordered.then(|| Timestamp {
            seconds: 1_780_000_000 + height * 6,
            nanos: i32::try_from(number % 1_000_000).unwrap_or_default(),
        });
        let body = TxBody {
            messages: self.messages,
            memo: self.memo,
            unordered: self.unordered,
            timeout_timestamp: timeout,
            ..TxBody::default()
        };
        let mut key = vec![2];
        key.extend(dice.hash("public key", &about, &[]));
        let auth = AuthInfo {
            signer_infos: vec![SignerInfo {
                public_key: Some(Any {
                    type_url: "/cosmos.crypto.secp256k1.PubKey".to_owned(),
                    // Field 1, length-delimited, 33 bytes.
                    value: [vec![0x0a, 0x21], key].concat(),
                }),
                sequence: if self.unordered { 0 } else { number },
            }],
            fee: Some(Fee {
                amount: match self.fee {
                    0 => Vec::new(),
                    fee => vec![Coin { denom: "ngonka".to_owned(), amount: fee.to_string() }],
                },
                gas_limit: self.gas,
                ..Fee::default()
            }),
        };
        let signature = ["r", "s"].map(|half| dice.hash(half, &about, &[height, number_signed]));
        TxRaw {
            body_bytes: body.encode_to_vec(),
            auth_info_bytes: auth.encode_to_vec(),
            signatures: vec![signature.concat()],
        }
        .encode_to_vec()
    }
}
