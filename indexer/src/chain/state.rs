//! The chain's state at a pinned height, asked from the application.

use std::{collections::BTreeSet, sync::Arc};

use bootwatch_rules::{
    Address, ChainState, ChargeSnapshot, Epoch, EpochIndex, Height, HostChoices, ModelId,
    plans::Plans, reward::RewardReading,
};
use futures_util::{StreamExt, stream};
use prost::Message;

use super::{ChainError, Class, Problem, wire};

mod convert;
mod plans;

use convert::{charges, host_choices, members, model_group, params};

/// Questions under way at a time: enough to hide the latency, few enough for a shared node.
const CONCURRENT: usize = 8;
/// Governance models on a page, and pages: more than any chain has.
const PAGE: u64 = 100;
const PAGES: usize = 20;
/// Delegations, refusals, intents (x/inference/types/keys.go, v0.2.14).
const CHOICE_PREFIXES: [u8; 3] = [0x35, 0x36, 0x37];

/// One question to the application.
#[derive(Debug, Clone)]
pub struct Question {
    /// What metrics and errors call it.
    pub method: &'static str,
    /// The query's path.
    pub path: String,
    /// The query's data.
    pub data: Vec<u8>,
}

/// Where the application's state can be asked for: a node, or the application itself.
pub trait StateSource: Sync {
    /// What errors call it.
    fn name(&self) -> &Arc<str>;

    /// Asks the application at a pinned height: the state after that block.
    fn query(
        &self,
        method: &'static str,
        path: &str,
        data: Vec<u8>,
        height: Height,
    ) -> impl Future<Output = Result<Vec<u8>, ChainError>> + Send;

    /// Asks several questions at a pinned height, in as few requests as the source can; one answer
    /// for each, in their order.
    fn queries(
        &self,
        questions: Vec<Question>,
        height: Height,
    ) -> impl Future<Output = Vec<Result<Vec<u8>, ChainError>>> + Send {
        async move {
            stream::iter(questions)
                .map(|q| async move { self.query(q.method, &q.path, q.data, height).await })
                .buffered(CONCURRENT)
                .collect()
                .await
        }
    }

    /// Parameters, epochs and groups at a height, and the version that the application reports,
    /// which is empty when it reports none.
    ///
    /// # Errors
    /// [`ChainError`]; [`Class::Unavailable`] when the node no longer keeps that version.
    fn read_state(
        &self,
        height: Height,
    ) -> impl Future<Output = Result<(ChainState, String), ChainError>> + Send {
        async move {
            let first = [
                question("EpochInfo", &()),
                question("GetCurrentEpoch", &()),
                models_page(Vec::new()),
                Question { method: VERSION, path: VERSION_PATH.to_owned(), data: Vec::new() },
            ];
            let [info, current, models, version] = ask(self, first, height).await?;
            let info: wire::EpochInfoResponse = answer(self, "EpochInfo", info, height)?;
            if info.block_height != 0 && info.block_height != height {
                let reason = format!("epoch_info is for height {}", info.block_height);
                let problem = Problem::Inconsistent(reason);
                return Err(fault(self, "EpochInfo", Some(height), problem, Class::Retry));
            }
            let current: wire::CurrentEpochResponse =
                answer(self, "GetCurrentEpoch", current, height)?;
            let models = governance_models(self, models, height).await?;
            let version: wire::NodeInfoResponse = answer(self, VERSION, version, height)?;
            let version = version.application_version.unwrap_or_default().version;
            let effective = current.epoch;
            let of_epoch = wire::ExcludedParticipantsRequest { epoch_index: effective };
            let second = [
                question(GROUP, &group_request(effective, "")),
                question("ExcludedParticipants", &of_epoch),
            ];
            let [root, excluded] = ask(self, second, height).await?;
            let root = group(self, root, height)?.unwrap_or_default();
            let excluded: wire::ExcludedParticipantsResponse =
                answer(self, "ExcludedParticipants", excluded, height)?;
            let wanted = root.sub_group_models.iter();
            let third = wanted.map(|model| question(GROUP, &group_request(effective, model)));
            let groups = self.queries(third.collect(), height).await;
            let mut model_groups = Vec::new();
            for (model, value) in root.sub_group_models.iter().zip(groups) {
                if let Some(found) = group(self, value, height)? {
                    model_groups.push(model_group((model.clone(), found)));
                }
            }
            let latest = info.latest_epoch.unwrap_or_default();
            let state = ChainState {
                height,
                params: params(info.params.unwrap_or_default()),
                effective: Epoch {
                    index: effective,
                    poc_start: Height::try_from(root.poc_start_block_height).unwrap_or(Height::MAX),
                },
                latest: Epoch { index: latest.index, poc_start: latest.poc_start_block_height },
                members: members(root.validation_weights, excluded.items),
                model_groups,
                governance_models: models,
            };
            Ok((state, version.chars().take(64).collect()))
        }
    }

    /// The stored choices of hosts at a height, complete for each: those of the hosts that could be
    /// read, in their order, and the first error where some could not.
    fn read_choices(
        &self,
        hosts: impl IntoIterator<Item = Address, IntoIter: Send> + Send,
        height: Height,
    ) -> impl Future<Output = (Vec<HostChoices>, Option<ChainError>)> + Send {
        const METHOD: &str = "PoCDelegation";
        async move {
            let hosts: Vec<Address> = hosts.into_iter().collect();
            let questions = hosts.iter().map(|host| {
                let participant = host.as_str().to_owned();
                let model_id = String::new();
                question(METHOD, &wire::PocDelegationRequest { participant, model_id })
            });
            let answers = self.queries(questions.collect(), height).await;
            let (mut read, mut failure) = (Vec::with_capacity(hosts.len()), None);
            for (host, value) in hosts.into_iter().zip(answers) {
                match answer::<wire::PocDelegationResponse, _>(self, METHOD, value, height) {
                    Ok(found) => read.push(host_choices(host, found)),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            (read, failure)
        }
    }

    /// Hosts that have a choice stored for any model, as far as the node tells: there is no query
    /// for them, so the keys of the store are listed. Only a hint whom to ask: the list is of the
    /// newest state whatever the height, and raw keys are no promised interface.
    ///
    /// # Errors
    /// [`ChainError`] when the node does not list its store.
    fn read_choosers(
        &self,
        height: Height,
    ) -> impl Future<Output = Result<BTreeSet<Address>, ChainError>> + Send {
        const METHOD: &str = "choosers";
        const PATH: &str = "/store/inference/subspace";
        async move {
            let questions = CHOICE_PREFIXES.map(|prefix| Question {
                method: METHOD,
                path: PATH.to_owned(),
                data: vec![prefix],
            });
            let mut hosts = BTreeSet::new();
            for value in self.queries(questions.to_vec(), height).await {
                let pairs: wire::Pairs = answer(self, METHOD, value, height)?;
                hosts.extend(pairs.pairs.iter().filter_map(|pair| chooser(&pair.key)));
            }
            Ok(hosts)
        }
    }

    /// The charges that stand at a height; none before the chain has fixed any.
    ///
    /// # Errors
    /// [`ChainError`], also when the value cannot be read.
    fn read_charges(
        &self,
        height: Height,
    ) -> impl Future<Output = Result<Option<ChargeSnapshot>, ChainError>> + Send {
        async move {
            const METHOD: &str = "charges";
            // Key 0x6c: DelegationRewardTransferSnapshot, since v0.2.14 (x/inference/types/keys.go).
            let value = self.query(METHOD, "/store/inference/key", vec![0x6c], height).await?;
            if value.is_empty() {
                return Ok(None);
            }
            let snapshot = wire::RewardTransferSnapshot::decode(value.as_slice())
                .map_err(|e| unreadable(self, METHOD, height, &e))?;
            Ok(Some(charges(snapshot)))
        }
    }

    /// What hosts earn in an epoch, as the chain estimates it; a host that is not in it has no
    /// estimate. None where the node does not answer: it is older than 0.2.14, or cannot say now.
    /// Nothing depends on it, so it is not asked twice.
    fn read_rewards(
        &self,
        epoch: EpochIndex,
        hosts: &[Address],
        height: Height,
    ) -> impl Future<Output = Option<RewardReading>> + Send {
        const METHOD: &str = "EstimateBitcoinReward";
        let hosts = hosts.to_vec();
        async move {
            let questions = hosts.iter().map(|host| {
                let participant = host.as_str().to_owned();
                question(METHOD, &wire::EstimateRewardRequest { participant })
            });
            let answers = self.queries(questions.collect(), height).await;
            let mut estimates = Vec::with_capacity(hosts.len());
            for (host, value) in hosts.into_iter().zip(answers) {
                match answer::<wire::EstimateRewardResponse, _>(self, METHOD, value, height) {
                    Ok(found) => {
                        let amount = found.settle_amount.unwrap_or_default();
                        if amount.epoch_index == epoch {
                            estimates.push((host, amount.reward_coins));
                        }
                    }
                    Err(error) if not_found(&error) => {}
                    Err(error) => {
                        tracing::debug!(height, %error, "the estimate of rewards was not read");
                        return None;
                    }
                }
            }
            Some(RewardReading { epoch, estimates })
        }
    }

    /// What governance has scheduled and what it votes on. Nothing depends on it.
    ///
    /// # Errors
    /// [`ChainError`], with [`Class::Fatal`] when the node has no such queries.
    fn read_plans(&self, height: Height) -> impl Future<Output = Result<Plans, ChainError>> + Send {
        plans::read(self, height)
    }
}

const GROUP: &str = "EpochGroupData";
const VERSION: &str = "GetNodeInfo";
const VERSION_PATH: &str = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo";

/// A question to the chain's `Query` service.
fn question(method: &'static str, request: &impl Message) -> Question {
    let path = format!("/inference.inference.Query/{method}");
    Question { method, path, data: request.encode_to_vec() }
}

/// The root group for an empty model.
fn group_request(epoch_index: u64, model: &str) -> wire::EpochGroupDataRequest {
    wire::EpochGroupDataRequest { epoch_index, model_id: model.to_owned() }
}

fn models_page(key: Vec<u8>) -> Question {
    let pagination = Some(wire::PageRequest { key, limit: PAGE });
    question("ModelsAll", &wire::ModelsAllRequest { pagination })
}

/// A group of an epoch; none when it does not exist.
fn group<S: StateSource + ?Sized>(
    source: &S,
    value: Result<Vec<u8>, ChainError>,
    height: Height,
) -> Result<Option<wire::EpochGroupData>, ChainError> {
    match answer::<wire::EpochGroupDataResponse, _>(source, GROUP, value, height) {
        Ok(answer) => Ok(answer.epoch_group_data),
        Err(error) if not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every governance model: the first page, and those after it.
async fn governance_models<S: StateSource + ?Sized>(
    source: &S,
    first: Result<Vec<u8>, ChainError>,
    height: Height,
) -> Result<Vec<ModelId>, ChainError> {
    let mut models = Vec::new();
    let mut value = first;
    for _ in 0..PAGES {
        let page: wire::ModelsAllResponse = answer(source, "ModelsAll", value, height)?;
        models.extend(page.model.into_iter().map(|model| ModelId::from(model.id)));
        let key = page.pagination.unwrap_or_default().next_key;
        if key.is_empty() {
            break;
        }
        let next = models_page(key);
        value = source.query(next.method, &next.path, next.data, height).await;
    }
    models.sort();
    models.dedup();
    Ok(models)
}

/// Reads an answer.
fn answer<T: Message + Default, S: StateSource + ?Sized>(
    source: &S,
    method: &'static str,
    value: Result<Vec<u8>, ChainError>,
    height: Height,
) -> Result<T, ChainError> {
    T::decode(value?.as_slice()).map_err(|e| unreadable(source, method, height, &e))
}

/// As many answers as questions.
async fn ask<const N: usize, S: StateSource + ?Sized>(
    source: &S,
    questions: [Question; N],
    height: Height,
) -> Result<[Result<Vec<u8>, ChainError>; N], ChainError> {
    let answers = source.queries(questions.to_vec(), height).await;
    answers.try_into().map_err(|answers: Vec<_>| {
        let reason = format!("{} answers to {N} questions", answers.len());
        fault(source, "abci_query", Some(height), Problem::Inconsistent(reason), Class::Retry)
    })
}

fn fault<S: StateSource + ?Sized>(
    source: &S,
    method: &'static str,
    height: Option<Height>,
    problem: Problem,
    class: Class,
) -> ChainError {
    ChainError { endpoint: Arc::clone(source.name()), method, height, problem, class }
}

fn unreadable<S: StateSource + ?Sized>(
    source: &S,
    method: &'static str,
    height: Height,
    reason: &prost::DecodeError,
) -> ChainError {
    let reason = reason.to_string().chars().take(200).collect();
    fault(source, method, Some(height), Problem::Body(reason), Class::Retry)
}

/// gRPC's NotFound becomes the SDK's `key not found` in an ABCI answer.
fn not_found(error: &ChainError) -> bool {
    matches!(&error.problem, Problem::Query { code: 22, codespace, .. } if codespace == "sdk")
}

/// The host in a choice's key: prefix, model id, a zero byte, the address. A model id may hold any
/// byte, so the address is what follows the last zero.
fn chooser(key: &[u8]) -> Option<Address> {
    let (_, rest) = key.split_first()?;
    let end_of_model = rest.iter().rposition(|byte| *byte == 0)?;
    let address = std::str::from_utf8(rest.get(end_of_model + 1..)?).ok()?;
    (!address.is_empty()).then(|| Address::from(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choosers_address_follows_the_last_zero_of_the_key() {
        assert_eq!(chooser(b"\x35some/Model\0gonka1abc"), Some(Address::from("gonka1abc")));
        assert_eq!(chooser(b"\x35odd\0model\0gonka1abc"), Some(Address::from("gonka1abc")));
        for odd in [&b""[..], b"\x35", b"\x35model", b"\x35model\0", b"\x35model\0\xff\xfe"] {
            assert_eq!(chooser(odd), None, "{odd:?}");
        }
    }
}
