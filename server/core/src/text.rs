//! Documents and snapshots.
