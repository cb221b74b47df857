//! What is the same in every run: the build, and what the system says of this process.

use prometheus::{IntGaugeVec, Opts, Registry, process_collector::ProcessCollector};

/// Registers `process_*` under the standard names and the build.
pub(super) fn register(registry: &Registry) {
    registry
        .register(Box::new(ProcessCollector::for_self()))
        .expect("nothing else has the names process_*");
    let build = IntGaugeVec::new(
        Opts::new("bootwatch_build_info", "The running version of Bootwatch; always 1."),
        &["version"],
    )
    .expect("names and labels of metrics are valid literals");
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    registry.register(Box::new(build)).expect("names of metrics are distinct literals");
}
