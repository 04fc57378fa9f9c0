//! `kaskade cert`: an authority, and what it signs.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kaskade_model::ids::is_plain_name;
use kaskade_rpc::machine;
use kaskade_rpc::security::secret;
use kaskade_rpc::security::tls::{CertificateUse, is_host};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use serde::Serialize;

use crate::args::security::{CertInitArgs, CertIssueArgs, CertPurpose, CertScopeArgs};
use crate::clock::{self, Moment};
use crate::console::Console;
use crate::error::CliError;

/// The authority's certificate and key.
const AUTHORITY: &str = "ca";

/// How long an authority lasts.
const AUTHORITY_DAYS: u32 = 3650;

/// How far clocks of a cluster may be behind.
const CLOCK_SLACK: Duration = Duration::from_secs(3600);

/// Makes an authority, and a certificate for each kind of process.
pub(super) fn init(args: &CertInitArgs, console: &Console) -> Result<(), CliError> {
    let hosts = hosts(&args.scope)?;
    let dir = args.dir.as_path();
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(CliError::write_file(dir))?;
    let key = KeyPair::generate()?;
    let certificate = lasting(AUTHORITY_DAYS, authority()).self_signed(&key)?;
    let key_path = path(dir, AUTHORITY, "key");
    // Not over another: certificates of that one would be worth nothing.
    secret::create(&key_path, &key.serialize_pem()).map_err(CliError::write_file(&key_path))?;
    write_certificate(dir, AUTHORITY, &certificate.pem())?;
    let issuer = Issuer::new(authority(), key);
    let mut names = vec![AUTHORITY];
    for (name, purpose) in [
        ("server", CertPurpose::Server),
        ("worker", CertPurpose::Worker),
        ("client", CertPurpose::Client),
    ] {
        issue_one(dir, name, purpose, &hosts, args.scope.days, &issuer)?;
        names.push(name);
    }
    report(dir, &names, hosts, args.scope.days, console)
}

/// Makes one certificate of an authority, in the place of an earlier one of the same name.
pub(super) fn issue(args: &CertIssueArgs, console: &Console) -> Result<(), CliError> {
    let hosts = hosts(&args.scope)?;
    if !is_plain_name(&args.name) || args.name == AUTHORITY {
        let reason =
            format!("{:?} is no name for a certificate: use letters, digits, - and _", args.name);
        return Err(CliError::Flag { flag: "--name".to_owned(), reason });
    }
    let key = KeyPair::from_pem(&secret::read(&path(&args.dir, AUTHORITY, "key"))?)?;
    let issuer = Issuer::new(authority(), key);
    issue_one(&args.dir, &args.name, args.purpose, &hosts, args.scope.days, &issuer)?;
    report(&args.dir, &[&args.name], hosts, args.scope.days, console)
}

fn issue_one(
    dir: &Path,
    name: &str,
    purpose: CertPurpose,
    hosts: &[String],
    days: u32,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(), CliError> {
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let (usages, own_use): (&[_], _) = match purpose {
        CertPurpose::Server => (&[ServerAuth], None),
        CertPurpose::Worker => (&[ServerAuth, ClientAuth], Some(CertificateUse::Worker)),
        CertPurpose::Client => (&[ClientAuth], Some(CertificateUse::Client)),
    };
    // A person has no host.
    let hosts = if purpose == CertPurpose::Client { &[] } else { hosts };
    let own_use = own_use.map(|own_use| own_use.dns_name().to_owned());
    let names: Vec<String> = hosts.iter().cloned().chain(own_use).collect();
    let mut wanted = lasting(days, CertificateParams::new(names)?);
    wanted.distinguished_name = distinguished_name(&format!("kaskade {name}"));
    wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    wanted.extended_key_usages = usages.to_vec();
    wanted.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = wanted.signed_by(&key, issuer)?;
    let key_path = path(dir, name, "key");
    secret::replace(&key_path, &key.serialize_pem()).map_err(CliError::write_file(&key_path))?;
    write_certificate(dir, name, &certificate.pem())
}

/// The authority, always the same but for its key and its days.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name("kaskade authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// `params` of a certificate that is good from now on.
fn lasting(days: u32, mut params: CertificateParams) -> CertificateParams {
    let now = SystemTime::now();
    params.not_before = (now - CLOCK_SLACK).into();
    params.not_after = (now + clock::days(days)).into();
    params
}

fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// Every name under which servers are reached.
fn hosts(scope: &CertScopeArgs) -> Result<Vec<String>, CliError> {
    let mut hosts = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    hosts.extend(machine::host_name().filter(|name| is_host(name)));
    for host in &scope.hosts {
        if !is_host(host) {
            let reason = format!("{host:?} is no name and no address of a host");
            return Err(CliError::Flag { flag: "--host".to_owned(), reason });
        }
        hosts.push(host.clone());
    }
    hosts.sort();
    hosts.dedup();
    Ok(hosts)
}

fn path(dir: &Path, name: &str, ending: &str) -> PathBuf {
    dir.join(format!("{name}.{ending}"))
}

fn write_certificate(dir: &Path, name: &str, pem: &str) -> Result<(), CliError> {
    let path = path(dir, name, "pem");
    fs::write(&path, pem).map_err(CliError::write_file(&path))
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Issued {
    files: Vec<PathBuf>,
    hosts: Vec<String>,
    expires: String,
}

fn report(
    dir: &Path,
    names: &[&str],
    hosts: Vec<String>,
    days: u32,
    console: &Console,
) -> Result<(), CliError> {
    let of = |name: &&str| [path(dir, name, "pem"), path(dir, name, "key")];
    let files = names.iter().flat_map(of).collect();
    let expires = Moment::now().later(clock::days(days)).to_rfc3339();
    let issued = Issued { files, hosts, expires };
    console.result(&issued, || {
        let Issued { files, hosts, expires } = &issued;
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let (names, hosts) = (names.join(" "), hosts.join(" "));
        format!("wrote {names}\nhosts: {hosts}\nexpires: {expires}\n")
    })?;
    if names.contains(&AUTHORITY) {
        let key = path(dir, AUTHORITY, "key");
        console.note(&format!("keep {} where no server is: it signs all others", key.display()));
    }
    Ok(())
}
