//! Certificates and tokens: what servers and clients show, and the commands that make them.

use std::path::{Path, PathBuf};

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};
use kaskade_rpc::security::tls::{ClientTls, IdentityFiles, ServerTls};
use kaskade_rpc::security::tokens::{Token, TokenFile, Tokens};
use kaskade_rpc::security::{ClientSecurity, Role, SecurityError, ServerSecurity};

/// Certificates.
#[derive(Clone, Debug, Args)]
pub(crate) struct TlsArgs {
    /// The own certificate, in PEM
    #[arg(long, env = "KASKADE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, which nobody else may read
    #[arg(long, env = "KASKADE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The authority that signed the certificates of the other side, which must show one
    #[arg(long, env = "KASKADE_TLS_CA", value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
}

impl TlsArgs {
    fn identity(&self) -> Option<IdentityFiles<'_>> {
        let (certificate, key) = (self.tls_cert.as_deref()?, self.tls_key.as_deref()?);
        Some(IdentityFiles { certificate, key })
    }

    /// What a server shows and asks for.
    fn of_server(&self) -> Result<Option<ServerTls>, SecurityError> {
        let load = |identity| ServerTls::load(identity, self.tls_ca.as_deref());
        self.identity().map(load).transpose()
    }

    /// What a client shows and trusts.
    pub(crate) fn of_client(&self) -> Result<Option<ClientTls>, SecurityError> {
        let load = |authority| ClientTls::load(authority, self.identity());
        self.tls_ca.as_deref().map(load).transpose()
    }
}

/// What a client shows a coordinator.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClientSecurityArgs {
    /// Certificates.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// The file with the own token, which nobody else may read
    #[arg(long, env = "KASKADE_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

impl ClientSecurityArgs {
    /// Every file that was named: its flag, its variable, its path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, &'static str, &Path)> {
        let Self { tls: TlsArgs { tls_cert, tls_key, tls_ca }, token_file } = self;
        let files = [
            ("--tls-cert", "KASKADE_TLS_CERT", tls_cert),
            ("--tls-key", "KASKADE_TLS_KEY", tls_key),
            ("--tls-ca", "KASKADE_TLS_CA", tls_ca),
            ("--token-file", "KASKADE_TOKEN_FILE", token_file),
        ];
        files
            .into_iter()
            .filter_map(|(flag, variable, path)| Some((flag, variable, path.as_deref()?)))
    }

    /// What is in the files.
    ///
    /// # Errors
    /// [`SecurityError`] names the file that cannot be used.
    pub(crate) fn load(&self) -> Result<ClientSecurity, SecurityError> {
        let token = self.token_file.as_deref().map(Token::read).transpose()?;
        Ok(ClientSecurity { tls: self.tls.of_client()?, token })
    }

    /// The same of a worker towards its peers: it asks for tokens of the table `tokens`, or,
    /// without one, for its own.
    ///
    /// # Errors
    /// [`SecurityError`] names the file that cannot be used.
    pub(crate) fn load_for_peers(
        &self,
        tokens: &TokensArgs,
    ) -> Result<ServerSecurity, SecurityError> {
        let table = tokens.load()?;
        let own = self.token_file.as_deref().map(Token::read).transpose()?;
        let tokens = table.or(own.map(Tokens::Own));
        Ok(ServerSecurity { tls: self.tls.of_server()?, tokens })
    }
}

/// Whose tokens a server takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokensArgs {
    /// The table of `kaskade token`: who may call what; read again when it changes
    #[arg(long, env = "KASKADE_TOKENS", value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
}

impl TokensArgs {
    pub(crate) fn load(&self) -> Result<Option<Tokens>, SecurityError> {
        self.tokens.as_deref().map(|path| TokenFile::open(path).map(Tokens::File)).transpose()
    }
}

/// What a coordinator shows and asks for.
#[derive(Clone, Debug, Args)]
pub(crate) struct ServerSecurityArgs {
    /// Certificates.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// Tokens.
    #[command(flatten)]
    pub(crate) tokens: TokensArgs,
}

impl ServerSecurityArgs {
    /// What is in the files.
    ///
    /// # Errors
    /// [`SecurityError`] names the file that cannot be used.
    pub(crate) fn load(&self) -> Result<ServerSecurity, SecurityError> {
        Ok(ServerSecurity { tls: self.tls.of_server()?, tokens: self.tokens.load()? })
    }
}

/// `kaskade cert …`.
#[derive(Debug, Subcommand)]
pub(crate) enum CertCommand {
    /// Make an authority, and a certificate each for the coordinator, workers and clients
    Init(CertInitArgs),
    /// Make one more certificate of an authority, or one anew
    Issue(CertIssueArgs),
}

/// The flags of `cert init`.
#[derive(Debug, Args)]
pub(crate) struct CertInitArgs {
    /// The folder to write: ca.pem, ca.key, and for server, worker and client NAME.pem, NAME.key
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Hosts and days.
    #[command(flatten)]
    pub(crate) scope: CertScopeArgs,
}

/// The flags of `cert issue`.
#[derive(Debug, Args)]
pub(crate) struct CertIssueArgs {
    /// The folder of `kaskade cert init`
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// What the files are called: NAME.pem and NAME.key
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// What it is for
    #[arg(long = "for", value_name = "USE")]
    pub(crate) purpose: CertPurpose,
    /// Hosts and days.
    #[command(flatten)]
    pub(crate) scope: CertScopeArgs,
}

/// For which hosts and how long certificates are good.
#[derive(Debug, Args)]
pub(crate) struct CertScopeArgs {
    /// A name or address under which the servers are reached, beside localhost and this
    /// machine's name; may be given several times
    #[arg(long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,
    /// Days until it ends
    #[arg(long, default_value_t = 365, value_parser = RangedU64ValueParser::<u32>::new().range(1..=3650))]
    pub(crate) days: u32,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CertPurpose {
    /// A coordinator
    Server,
    /// A worker, towards its peers and the coordinator
    Worker,
    /// A person
    Client,
}

/// `kaskade token …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and add it to a table
    Create(TokenCreateArgs),
    /// List the tokens of a table, without their secrets
    List(TokenListArgs),
    /// Remove a token from a table; servers notice within a second
    Revoke(TokenRevokeArgs),
}

/// The flags of `token create`.
#[derive(Debug, Args)]
pub(crate) struct TokenCreateArgs {
    /// The table, made if it is not there
    #[arg(value_name = "TABLE")]
    pub(crate) table: PathBuf,
    /// Whose it is, in the audit log and for quotas
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// What it is good for: viewer, submitter, admin or worker
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Role,
    /// Days until it ends
    #[arg(long, default_value_t = 90, value_parser = RangedU64ValueParser::<u32>::new().range(1..=3650))]
    pub(crate) days: u32,
    /// Write the token to this new file, for its holder alone, instead of printing it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// The flags of `token list`.
#[derive(Debug, Args)]
pub(crate) struct TokenListArgs {
    /// The table
    #[arg(value_name = "TABLE")]
    pub(crate) table: PathBuf,
}

/// The flags of `token revoke`.
#[derive(Debug, Args)]
pub(crate) struct TokenRevokeArgs {
    /// The table
    #[arg(value_name = "TABLE")]
    pub(crate) table: PathBuf,
    /// The token's id, as `kaskade token list` shows it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}
