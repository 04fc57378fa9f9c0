//! What the test targets of this package share with the fuzzer in `tests/fuzz`.

pub mod fuzz_targets;
