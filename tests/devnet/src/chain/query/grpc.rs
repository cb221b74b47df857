//! The gRPC queries, by their paths.

use prost::Message;

use super::super::Chain;
use super::super::address::Address;
use super::super::state::State;
use super::super::wire::{
    DefaultNodeInfo, Epoch, GetNodeInfoResponse, MLNodeWeightDistributionWithAddress, PageResponse,
    PoCDelegation, PoCDirectIntent, PoCRefusal, PoCV2StoreCommitWithAddress,
    QueryActiveConfirmationPoCEventResponse, QueryAllMLNodeWeightDistributionsForStageResponse,
    QueryAllPoCV2StoreCommitsForStageResponse, QueryEpochInfoResponse,
    QueryEstimateBitcoinRewardRequest, QueryEstimateBitcoinRewardResponse,
    QueryExcludedParticipantsRequest, QueryExcludedParticipantsResponse,
    QueryGetCurrentEpochResponse, QueryGetEpochGroupDataRequest, QueryGetEpochGroupDataResponse,
    QueryGetLastUpgradeHeightResponse, QueryModelsAllRequest, QueryModelsAllResponse,
    QueryParamsResponse, QueryPoCDelegationRequest, QueryPoCDelegationResponse,
    QueryPoCValidationSnapshotResponse, QueryPreservedNodesSnapshotResponse, QueryStageRequest,
    VersionInfo,
};
use super::{
    Refusal,
    governance::{self, CURRENT_PLAN, PROPOSALS},
    reward,
};

const NODE_INFO: &str = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo";
const INFERENCE: &str = "/inference.inference.Query/";

/// What this chain answers under [`INFERENCE`].
const SERVED: [&str; 15] = [
    "Params",
    "EpochInfo",
    "GetCurrentEpoch",
    "CurrentEpochGroupData",
    "EpochGroupData",
    "PoCDelegation",
    "AllPoCV2StoreCommitsForStage",
    "AllMLNodeWeightDistributionsForStage",
    "ModelsAll",
    "ExcludedParticipants",
    "ActiveConfirmationPoCEvent",
    "EstimateBitcoinReward",
    "LastUpgradeHeight",
    "PoCValidationSnapshot",
    "PreservedNodesSnapshot",
];

pub(super) fn serves(path: &str) -> bool {
    [NODE_INFO, PROPOSALS, CURRENT_PLAN].contains(&path)
        || path.strip_prefix(INFERENCE).is_some_and(|name| SERVED.contains(&name))
}

pub(super) fn answer(
    chain: &Chain,
    state: &State,
    path: &str,
    data: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let value = match path.strip_prefix(INFERENCE).unwrap_or(path) {
        "Params" => QueryParamsResponse { params: Some((*state.params).clone()) }.encode_to_vec(),
        "EpochInfo" => epoch_info(state).encode_to_vec(),
        "GetCurrentEpoch" => {
            QueryGetCurrentEpochResponse { epoch: state.effective }.encode_to_vec()
        }
        "CurrentEpochGroupData" => group(state, state.effective, "")?,
        "EpochGroupData" => {
            let request: QueryGetEpochGroupDataRequest = decode(data)?;
            group(state, request.epoch_index, &request.model_id)?
        }
        "PoCDelegation" => choices(state, &decode(data)?)?.encode_to_vec(),
        "AllPoCV2StoreCommitsForStage" => commits(state, decode(data)?).encode_to_vec(),
        "AllMLNodeWeightDistributionsForStage" => {
            distributions(state, decode(data)?).encode_to_vec()
        }
        "ModelsAll" => models(state, &decode(data)?)?.encode_to_vec(),
        "ExcludedParticipants" => {
            let request: QueryExcludedParticipantsRequest = decode(data)?;
            let epoch = match request.epoch_index {
                0 => state.effective,
                epoch => epoch,
            };
            let items = state.exclusions.get(&epoch).cloned().unwrap_or_default();
            QueryExcludedParticipantsResponse { items }.encode_to_vec()
        }
        // No confirmation runs on this chain.
        "ActiveConfirmationPoCEvent" => {
            QueryActiveConfirmationPoCEventResponse::default().encode_to_vec()
        }
        "EstimateBitcoinReward" => {
            let request: QueryEstimateBitcoinRewardRequest = decode(data)?;
            let settle_amount = reward::estimate(state, &request.participant)
                .ok_or_else(|| Refusal::not_found("participant is not in the current epoch"))?;
            QueryEstimateBitcoinRewardResponse { settle_amount: Some(settle_amount) }
                .encode_to_vec()
        }
        "LastUpgradeHeight" => {
            let last_upgrade_height = state.upgraded_at;
            let found = last_upgrade_height > 0;
            QueryGetLastUpgradeHeightResponse { last_upgrade_height, found }.encode_to_vec()
        }
        PROPOSALS => governance::proposals(state, &decode(data)?)?.encode_to_vec(),
        CURRENT_PLAN => governance::current_plan(state).encode_to_vec(),
        "PoCValidationSnapshot" => {
            let request: QueryStageRequest = decode(data)?;
            let snapshot = state.validation.as_deref().filter(|snapshot| {
                snapshot.poc_stage_start_height == request.poc_stage_start_block_height
            });
            QueryPoCValidationSnapshotResponse {
                found: snapshot.is_some(),
                snapshot: snapshot.cloned(),
            }
            .encode_to_vec()
        }
        "PreservedNodesSnapshot" => QueryPreservedNodesSnapshotResponse {
            found: state.preserved.is_some(),
            snapshot: state.preserved.as_deref().cloned(),
        }
        .encode_to_vec(),
        _ => node_info(chain).encode_to_vec(),
    };
    Ok(value)
}

fn decode<M: Message + Default>(data: &[u8]) -> Result<M, Refusal> {
    M::decode(data).map_err(|error| Refusal::invalid(&error.to_string()))
}

fn epoch_info(state: &State) -> QueryEpochInfoResponse {
    let (index, poc_start_block_height) = state.latest_epoch();
    QueryEpochInfoResponse {
        block_height: state.height,
        params: Some((*state.params).clone()),
        latest_epoch: Some(Epoch { index, poc_start_block_height }),
        is_confirmation_poc_active: false,
        active_confirmation_poc_event: None,
    }
}

fn group(state: &State, epoch: u64, model: &str) -> Result<Vec<u8>, Refusal> {
    let groups = state.groups.get(&epoch);
    let group = match model {
        "" => groups.map(|groups| &groups.root),
        model => groups.and_then(|groups| groups.models.get(model)),
    };
    let group = group.ok_or_else(|| Refusal::not_found("epoch group data not found"))?;
    Ok(QueryGetEpochGroupDataResponse { epoch_group_data: Some(group.clone()) }.encode_to_vec())
}

fn choices(
    state: &State,
    request: &QueryPoCDelegationRequest,
) -> Result<QueryPoCDelegationResponse, Refusal> {
    if request.participant.is_empty() {
        return Err(Refusal::invalid("participant cannot be empty"));
    }
    let host = Address::from(request.participant.as_str());
    let mut response = QueryPoCDelegationResponse::default();
    let all = &state.choices;
    // A choice needs a model that governance knows.
    let models = state.models.keys();
    for model in models.filter(|id| request.model_id.is_empty() || *request.model_id == ***id) {
        let key = (model.clone(), host.clone());
        let (model_id, participant) = (model.to_string(), host.to_string());
        if let Some(to) = all.delegations.get(&key) {
            let delegate_to = to.to_string();
            let delegator = participant.clone();
            let model_id = model_id.clone();
            response.delegations.push(PoCDelegation { model_id, delegator, delegate_to });
        }
        if all.refusals.contains(&key) {
            let (model_id, participant) = (model_id.clone(), participant.clone());
            response.refusals.push(PoCRefusal { model_id, participant });
        }
        if all.intents.contains(&key) {
            response.intents.push(PoCDirectIntent { model_id, participant });
        }
    }
    Ok(response)
}

fn commits(state: &State, request: QueryStageRequest) -> QueryAllPoCV2StoreCommitsForStageResponse {
    let stage = state.commits.get(&request.poc_stage_start_block_height);
    let commits =
        stage.into_iter().flatten().map(|((host, model), commit)| PoCV2StoreCommitWithAddress {
            participant_address: host.to_string(),
            count: commit.count,
            root_hash: commit.root_hash.clone(),
            hex_pub_key: String::new(),
            model_id: model.to_string(),
        });
    QueryAllPoCV2StoreCommitsForStageResponse { commits: commits.collect() }
}

fn distributions(
    state: &State,
    request: QueryStageRequest,
) -> QueryAllMLNodeWeightDistributionsForStageResponse {
    let stage = state.distributions.get(&request.poc_stage_start_block_height);
    let distributions = stage.into_iter().flatten().map(|((host, model), weights)| {
        MLNodeWeightDistributionWithAddress {
            participant_address: host.to_string(),
            weights: (**weights).clone(),
            model_id: model.to_string(),
        }
    });
    QueryAllMLNodeWeightDistributionsForStageResponse { distributions: distributions.collect() }
}

/// A page of models, 100 when the request does not say (SDK `query.Paginate`).
fn models(
    state: &State,
    request: &QueryModelsAllRequest,
) -> Result<QueryModelsAllResponse, Refusal> {
    let page = request.pagination.clone().unwrap_or_default();
    if page.offset > 0 && !page.key.is_empty() {
        return Err(Refusal::invalid("either offset or key is expected, got both"));
    }
    let limit = match page.limit {
        0 => 100,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let mut ids = state.models.keys().collect::<Vec<_>>();
    if page.reverse {
        ids.reverse();
    }
    let start = if page.key.is_empty() {
        usize::try_from(page.offset).unwrap_or(usize::MAX)
    } else {
        ids.iter().position(|id| id.as_bytes() == page.key).unwrap_or(ids.len())
    };
    let shown = ids.iter().skip(start).take(limit);
    let next_key = start
        .checked_add(limit)
        .and_then(|next| ids.get(next))
        .map(|id| id.as_bytes().to_vec())
        .unwrap_or_default();
    let counted = page.count_total || page.limit == 0;
    Ok(QueryModelsAllResponse {
        model: shown.filter_map(|id| state.models.get(*id).cloned()).collect(),
        pagination: Some(PageResponse {
            next_key,
            total: if counted { ids.len() as u64 } else { 0 },
        }),
    })
}

fn node_info(chain: &Chain) -> GetNodeInfoResponse {
    GetNodeInfoResponse {
        default_node_info: Some(DefaultNodeInfo {
            network: chain.spec.chain_id.clone(),
            version: "0.38.21".to_owned(),
            moniker: "devnet".to_owned(),
        }),
        application_version: Some(VersionInfo {
            name: "inference".to_owned(),
            app_name: "inferenced".to_owned(),
            version: chain.spec.version.as_str().to_owned(),
            git_commit: String::new(),
            go_version: "go version go1.24.2 linux/amd64".to_owned(),
            cosmos_sdk_version: "v0.53.3".to_owned(),
        }),
    }
}
