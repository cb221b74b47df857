//! Which chains are played: every shipped story under every version, with several seeds.

use bootwatch_devnet::chain::{Spec, Story, Timing, Version};

const VERSIONS: [Version; 3] = [Version::V0_2_12, Version::V0_2_14, Version::V0_2_16];

/// Hosts of the default story; the others name theirs.
const HOSTS: usize = 14;

/// Stories that do not ship: all that can go wrong, and every threshold met exactly.
const STORM: &str = include_str!("storm.toml");
const EDGE: &str = include_str!("edge.toml");

/// Seeds of each story and version.
pub(crate) fn seeds() -> u64 {
    std::env::var("BOOTWATCH_ORACLE_SEEDS").map_or(5, |text| text.parse().unwrap())
}

/// Chains, each with the epoch through whose formation it is played.
pub(crate) fn specs(seeds: u64) -> Vec<(Spec, u64)> {
    let shipped = Story::shipped().into_iter().map(|(name, _)| Story::load(&name).unwrap());
    let own = [("storm", STORM), ("edge", EDGE)];
    let own = own.map(|(name, text)| Story::parse(name, text).unwrap());
    let mut specs = Vec::new();
    for story in shipped.chain(own) {
        // The scripted stories do much the same for every seed, and are over after five epochs.
        let (seeds, epochs) = match story.name.as_str() {
            "default" => (seeds, 8),
            "storm" => (seeds, 10),
            _ => (seeds.div_ceil(5), 5),
        };
        for version in VERSIONS {
            for seed in 0..seeds {
                let mut spec = Spec::new(seed, story.clone());
                if version == Version::V0_2_16 && story.name == "storm" {
                    spec.story = Story::parse("storm", &with_dynamic_coefficients()).unwrap();
                }
                spec.version = version;
                spec.timing = Timing::scaled(if seed % 2 == 0 { 32 } else { 40 });
                spec.hosts = (story.name == "default").then_some(HOSTS);
                spec.dkg_event_bytes = 0;
                spec.state_history = 2;
                specs.push((spec, epochs));
            }
        }
    }
    specs
}

/// From v0.2.16 a coefficient is the chain's own affair and always positive: no parameter holds
/// one that the rules could read, nor one that they would have to.
fn with_dynamic_coefficients() -> String {
    STORM.replace("coefficient = { value = -1, exponent = 0 }\n", "")
}
