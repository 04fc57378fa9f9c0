//! Bearer tokens: 256 random bits that say who somebody is.
//!
//! A server keeps no token, only the hash of each: whoever reads its table can call nothing.
//! As a token is random, the hash needs no salt and no stretching.

mod file;
mod table;

use std::fmt;
use std::path::Path;

pub use file::TokenFile;
pub use table::{TokenRow, TokenTable};

use super::{Role, SecurityError, secret};

/// What every token begins with, so that one is known where it should not be.
const PREFIX: &str = "kaskade_";

/// A token, as its holder has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token of 256 random bits.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{PREFIX}{digits}"))
    }

    /// The token in the file at `path`, which nobody else may read.
    ///
    /// # Errors
    /// [`SecurityError`] when the file is open to others or holds something else.
    pub fn read(path: &Path) -> Result<Self, SecurityError> {
        let text = secret::read(path)?;
        let is_token = |text: &str| {
            let digits = text.strip_prefix(PREFIX)?.as_bytes();
            (digits.len() == 64 && digits.iter().all(u8::is_ascii_hexdigit)).then_some(())
        };
        let token = text.trim();
        is_token(token).ok_or_else(|| SecurityError::NoToken { path: path.to_owned() })?;
        Ok(Self(token.to_owned()))
    }

    /// Its text, for its holder.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Without the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Whose tokens a server takes.
#[derive(Clone, Debug)]
pub enum Tokens {
    /// Those of a table.
    File(TokenFile),
    /// The one that a worker has itself: workers of one cluster may share one.
    Own(Token),
}

/// Whose token it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The user.
    pub user: String,
    /// What it may do.
    pub role: Role,
}

/// Why a token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is none.
    #[error("this server asks for a token: pass --token-file FILE or set KASKADE_TOKEN_FILE")]
    Missing,
    /// It is not in the table.
    #[error("the token is not known here: it was revoked, or it is for another cluster")]
    Unknown,
    /// Its time is over.
    #[error("the token has expired: ask an admin of the coordinator for a new one")]
    Expired,
    /// The table cannot be read at the moment.
    #[error("the server cannot read its tokens at the moment: its log says why")]
    NoTable,
}

impl Tokens {
    /// Whose token `presented` is, `seconds` after the beginning of 1970.
    pub(crate) fn holder(&self, presented: &str, seconds: u64) -> Result<Holder, Refusal> {
        match self {
            Self::File(file) => file.holder(presented, seconds),
            Self::Own(own)
                if blake3::hash(own.0.as_bytes()) == blake3::hash(presented.as_bytes()) =>
            {
                Ok(Holder { user: "worker".to_owned(), role: Role::Worker })
            }
            Self::Own(_) => Err(Refusal::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_never_shown() {
        let token = Token::new([0xa5; 32]);
        assert_eq!(token.expose(), format!("kaskade_{}", "a5".repeat(32)));
        assert_eq!(format!("{token:?}"), "Token(…)");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        secret::create(&path, &format!("{}\n", token.expose())).unwrap();
        assert_eq!(Token::read(&path).unwrap(), token);
        let other = folder.path().join("other");
        secret::create(&other, "kaskade_12").unwrap();
        assert!(matches!(Token::read(&other), Err(SecurityError::NoToken { .. })));
    }

    #[test]
    fn a_worker_takes_its_own_token_from_its_peers() {
        let own = Token::new([1; 32]);
        let tokens = Tokens::Own(own.clone());
        assert_eq!(tokens.holder(own.expose(), 0).unwrap().role, Role::Worker);
        let other = Token::new([2; 32]);
        assert_eq!(tokens.holder(other.expose(), 0), Err(Refusal::Unknown));
    }
}
