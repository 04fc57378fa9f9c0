//! What a server with locks shows of itself, and to whom.

use std::process::Command;

use bytes::Bytes;
use kaskade_rpc::security::ClientSecurity;
use kaskade_rpc::security::role::OPEN;
use kaskade_testkit::process_cluster::free_port;
use tonic::Code;

use super::server::{LOCKS, Server, WORKER_LOCKS, folder, token, wait_for_workers};
use super::wire::{ask, call, connect};
use super::{kaskade, succeed};

const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

#[tokio::test(flavor = "multi_thread")]
async fn health_is_for_all_and_reflection_for_those_who_may_look() {
    let folder = folder();
    let folder = folder.path();
    let mut server = Server::coordinator(folder, &["--tokens", "tokens"], 1024);
    let connection = connect(&server.url, &ClientSecurity::default()).await;
    for path in OPEN {
        for header in [None, Some("Bearer nobody"), Some("Basic nobody")] {
            let code = call(connection.clone(), path, header, Bytes::new()).await;
            assert_eq!(code, Code::Ok, "{path} with {header:?}");
        }
    }
    let url = server.url.clone();
    super::server::wait_for("the coordinator to serve", || {
        let probe = kaskade(folder, &["probe", &url, "--ready-for", "jobs"]);
        probe.status.success().then_some(())
    });

    // `list_services`, an empty text in field 7.
    let list = Bytes::from_static(&[0x3a, 0]);
    for user in ["eve", "ann", "root"] {
        let header = format!("Bearer {}", token(folder, user));
        let connection = connect(&server.url, &ClientSecurity::default()).await;
        let listed = ask(connection, REFLECTION, &header, list.clone()).await.expect("services");
        let listed = String::from_utf8_lossy(&listed).into_owned();
        for service in ["kaskade.v1.Jobs", "kaskade.v1.Control", "grpc.health.v1.Health"] {
            assert!(listed.contains(service), "{service} for {user} in {listed:?}");
        }
        assert!(!listed.contains("kaskade.v1.Exchange"), "workers serve that: {listed:?}");
    }
    let as_worker = format!("Bearer {}", token(folder, "w"));
    let refused = ask(connection.clone(), REFLECTION, &as_worker, list.clone()).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let refused = call(connection, REFLECTION, None, list).await;
    assert_eq!(refused, Code::Unauthenticated);
    server.assert_sound();
}

/// What `curl` gets of `url`: the status, and the page.
fn get(folder: &std::path::Path, url: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "30", "--write-out", "\n%{http_code}", url])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("curl is there");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (page, status) = text.rsplit_once('\n').expect("a status");
    (status.to_owned(), page.to_owned())
}

#[test]
fn metrics_have_the_same_locks() {
    let folder = folder();
    let folder = folder.path();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let arguments = [&LOCKS[..], &["--metrics", &address]].concat();
    let mut server = Server::coordinator(folder, &arguments, 1024);
    let url = format!("https://{address}/metrics");
    let certificates = ["--cacert", "certs/ca.pem", "--cert", "certs/client.pem"];
    let certificates = [&certificates[..], &["--key", "certs/client.key"]].concat();
    let with = |user: &str, url: &str| {
        let header = format!("Authorization: Bearer {}", token(folder, user));
        get(folder, url, &[&certificates[..], &["--header", &header]].concat())
    };
    for user in ["eve", "ann", "root", "w"] {
        let (status, page) = with(user, &url);
        assert_eq!((status.as_str(), page.ends_with("# EOF\n")), ("200", true), "{user}: {page}");
        assert!(!page.contains("user"), "no label names one: {page}");
    }
    assert_eq!(with("old", &url).0, "401");
    assert_eq!(get(folder, &url, &certificates).0, "401");
    assert_eq!(get(folder, &url, &["--cacert", "certs/ca.pem"]).0, "000", "no certificate");
    assert_eq!(get(folder, &url.replace("https", "http"), &[]).0, "000", "no TLS");
    assert_eq!(with("root", &format!("https://{address}/")).0, "404");
    let post = [&certificates[..], &["--request", "POST"]].concat();
    let header = format!("Authorization: Bearer {}", token(folder, "root"));
    assert_eq!(get(folder, &url, &[&post[..], &["--header", &header]].concat()).0, "405");
    server.assert_sound();

    // And on anything but loopback there are none without.
    let open = ["coordinator", "--graphs", "graphs", "--state", "other", "--listen"];
    let open = [&open[..], &["127.0.0.1:0", "--metrics", "0.0.0.0:0"]].concat();
    let refused = kaskade(folder, &open);
    assert_eq!(refused.status.code(), Some(6), "{refused:?}");
}

#[test]
fn a_probe_needs_no_token_but_the_certificates() {
    let folder = folder();
    let folder = folder.path();
    let coordinator = Server::coordinator(folder, &LOCKS, 1024);
    let listen = format!("127.0.0.1:{}", free_port());
    let locks = [&WORKER_LOCKS[..], &["--listen", &listen]].concat();
    let _worker = Server::worker(folder, "w0", &coordinator.url, &locks);
    wait_for_workers(folder, &coordinator.url, 1);
    let certificates = ["--tls-ca", "certs/ca.pem", "--tls-cert", "certs/client.pem"];
    let certificates = [&certificates[..], &["--tls-key", "certs/client.key"]].concat();
    let probe = |url: &str, what: &str| {
        let probe = [&["probe", url, "--ready-for", what][..], &certificates].concat();
        kaskade(folder, &probe).status.code()
    };
    let worker = format!("https://{listen}");
    super::server::wait_for("both to serve", || {
        let both = (probe(&coordinator.url, "jobs"), probe(&worker, "exchange"));
        (both == (Some(0), Some(0))).then_some(())
    });
    assert_eq!(probe("https://127.0.0.1:1", "jobs"), Some(5));
    assert!(!coordinator.log().contains("was refused"), "{}", coordinator.log());
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let folder = folder();
    let folder = folder.path();
    let graph = ["generate", "rmat", "--scale", "6", "--edge-factor", "4", "--out", "graphs/g.kg"];
    succeed(folder, &graph);
    let coordinator = Server::coordinator(folder, &LOCKS, 1024);
    let flags = super::server::as_client(&coordinator.url, "eve.token");
    let all = [&["doctor", "--json", "--state", "state", "--graphs", "graphs"][..], &flags];
    let all = [&all.concat()[..], &["--tokens", "tokens"]].concat();
    let examine = |arguments: &[&str]| {
        let output = kaskade(folder, arguments);
        let report: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (output.status.code(), report)
    };
    let state_of = |report: &serde_json::Value, name: &str| {
        let checks = report["checks"].as_array().expect("checks");
        let check = checks.iter().find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("no {name} in {report}"))["state"].clone()
    };
    let (code, report) = examine(&all);
    assert_eq!((code, &report["ok"]), (Some(0), &true.into()), "{report}");
    for name in ["graph g", "state", "certificate", "own secrets", "token table", "clock"] {
        assert_eq!(state_of(&report, name), "ok", "{report}");
    }
    assert_eq!(state_of(&report, "coordinator"), "warning", "no worker is there: {report}");

    // A shard cut short, a secret that others may read, a port in use, nobody at home.
    let shard = std::fs::read_dir(folder.join("graphs/g.kg")).unwrap();
    let shard = shard.filter_map(|entry| Some(entry.ok()?.path()));
    let shard = shard.max_by_key(|path| path.metadata().map_or(0, |m| m.len())).unwrap();
    let length = shard.metadata().unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&shard).unwrap().set_len(length / 2).unwrap();
    use std::os::unix::fs::PermissionsExt;
    let token = folder.join("eve.token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let nowhere = format!("https://127.0.0.1:{}", free_port());
    let (code, report) =
        examine(&[&all[..], &["--listen", &taken, "--coordinator", &nowhere]].concat());
    assert_eq!((code, &report["ok"]), (Some(1), &false.into()), "{report}");
    for name in ["graph g", "own secrets", "coordinator"] {
        assert_eq!(state_of(&report, name), "failed", "{report}");
    }
    let checks = report["checks"].as_array().unwrap();
    let failed = checks.iter().filter(|check| check["state"] == "failed");
    assert!(failed.clone().all(|check| check["advice"].is_string()), "{report}");
}
