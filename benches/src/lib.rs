//! Package of benches.
