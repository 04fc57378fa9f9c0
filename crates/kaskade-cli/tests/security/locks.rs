//! Who refuses to start, and says what to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::server::folder;
use super::{refusal, succeed};

#[test]
fn what_others_can_read_is_no_secret() {
    let folder = folder();
    let folder = folder.path();
    let mode = |file: &str, mode| {
        fs::set_permissions(folder.join(file), Permissions::from_mode(mode)).unwrap();
    };
    let coordinator = ["coordinator", "--graphs", "graphs", "--state", "state"];
    let with = |flags: &[&'static str]| [&coordinator[..], flags].concat();
    let tls = ["--tls-cert", "certs/server.pem", "--tls-key", "certs/server.key"];
    for (file, command) in [
        ("tokens", with(&["--tokens", "tokens"])),
        ("certs/server.key", with(&tls)),
        ("ann.token", vec!["list", "--token-file", "ann.token"]),
    ] {
        mode(file, 0o644);
        let said = refusal(folder, &command, 6);
        assert!(said.contains(&format!("{file} can be read by others")), "{said}");
        assert!(said.contains(&format!("`chmod 600 {file}`")), "{said}");
        mode(file, 0o600);
    }
    assert!(!folder.join("state").try_exists().unwrap(), "nothing is made by who refuses");
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = folder();
    let folder = folder.path();
    let coordinator = ["coordinator", "--graphs", "graphs", "--state", "state"];
    let refuse = |flags: &[&str], code, expected: &str| {
        let said = refusal(folder, &[&coordinator[..], flags].concat(), code);
        assert!(said.contains(expected), "{said}");
    };
    refuse(&["--tls-cert", "certs/server.pem"], 2, "--tls-key");
    let mixed = ["--tls-cert", "certs/server.pem", "--tls-key", "certs/client.key"];
    refuse(&mixed, 7, "cannot be used together");
    let no_key = ["--tls-cert", "certs/server.pem", "--tls-key", "tokens"];
    refuse(&no_key, 7, "tokens has no key that can be read");
    let no_certificate = ["--tls-cert", "tokens", "--tls-key", "certs/server.key"];
    refuse(&no_certificate, 7, "tokens has none: it must hold certificates in PEM");
    refuse(&["--tokens", "nowhere"], 4, "nowhere");
    refuse(&["--tokens", "certs/server.key"], 7, "certs/server.key:1: ");

    // Both locks, or none of others' networks.
    let tls = ["--tls-cert", "certs/server.pem", "--tls-key", "certs/server.key"];
    let open = ["--listen", "0.0.0.0:0"];
    refuse(&[&open[..], &tls].concat(), 6, "it lacks tokens");
    refuse(
        &[&open[..], &["--tokens", "tokens"]].concat(),
        6,
        "it lacks TLS (--tls-cert, --tls-key)",
    );
    let worker = ["worker", "--cache", "c", "--token-file", "w.token", "--listen", "0.0.0.0:0"];
    let said = refusal(folder, &worker, 6);
    assert!(said.contains("lacks TLS"), "{said}");
    let said = refusal(folder, &[&worker[..], &tls].concat(), 7);
    assert!(said.contains("--advertise HOST"), "{said}");
    // A token does not travel where others could read it.
    let far = ["list", "--token-file", "ann.token", "--coordinator", "http://192.0.2.1:7400"];
    let said = refusal(folder, &far, 6);
    assert!(said.contains("refused to show the token"), "{said}");
}

#[test]
fn certificates_and_tokens_are_made_for_their_owner() {
    let folder = folder();
    let folder = folder.path();
    let mode = |file: &str| folder.join(file).metadata().unwrap().permissions().mode() & 0o777;
    for key in ["ca", "server", "worker", "client"] {
        assert_eq!(mode(&format!("certs/{key}.key")), 0o600, "{key}");
    }
    for secret in ["tokens", "ann.token"] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    assert_eq!(mode("certs"), 0o700);
    // An authority is not replaced: what it signed would be worth nothing.
    let said = refusal(folder, &["cert", "init", "certs"], 6);
    assert!(said.contains("certs/ca.key"), "{said}");
    let issue = ["cert", "issue", "certs", "--name", "node-2", "--for", "worker"];
    let issued = succeed(folder, &[&issue[..], &["--host", "node-2.cluster"]].concat());
    assert!(issued.contains("node-2.cluster") && issued.contains("expires: "), "{issued}");
    assert_eq!(mode("certs/node-2.key"), 0o600);
    for name in ["ca", "../x", ""] {
        refusal(folder, &["cert", "issue", "certs", "--name", name, "--for", "client"], 7);
    }
    refusal(folder, &["cert", "init", "c2", "--host", "no host"], 7);

    let create = ["token", "create", "tokens", "--role", "viewer", "--user"];
    let shown = succeed(folder, &[&create[..], &["zoe"]].concat());
    assert!(shown.starts_with("kaskade_") && shown.len() == 8 + 64 + 1, "{shown}");
    let listed = succeed(folder, &["token", "list", "tokens"]);
    assert!(listed.contains("  zoe\n") && !listed.contains("kaskade_"), "{listed}");
    assert_eq!(succeed(folder, &["inspect", "tokens"]), listed);
    refusal(folder, &[&create[..], &["a b"]].concat(), 7);
    refusal(folder, &["token", "create", "tokens", "--role", "root", "--user", "x"], 2);
    refusal(folder, &["token", "revoke", "tokens", "00000000"], 4);
}
