//! The distributed key generation that follows a formed epoch: typed events whose values are JSON,
//! one of them with the whole epoch's data, megabytes on mainnet (x/bls).

use std::fmt::Write as _;

use super::super::dice::Dice;
use super::super::event::{event, json_string};
use super::super::outcome::Event;
use super::super::spec::Spec;
use super::super::state::EpochGroups;

const SLOTS: u64 = 100;

pub(super) fn events(epoch: u64, groups: &EpochGroups, spec: &Spec) -> Vec<Event> {
    let participants = participants(groups);
    let started = event(
        "inference.bls.EventKeyGenerationInitiated",
        [
            ("epoch_id", json_string(&epoch.to_string())),
            ("i_total_slots", SLOTS.to_string()),
            ("participants", participants.clone()),
            ("t_slots_degree", (SLOTS / 2).to_string()),
        ],
    );
    let mut events = vec![started];
    if spec.dkg_event_bytes > 0 {
        let data = epoch_data(epoch, &participants, spec);
        events.push(event(
            "inference.bls.EventVerifyingPhaseStarted",
            [
                ("epoch_data", data),
                ("epoch_id", json_string(&epoch.to_string())),
                ("verifying_phase_deadline_block", json_string("0")),
            ],
        ));
    }
    events
}

fn participants(groups: &EpochGroups) -> String {
    let mut text = String::from("[");
    let members = &groups.root.validation_weights;
    let total = groups.root.total_weight.max(1);
    for (index, member) in members.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let percent = i128::from(member.weight) * 100 / i128::from(total);
        let _ = write!(
            text,
            "{separator}{{\"address\":\"{}\",\"percentage_weight\":\"{percent}.000000000000000000\",\"slot_end_index\":{index},\"slot_start_index\":{index}}}",
            member.member_address,
        );
    }
    text.push(']');
    text
}

/// `EpochBLSData` with dealer parts made up to the size that the spec asks for.
fn epoch_data(epoch: u64, participants: &str, spec: &Spec) -> String {
    use base64::Engine as _;
    let mut text = format!(
        "{{\"epoch_id\":\"{epoch}\",\"i_total_slots\":{SLOTS},\"participants\":{participants},\"dealer_parts\":["
    );
    let dice = Dice::new(spec.seed);
    let mut part = 0;
    while text.len() < spec.dkg_event_bytes {
        let bytes =
            dice.hash("dealer part", &[], &[i64::try_from(epoch).unwrap_or_default(), part]);
        let share = base64::engine::general_purpose::STANDARD.encode(bytes);
        let separator = if part == 0 { "" } else { "," };
        let _ = write!(text, "{separator}{{\"commitments\":[");
        for copy in 0..24 {
            let separator = if copy == 0 { "" } else { "," };
            let _ = write!(text, "{separator}\"{share}\"");
        }
        text.push_str("]}");
        part += 1;
    }
    text.push_str("]}");
    text
}
