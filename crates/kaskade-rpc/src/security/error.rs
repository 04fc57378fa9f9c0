use std::io;
use std::path::PathBuf;

use crate::error::{ErrorCode, RpcError};

/// Why a certificate, key or token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// A file cannot be read.
    #[error("could not read {path} ({source})")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// A secret is open to others on its machine.
    #[error(
        "{path} can be read by others (its mode is {mode:04o}): `chmod 600 {path}`, and replace \
         what is in it if others had the time to read it"
    )]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file of certificates or keys holds none, or a damaged one.
    #[error("{path} {reason}: it must hold {expected} in PEM")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; reads on from the path.
        reason: String,
        /// What it is for.
        expected: &'static str,
    },
    /// Certificate and key do not make an identity.
    #[error("{certificate} and {key} cannot be used together: {reason}")]
    Identity {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        reason: String,
    },
    /// A line of a token file is none.
    #[error("{path}:{line}: {reason}; `kaskade token` writes this file")]
    TokenLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file that must hold one token holds something else.
    #[error("{path} holds no token: `kaskade token create` makes one")]
    NoToken {
        /// The file.
        path: PathBuf,
    },
}

impl From<SecurityError> for RpcError {
    fn from(error: SecurityError) -> Self {
        let code = match &error {
            SecurityError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                ErrorCode::NotFound
            }
            SecurityError::Read { .. } | SecurityError::ReadableByOthers { .. } => {
                ErrorCode::PermissionDenied
            }
            _ => ErrorCode::InvalidArgument,
        };
        Self::new(code, error.to_string())
    }
}
