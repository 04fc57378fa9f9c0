//! Who may talk to whom: equal versions only.
//!
//! Checked by the conversions of the first message of every conversation (submit, push,
//! register, hello), so that no service can forget it.

use kaskade_model::coin::COIN_VERSION;

/// The version of the messages and of their order. Any change raises it.
pub const PROTOCOL_VERSION: u32 = 2;

/// The release that this code belongs to, for people.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The other side speaks another version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{they} has {what} version {theirs}, this {us} (kaskade {RELEASE}) has {what} version {ours}: \
     run the same release on both sides"
)]
pub struct VersionMismatch {
    /// Which version: `protocol` or `coin`.
    pub what: &'static str,
    /// The side that runs this code: `coordinator` or `worker`.
    pub us: &'static str,
    /// Its version.
    pub ours: u32,
    /// The other side, as people know it.
    pub they: String,
    /// Its version.
    pub theirs: u32,
}

/// Whether `they` speak the protocol of `us`.
///
/// # Errors
/// [`VersionMismatch`] when they do not.
pub fn check_protocol(
    us: &'static str,
    they: impl Into<String>,
    theirs: u32,
) -> Result<(), VersionMismatch> {
    check("protocol", us, PROTOCOL_VERSION, they.into(), theirs)
}

/// Whether the coins of `they` are those of `us`; else a job that both work on would mix results.
///
/// # Errors
/// [`VersionMismatch`] when they are not.
pub fn check_coins(
    us: &'static str,
    they: impl Into<String>,
    theirs: u32,
) -> Result<(), VersionMismatch> {
    check("coin", us, COIN_VERSION, they.into(), theirs)
}

fn check(
    what: &'static str,
    us: &'static str,
    ours: u32,
    they: String,
    theirs: u32,
) -> Result<(), VersionMismatch> {
    if ours == theirs { Ok(()) } else { Err(VersionMismatch { what, us, ours, they, theirs }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_names_both_sides_and_the_next_step() {
        check_protocol("coordinator", "the client", PROTOCOL_VERSION).unwrap();
        let error = check_protocol("coordinator", "the client", 7).unwrap_err();
        let text = format!(
            "the client has protocol version 7, this coordinator (kaskade {RELEASE}) has protocol \
             version {PROTOCOL_VERSION}: run the same release on both sides"
        );
        assert_eq!(error.to_string(), text);
        assert!(check_coins("coordinator", "worker a", COIN_VERSION + 1).is_err());
    }
}
