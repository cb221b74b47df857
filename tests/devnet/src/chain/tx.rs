//! Transactions: decoding any bytes, the ante handler, and the events that the SDK adds.

mod build;
mod failure;
mod message;

use prost::Message as _;

pub(crate) use build::{Draft, message, wrapped};
pub(crate) use failure::Failure;
pub(crate) use message::{Message, type_url};

use super::address;
use super::event::{event, push};
use super::messages;
use super::outcome::{Event, TxResult};
use super::roster::Roster;
use super::state::State;
use super::wire::{Any, AuthInfo, TxBody, TxMsgData, TxRaw};

/// A decoded transaction.
#[derive(Debug)]
pub(crate) struct Tx {
    body: TxBody,
    auth: AuthInfo,
    signatures: Vec<Vec<u8>>,
    messages: Vec<Message>,
}

impl Tx {
    /// Decodes it as the SDK does: everything inside must be known.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        let parse = |error: prost::DecodeError| Failure::parse(&error.to_string());
        let raw = TxRaw::decode(bytes).map_err(parse)?;
        let body = TxBody::decode(raw.body_bytes.as_slice()).map_err(parse)?;
        let auth = AuthInfo::decode(raw.auth_info_bytes.as_slice()).map_err(parse)?;
        let messages =
            body.messages.iter().map(|any| Message::decode(any, 0)).collect::<Result<_, _>>()?;
        Ok(Self { body, auth, signatures: raw.signatures, messages })
    }

    /// What the SDK checks before any state: messages, addresses, memo, signatures.
    fn check_basics(&self, height: i64) -> Result<(), Failure> {
        if self.messages.is_empty() {
            return Err(Failure::sdk(18, "must contain at least one message: invalid request"));
        }
        for message in &self.messages {
            message.check_basics()?;
        }
        if self.signatures.is_empty() {
            return Err(Failure::sdk(15, "no signatures supplied"));
        }
        let memo = self.body.memo.len();
        if memo > 256 {
            let log = format!(
                "maximum number of characters is 256 but received {memo} characters: memo too large"
            );
            return Err(Failure::sdk(12, &log));
        }
        let timeout = i64::try_from(self.body.timeout_height).unwrap_or(i64::MAX);
        if timeout != 0 && height > timeout {
            let log =
                format!("block height: {height}, timeout height: {timeout}: tx timeout height");
            return Err(Failure::sdk(30, &log));
        }
        Ok(())
    }

    fn fee_payer(&self) -> String {
        let payer = self.auth.fee.as_ref().map(|fee| fee.payer.as_str()).unwrap_or_default();
        if payer.is_empty() {
            self.messages.first().map(|message| message.signer().to_owned()).unwrap_or_default()
        } else {
            payer.to_owned()
        }
    }

    /// The ante handler's events; they stay when a message fails.
    fn ante_events(&self) -> Vec<Event> {
        let payer = self.fee_payer();
        let fee = self
            .auth
            .fee
            .iter()
            .flat_map(|fee| &fee.amount)
            .map(|coin| format!("{}{}", coin.amount, coin.denom))
            .collect::<Vec<_>>()
            .join(",");
        let mut events = Vec::new();
        if !fee.is_empty() {
            events.extend(transfer_events(&payer, &address::module("fee_collector"), &fee));
        }
        events.push(event("tx", [("fee", fee.as_str()), ("fee_payer", payer.as_str())]));
        let sequence = self.auth.signer_infos.first().map(|info| info.sequence).unwrap_or_default();
        let signer =
            self.messages.first().map(|message| message.signer().to_owned()).unwrap_or_default();
        events.push(event("tx", [("acc_seq", format!("{signer}/{sequence}"))]));
        for signature in &self.signatures {
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(signature);
            events.push(event("tx", [("signature", text)]));
        }
        events
    }

    fn gas(&self, bytes: usize) -> (i64, i64) {
        let wanted = self.auth.fee.as_ref().map(|fee| fee.gas_limit).unwrap_or_default();
        let count = i64::try_from(self.messages.len()).unwrap_or(i64::MAX);
        let size = i64::try_from(bytes).unwrap_or(i64::MAX);
        let used = size.saturating_mul(10).saturating_add(count.saturating_mul(21_000));
        (i64::try_from(wanted).unwrap_or(i64::MAX), used.saturating_add(32_000))
    }
}

/// The three events of a bank transfer, and who sent it.
pub(crate) fn transfer_events(from: &str, to: &str, amount: &str) -> [Event; 4] {
    [
        event("coin_spent", [("spender", from), ("amount", amount)]),
        event("coin_received", [("receiver", to), ("amount", amount)]),
        event("transfer", [("recipient", to), ("sender", from), ("amount", amount)]),
        event("message", [("sender", from)]),
    ]
}

/// CheckTx: everything but the messages' own execution.
pub(crate) fn check(state: &State, bytes: &[u8]) -> TxResult {
    let tx = match Tx::decode(bytes) {
        Ok(tx) => tx,
        Err(failure) => return failure.result((0, 0), Vec::new()),
    };
    let gas = tx.gas(bytes.len());
    match tx.check_basics(state.height.saturating_add(1)) {
        Ok(()) => TxResult {
            gas_wanted: gas.0,
            gas_used: gas.1,
            events: tx.ante_events(),
            ..TxResult::default()
        },
        Err(failure) => failure.result((gas.0, 0), Vec::new()),
    }
}

/// Executes a transaction: all of its messages, or none.
pub(crate) fn deliver(state: &mut State, roster: &Roster, bytes: &[u8]) -> TxResult {
    let tx = match Tx::decode(bytes) {
        Ok(tx) => tx,
        Err(failure) => return failure.result((0, 0), Vec::new()),
    };
    let gas = tx.gas(bytes.len());
    if let Err(failure) = tx.check_basics(state.height) {
        return failure.result((gas.0, 0), Vec::new());
    }
    let ante = tx.ante_events();
    if gas.0 > 0 && gas.1 > gas.0 {
        let log = format!(
            "out of gas in location: WriteFlat; gasWanted: {}, gasUsed: {}: out of gas",
            gas.0, gas.1
        );
        return Failure::sdk(11, &log).result(gas, ante);
    }
    match tx.run(state, roster) {
        Ok((messages, data)) => {
            let events = ante.into_iter().chain(messages).collect();
            TxResult { data, gas_wanted: gas.0, gas_used: gas.1, events, ..TxResult::default() }
        }
        Err(failure) => failure.result(gas, ante),
    }
}

impl Tx {
    fn run(&self, state: &mut State, roster: &Roster) -> Result<(Vec<Event>, Vec<u8>), Failure> {
        // One plain message changes nothing when it fails; several are tried on a copy.
        if let [message] = self.messages.as_slice()
            && !matches!(message, Message::Exec { .. })
        {
            return self.run_on(state, roster);
        }
        let mut copy = state.clone();
        let done = self.run_on(&mut copy, roster)?;
        *state = copy;
        Ok(done)
    }

    fn run_on(&self, state: &mut State, roster: &Roster) -> Result<(Vec<Event>, Vec<u8>), Failure> {
        let mut events = Vec::new();
        let mut responses = Vec::new();
        for (index, message) in self.messages.iter().enumerate() {
            let done = messages::run(state, roster, message).map_err(|failure| {
                failure.within(&format!("failed to execute message; message index: {index}"))
            })?;
            let index = index.to_string();
            let mut first = event(
                "message",
                [
                    ("action", message.type_url()),
                    ("sender", message.signer()),
                    ("module", module_of(message.type_url())),
                ],
            );
            push(&mut first, "msg_index", index.as_str());
            events.push(first);
            for mut event in done.events {
                push(&mut event, "msg_index", index.as_str());
                events.push(event);
            }
            responses.push(Any {
                type_url: format!("{}Response", message.type_url()),
                value: done.response,
            });
        }
        Ok((events, TxMsgData { msg_responses: responses }.encode_to_vec()))
    }
}

/// The second segment of a type URL (`sdk.GetModuleNameFromTypeURL`).
fn module_of(type_url: &str) -> &str {
    let mut segments = type_url.trim_start_matches('/').split('.');
    let first = segments.next().unwrap_or_default();
    segments.next().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_the_second_segment() {
        assert_eq!(module_of("/inference.inference.MsgSetPoCDelegation"), "inference");
        assert_eq!(module_of("/cosmos.authz.v1beta1.MsgExec"), "authz");
        assert_eq!(module_of("odd"), "odd");
    }

    #[test]
    fn any_bytes_are_refused_and_never_panic() {
        for length in 0..200_usize {
            let bytes =
                (0..length).map(|i| u8::try_from(i * 37 % 251).unwrap()).collect::<Vec<_>>();
            let result = check(&State::default(), &bytes);
            assert_ne!(result.code, 0, "{length}");
            assert_eq!(result.codespace, "sdk");
        }
        let unknown = TxRaw {
            body_bytes: TxBody {
                messages: vec![Any { type_url: "/x.y.MsgZ".to_owned(), value: vec![] }],
                ..TxBody::default()
            }
            .encode_to_vec(),
            ..TxRaw::default()
        };
        let result = check(&State::default(), &unknown.encode_to_vec());
        assert_eq!(result.code, 2);
        assert!(result.log.ends_with("/x.y.MsgZ: tx parse error"), "{}", result.log);
    }
}
