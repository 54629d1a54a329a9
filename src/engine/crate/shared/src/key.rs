//! The key that says which compiled files an engine can load on this machine.

use crate::settings::{Profile, version};
use sha2::{Digest, Sha256};

/// The features of x86-64 that Cranelift makes use of when it compiles for the machine it runs on.
#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    macro_rules! detected {
        ($($name:tt),*) => { [$((std::is_x86_feature_detected!($name), $name)),*] };
    }
    let all = detected!(
        "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b", "avx", "avx2", "fma", "bmi1", "bmi2", "lzcnt",
        "avx512f", "avx512dq", "avx512vl", "avx512vbmi", "avx512bitalg"
    );
    all.iter().filter(|feature| feature.0).map(|feature| feature.1).collect()
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<&'static str> {
    macro_rules! detected {
        ($($name:tt),*) => { [$((std::arch::is_aarch64_feature_detected!($name), $name)),*] };
    }
    let all = detected!("lse", "paca", "fp16");
    all.iter().filter(|feature| feature.0).map(|feature| feature.1).collect()
}

/// Two engines with the same key load each other's files. Wasmtime checks the same again when it loads a file; the
/// key exists so that a cache can be asked without opening files.
pub fn compatibility_key(profile: Profile) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(version());
    hash.update(match profile {
        Profile::Handler => "\nhandler\n",
        Profile::CheckedHandler => "\nchecked handler\n",
        Profile::Program => "\nprogram\n",
        Profile::AsyncHandler => "\nasynchronous handler\n",
        Profile::CheckedAsyncHandler => "\nchecked asynchronous handler\n",
    });
    hash.update(std::env::consts::ARCH);
    for feature in cpu_features() {
        hash.update("\n");
        hash.update(feature);
    }
    hash.finalize().into()
}
