//! Many users at once, one of whom wants everything (B13).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tonic::Code;

use super::abuse::submit_request;
use super::server::{Server, folder, token};
use super::wire::{call, connect};
use super::{is_full, succeed};
use kaskade_rpc::security::ClientSecurity;

/// Users take turns whatever the order in which they came: at any time those who still wait have
/// had as many jobs as each other, but for one.
#[tokio::test(flavor = "multi_thread")]
async fn each_user_has_a_fair_share() {
    let folder = folder();
    let folder = folder.path();
    let (n_users, n_each) = if is_full() { (10, 100) } else { (3, 6) };
    let graph = ["generate", "rmat", "--scale", "8", "--edge-factor", "4", "--out", "graphs/g.kg"];
    succeed(folder, &graph);
    let mut arguments = vec!["--tokens", "tokens", "--no-workers-grace", "3600"];
    arguments.extend(["--user-jobs", "1000"]);
    let mut server = Server::coordinator(folder, &arguments, 1024);
    let spec = r#"{"version":1,"graph":{"name":"g"},"model":{"kind":"independent-cascade","probability":0.1},"seeds":{"random":1},"run":{"simulations":10}}"#;
    // One user after another, and each all at once: the worst order for the last.
    for user in 0..n_users {
        let user = format!("u{user}");
        let out = format!("{user}.token");
        let create = ["token", "create", "tokens", "--role", "submitter", "--user", &user];
        succeed(folder, &[&create[..], &["--out", &out]].concat());
        let token = format!("Bearer {}", token(folder, &user));
        let connection = connect(&server.url, &ClientSecurity::default()).await;
        super::server::wait_for_token(connection.clone(), &token).await;
        let mut calls = tokio::task::JoinSet::new();
        for job in 0..n_each {
            let (connection, token) = (connection.clone(), token.clone());
            let message = submit_request(&format!("{user}-{job}"), spec.as_bytes());
            calls.spawn(async move {
                call(connection, "/kaskade.v1.Jobs/Submit", Some(&token), message).await
            });
        }
        let codes = calls.join_all().await;
        assert!(codes.iter().all(|code| *code == Code::Ok), "{codes:?}");
    }
    let _worker = Server::worker(folder, "w0", &server.url, &["--token-file", "w.token"]);
    let list = ["list", "--json", "--coordinator", &server.url, "--token-file", "eve.token"];
    let n_jobs = n_users * n_each;
    let mut jobs = super::server::wait_for_long("all jobs to succeed", || {
        let listed: serde_json::Value = serde_json::from_str(&succeed(folder, &list)).ok()?;
        let jobs = listed["jobs"].as_array()?.clone();
        assert_eq!(jobs.len(), n_jobs, "what was accepted is stored");
        jobs.iter().all(|job| job["state"] == "succeeded").then_some(jobs)
    });
    jobs.sort_by(|a, b| {
        a["finished"].as_f64().unwrap().total_cmp(&b["finished"].as_f64().unwrap())
    });
    let mut finished = BTreeMap::new();
    for job in &jobs {
        let user = job["id"].as_str().unwrap().split('-').next().unwrap();
        *finished.entry(user.to_owned()).or_insert(0) += 1;
        let most = finished.values().max().copied().unwrap_or(0);
        let least = if finished.len() < n_users { 0 } else { *finished.values().min().unwrap() };
        assert!(most - least <= 1, "{finished:?}");
    }
    server.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_cannot_take_the_place_of_others() {
    let folder = folder();
    let folder = folder.path();
    let (n_users, n_each) = if is_full() { (10, 100) } else { (4, 20) };
    let graph = ["generate", "rmat", "--scale", "8", "--edge-factor", "4", "--out", "graphs/g.kg"];
    succeed(folder, &graph);
    let users: Vec<String> = (0..n_users).map(|user| format!("u{user}")).collect();
    for user in &users {
        let out = format!("{user}.token");
        let create = ["token", "create", "tokens", "--role", "submitter", "--user", user];
        succeed(folder, &[&create[..], &["--out", &out]].concat());
    }
    let quota = n_each.to_string();
    let arguments = ["--tokens", "tokens", "--user-jobs", &quota];
    let mut server = Server::coordinator(folder, &arguments, 1024);
    // No worker comes: what is accepted stays, but for the first, which fails after its grace.
    let spec = r#"{"version":1,"graph":{"name":"g"},"model":{"kind":"independent-cascade","probability":0.1},"seeds":{"random":1},"run":{"simulations":10}}"#;
    let mut calls = tokio::task::JoinSet::new();
    for (idx, user) in users.iter().enumerate() {
        let token = format!("Bearer {}", token(folder, user));
        let connection = connect(&server.url, &ClientSecurity::default()).await;
        // The first wants five times of what it may have.
        let n_wanted = if idx == 0 { 5 * n_each } else { n_each };
        for job in 0..n_wanted {
            let (connection, token) = (connection.clone(), token.clone());
            let (id, user) = (format!("{user}-{job}"), user.clone());
            calls.spawn(async move {
                let begun = Instant::now();
                let message = submit_request(&id, spec.as_bytes());
                let path = "/kaskade.v1.Jobs/Submit";
                (user, id, call(connection, path, Some(&token), message).await, begun.elapsed())
            });
        }
    }
    let mut accepted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut slowest = Duration::ZERO;
    while let Some(ended) = calls.join_next().await {
        let (user, id, code, took) = ended.expect("a call ends");
        match code {
            Code::Ok => accepted.entry(user).or_default().push(id),
            Code::ResourceExhausted => assert_eq!(user, users[0], "only one wants too much"),
            other => panic!("{id} ended with {other}"),
        }
        slowest = slowest.max(took);
    }
    println!("{} jobs of {n_users} users, the slowest answer after {slowest:?}", n_users * n_each);
    let list = ["list", "--json", "--coordinator", &server.url, "--token-file", "eve.token"];
    let listed: serde_json::Value = serde_json::from_str(&succeed(folder, &list)).expect("JSON");
    let listed = listed["jobs"].as_array().expect("a list");
    let mut stored: Vec<&str> = listed.iter().filter_map(|job| job["id"].as_str()).collect();
    let mut kept: Vec<&str> = accepted.values().flatten().map(String::as_str).collect();
    stored.sort_unstable();
    kept.sort_unstable();
    assert_eq!(stored, kept, "what was accepted is stored, and nothing else");
    for user in &users {
        // One more for the job that ended meanwhile on a slow machine.
        let n_accepted = accepted[user].len();
        assert!((n_each..=n_each + 1).contains(&n_accepted), "{user} has {n_accepted}");
    }
    server.assert_sound();
}
