//! What ours cannot do yet. A case that names one of these runs against mosquitto's tools only;
//! whoever builds the feature takes its name off this list.

/// The features that are still missing.
const NOT_YET: &[&str] = &[];

/// Whether the tools under test are ours and lack this.
pub(crate) fn not_yet(feature: &str) -> bool {
    !harness::original_under_test() && NOT_YET.contains(&feature)
}
