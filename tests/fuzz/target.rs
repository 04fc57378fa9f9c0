//! The target of `kaskade_tests::fuzz_targets` that `KASKADE_FUZZ_TARGET` names, driven by
//! libFuzzer: see `scripts/fuzz.sh`.
#![no_main]

use std::sync::LazyLock;
use std::{env, panic};

use kaskade_tests::fuzz_targets::{self, Target};

/// What is fuzzed.
static TARGET: LazyLock<Target> = LazyLock::new(|| {
    // libFuzzer's hook ends the process; a panic that becomes an error is none to it.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !fuzz_targets::is_isolated() {
            hook(panic);
        }
    }));
    let name = env::var("KASKADE_FUZZ_TARGET").expect("KASKADE_FUZZ_TARGET names a target");
    fuzz_targets::target(&name).expect("KASKADE_FUZZ_TARGET names a target")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    (TARGET.run)(bytes);
});
