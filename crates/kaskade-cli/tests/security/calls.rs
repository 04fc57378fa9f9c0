//! Every call of every service, by everybody who may not make it, on real servers.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use kaskade_rpc::security::role::{RPCS, Role};
use kaskade_rpc::security::tls::{ClientTls, IdentityFiles};
use kaskade_rpc::security::tokens::Token;
use kaskade_rpc::security::{ClientSecurity, role};
use tonic::Code;

use super::server::{
    LOCKS, Server, WORKER_LOCKS, as_client, folder, token, wait_for, wait_for_workers,
};
use super::wire::{call, connect};
use super::{kaskade, refusal, succeed};

/// A client with the certificate `name` and no token.
fn certified(folder: &Path, name: &str) -> ClientSecurity {
    let file = |name: &str| folder.join("certs").join(name);
    let (certificate, key) = (file(&format!("{name}.pem")), file(&format!("{name}.key")));
    let identity = IdentityFiles { certificate: &certificate, key: &key };
    let tls = ClientTls::load(&file("ca.pem"), Some(identity)).expect("certificates");
    ClientSecurity { tls: Some(tls), token: None }
}

/// Calls everything at `url` with every kind of header that must not do.
async fn try_all(folder: &Path, url: &str) {
    let tokens = Role::ALL.map(|role| {
        let user = match role {
            Role::Viewer => "eve",
            Role::Submitter => "ann",
            Role::Admin => "root",
            Role::Worker => "w",
        };
        (role, format!("Bearer {}", token(folder, user)))
    });
    let strangers = [
        None,
        Some(format!("Bearer {}", token(folder, "old"))),
        Some(format!("Bearer {}", Token::new([7; 32]).expose())),
        Some(format!("Basic {}", token(folder, "root"))),
        Some("Bearer".to_owned()),
    ];
    let (mut client, mut worker) = (None, None);
    for (path, roles) in RPCS {
        // The certificate that the call needs, so that the token alone decides.
        let name = if roles.contains(&Role::Worker) { "worker" } else { "client" };
        let kept = if name == "worker" { &mut worker } else { &mut client };
        if kept.is_none() {
            *kept = Some(connect(url, &certified(folder, name)).await);
        }
        let connection = kept.clone().expect("made above");
        for header in &strangers {
            let code = call(connection.clone(), path, header.as_deref(), Bytes::new()).await;
            assert_eq!(code, Code::Unauthenticated, "{path} with {header:?}");
        }
        for (role, header) in &tokens {
            let code = call(connection.clone(), path, Some(header), Bytes::new()).await;
            let is_refused = [Code::PermissionDenied, Code::Unauthenticated].contains(&code);
            assert_eq!(!is_refused, role::allowed(path).contains(role), "{path} as {role}: {code}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_open_to_who_may_not_make_it() {
    let folder = folder();
    let folder = folder.path();
    let mut coordinator = Server::coordinator(folder, &LOCKS, 1024);
    try_all(folder, &coordinator.url).await;
    coordinator.assert_sound();

    // A worker asks its peers by a table of its own, when it has one.
    let locks = [&WORKER_LOCKS[..], &["--tokens", "tokens"]].concat();
    let mut worker = Server::worker(folder, "w0", &coordinator.url, &locks);
    wait_for_workers(folder, &coordinator.url, 1);
    let list = [&["list", "--json"][..], &as_client(&coordinator.url, "eve.token")].concat();
    let listed: serde_json::Value = serde_json::from_str(&succeed(folder, &list)).unwrap();
    let exchange = listed["worker_list"][0]["address"].as_str().unwrap().to_owned();
    assert!(exchange.starts_with("https://127.0.0.1:"), "{exchange}");
    let path = "/kaskade.v1.Exchange/Exchange";
    let security = certified(folder, "worker");
    for (user, expected) in [
        ("w", Code::Unimplemented),
        ("ann", Code::PermissionDenied),
        ("root", Code::PermissionDenied),
        ("old", Code::Unauthenticated),
    ] {
        let header = format!("Bearer {}", token(folder, user));
        let connection = connect(&exchange, &security).await;
        let code = call(connection, path, Some(&header), Bytes::new()).await;
        // An empty message is no hello.
        let expected = if user == "w" { Code::InvalidArgument } else { expected };
        assert_eq!(code, expected, "{user}");
    }
    let connection = connect(&exchange, &security).await;
    assert_eq!(call(connection, path, None, Bytes::new()).await, Code::Unauthenticated);
    worker.assert_sound();
}

#[test]
fn a_certificate_is_good_for_what_it_says() {
    let folder = folder();
    let folder = folder.path();
    let mut coordinator = Server::coordinator(folder, &LOCKS, 1024);
    let url = coordinator.url.clone();
    let as_other = |certificate: &str, authority: &str| {
        let (pem, key) = (format!("{certificate}.pem"), format!("{certificate}.key"));
        let flags = ["list", "--coordinator", &url, "--tls-ca", authority, "--tls-cert", &pem];
        kaskade(folder, &[&flags[..], &["--tls-key", &key, "--token-file", "eve.token"]].concat())
    };
    assert_eq!(as_other("certs/client", "certs/ca.pem").status.code(), Some(0));
    let as_worker = as_other("certs/worker", "certs/ca.pem");
    assert_eq!(as_worker.status.code(), Some(6), "a worker's certificate is no person's");
    let as_server = as_other("certs/server", "certs/ca.pem");
    assert_eq!(as_server.status.code(), Some(5), "a server's certificate is no client's");

    succeed(folder, &["cert", "init", "others"]);
    assert_eq!(as_other("others/client", "certs/ca.pem").status.code(), Some(5));
    let untrusted = as_other("certs/client", "others/ca.pem");
    assert_eq!(untrusted.status.code(), Some(6));
    let said = String::from_utf8_lossy(&untrusted.stderr).into_owned();
    assert!(said.contains("--tls-ca must name the authority"), "{said}");

    // Without a certificate, and without TLS.
    let base = ["list", "--token-file", "eve.token", "--tls-ca", "certs/ca.pem"];
    let said = refusal(folder, &[&base[..], &["--coordinator", &url]].concat(), 5);
    assert!(said.contains("asks for --tls-cert"), "{said}");
    let plain = format!("http://{}", coordinator.place());
    let said = refusal(folder, &[&base[..], &["--coordinator", &plain]].concat(), 5);
    assert!(said.contains("https://"), "{said}");
    // One in ten seconds, whatever came.
    let refused = coordinator.log().matches("a connection was refused").count();
    assert!((1..=4).contains(&refused), "now and then: {}", coordinator.log());

    // A host that the certificate does not name.
    succeed(folder, &["cert", "issue", "certs", "--name", "server", "--for", "client"]);
    drop(coordinator);
    coordinator = Server::coordinator(folder, &LOCKS, 1024);
    let list = [&["list"][..], &as_client(&coordinator.url, "eve.token")].concat();
    refusal(folder, &list, 6);
    coordinator.assert_sound();
}

#[test]
fn a_locked_cluster_works_and_knows_its_users() {
    let folder = folder();
    let folder = folder.path();
    let graph = ["generate", "rmat", "--scale", "10", "--edge-factor", "8", "--out", "pushed.kg"];
    succeed(folder, &graph);
    let job = ["--seeds", "top-degree:20", "--simulations", "300", "--json"];
    let expected = succeed(folder, &[&["run", "--graph", "pushed.kg"][..], &job].concat());
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();

    let quota = ["--user-jobs", "2", "--job-simulations", "50000000"];
    let coordinator = Server::coordinator(folder, &[&LOCKS[..], &quota].concat(), 1024);
    let _workers =
        ["w0", "w1"].map(|name| Server::worker(folder, name, &coordinator.url, &WORKER_LOCKS));
    let url = coordinator.url.clone();
    wait_for_workers(folder, &url, 2);
    let client = |user: &str, words: &[&str]| {
        let token_file = format!("{user}.token");
        let flags = as_client(&url, &token_file);
        let output = kaskade(folder, &[words, &flags].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), said)
    };
    assert_eq!(client("ann", &["graph", "push", "pushed.kg"]).0, 6, "only an admin may");
    assert_eq!(client("root", &["graph", "push", "pushed.kg"]).0, 0);

    let submit = ["submit", "--graph", "pushed", "--wait", "--id", "j"];
    let submit = [&submit[..], &["--placement", "partition"], &job].concat();
    let (code, summary, said) = client("ann", &submit);
    assert_eq!(code, 0, "{said}");
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["digest"], expected["digest"], "locks change nothing");
    assert!(summary["performance"]["bytes_exchanged"].as_u64().unwrap() > 0, "{summary}");
    assert_eq!(client("eve", &submit).0, 6, "a viewer submits nothing");

    // Two jobs a user, and each user's own.
    let long = ["submit", "--graph", "pushed", "--seeds", "top-degree:20"];
    let long = [&long[..], &["--simulations", "50000000", "--id"]].concat();
    let larger = ["--simulations", "50000001"];
    let (code, _, said) = client("ann", &[&long[..], &["a0"], &larger].concat());
    assert_eq!((code, said.contains("--first-simulation")), (9, true), "{said}");
    for id in ["a1", "a2"] {
        let (code, _, said) = client("ann", &[&long[..], &[id]].concat());
        let flags = as_client(&url, "ann.token").join(" ");
        assert_eq!(code, 0, "{said}");
        // What is to be typed next works as it stands there.
        let watch = said.lines().find(|line| line.contains(&format!("kaskade watch {id} ")));
        let watch = watch.unwrap_or_default();
        assert!(flags.split(' ').all(|word| watch.contains(word)), "{flags} in {said}");
    }
    let (code, _, said) = client("ann", &[&long[..], &["a3"]].concat());
    assert_eq!(code, 9, "{said}");
    assert!(said.contains("ann has 2 jobs queued or running, of 2: wait until"), "{said}");
    assert_eq!(client("bob", &[&long[..], &["b1"]].concat()).0, 0, "one user's are not another's");
    let (code, _, said) = client("bob", &["cancel", "a2"]);
    assert_eq!((code, said.contains("job a2 belongs to ann")), (6, true), "{said}");
    assert_eq!(client("ann", &["cancel", "a2"]).0, 0);
    assert_eq!(client("root", &["cancel", "b1"]).0, 0);
    assert_eq!(client("root", &["cancel", "a1"]).0, 0);

    // What was done, and by whom.
    let audit = fs::read_to_string(folder.join("state/audit.jsonl")).unwrap();
    let actions: Vec<serde_json::Value> =
        audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (user, rpc, job, outcome) in [
        ("ann", "Jobs/Submit", Some("j"), "ok"),
        ("eve", "Jobs/Submit", None, "permission_denied"),
        ("ann", "Jobs/Submit", Some("a3"), "resource_exhausted"),
        ("bob", "Jobs/Cancel", Some("a2"), "permission_denied"),
        ("root", "Jobs/Cancel", Some("b1"), "ok"),
        ("w", "Control/Session", None, "ok"),
    ] {
        let is_it = |action: &&serde_json::Value| {
            action["user"] == user
                && action["rpc"] == rpc
                && action["job"].as_str() == job
                && action["outcome"] == outcome
        };
        assert_eq!(actions.iter().filter(is_it).count().min(1), 1, "{user} {rpc} in {audit}");
    }

    // What is revoked ends.
    let table = succeed(folder, &["token", "list", "tokens"]);
    let row = table.lines().find(|row| row.ends_with("  bob")).unwrap();
    assert_eq!(client("bob", &["list"]).0, 0);
    succeed(folder, &["token", "revoke", "tokens", row.split(' ').next().unwrap()]);
    wait_for("the token to end", || (client("bob", &["list"]).0 == 6).then_some(()));
    assert_eq!(client("ann", &["list"]).0, 0);
}
