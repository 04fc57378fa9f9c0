//! Damaged graph directories: every command that reads one ends with code 8.

use std::fs;

use super::Folder;

const RUN: [&str; 7] = ["run", "--graph", "g.kg", "--seeds", "random:2", "--simulations", "10"];

/// A word of an endless table (the finalizer of splitmix64).
fn word(number: u64) -> usize {
    let mut x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x ^ (x >> 31)) as usize
}

/// Replaces a file, so that no process sees it change.
fn replace(folder: &Folder, path: &str, bytes: &[u8]) {
    fs::remove_file(folder.path(path)).expect("the file is there");
    fs::write(folder.path(path), bytes).expect("the folder can be written to");
}

#[test]
fn damage_is_told_by_run_and_verify() {
    let folder = Folder::with_graph();
    let shards = (0..4).map(|shard| format!("shards/0000{shard}.kgs"));
    let files: Vec<String> =
        shards.chain(["nodes.kgn".to_owned(), "manifest.json".to_owned()]).collect();
    for trial in 0..24 {
        let file = &files[trial as usize % files.len()];
        let path = format!("g.kg/{file}");
        let sound = fs::read(folder.path(&path)).unwrap();
        let place = word(2 * trial) % sound.len();
        let damaged = if trial % 4 == 3 {
            sound[..place].to_vec()
        } else {
            let mut bytes = sound.clone();
            bytes[place] ^= 1 + (word(2 * trial + 1) % 255) as u8;
            bytes
        };
        replace(&folder, &path, &damaged);
        for command in [&RUN[..], &["graph", "verify", "g.kg"]] {
            let message = folder.refusal(command, 8);
            assert!(message.contains(file), "{message}");
        }
        replace(&folder, &path, &sound);
    }
    folder.json(&["graph", "verify", "g.kg"]);
}

#[test]
fn unchecked_damage_is_an_error_or_another_result() {
    let folder = Folder::with_graph();
    let run = [&RUN[..], &["--verify", "header"]].concat();
    let mut n_told = 0;
    for trial in 0..16 {
        let path = "g.kg/shards/00000.kgs";
        let sound = fs::read(folder.path(path)).unwrap();
        let mut bytes = sound.clone();
        // Behind the header and the section table.
        let begin = 512 + word(trial) % (sound.len() - 600);
        bytes[begin..begin + 64].fill(0xff);
        replace(&folder, path, &bytes);
        let output = folder.kaskade(&run).assert().get_output().clone();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(0 | 8)), "{output:?}");
        assert!(!message.contains("panicked"), "{message}");
        n_told += u32::from(message.contains("run with --verify full"));
        replace(&folder, path, &sound);
    }
    assert!(n_told > 0, "some of it leads out of a section");
}

#[test]
fn no_command_trusts_a_damaged_directory() {
    let folder = Folder::with_graph();
    let commands: [&[&str]; 5] = [
        &RUN,
        &["graph", "verify", "g.kg"],
        &["graph", "info", "g.kg"],
        &["graph", "export", "g.kg", "--out", "e.txt"],
        &["graph", "sample", "g.kg", "--nodes", "9", "--out", "s.kg"],
    ];
    let refused = |why: &str| {
        for command in commands {
            let message = folder.refusal(command, 8);
            assert!(message.contains(why), "{message}");
        }
        assert_eq!(folder.names(), ["g.kg"], "nothing is left behind");
    };
    let [one, other] = ["g.kg/shards/00001.kgs", "g.kg/shards/00002.kgs"];
    let bytes = [one, other].map(|path| fs::read(folder.path(path)).unwrap());
    replace(&folder, one, b"");
    refused("00001.kgs is truncated");
    replace(&folder, one, &bytes[1]);
    replace(&folder, other, &bytes[0]);
    refused("another build");
    fs::remove_file(folder.path(one)).unwrap();
    refused("00001.kgs is missing");
    let manifest = fs::read_to_string(folder.path("g.kg/manifest.json")).unwrap();
    replace(&folder, "g.kg/manifest.json", manifest.replacen("256", "257", 1).as_bytes());
    refused("manifest.json");
    let plan = ["graph", "plan", "g.kg", "--workers", "2", "--memory", "1GiB"];
    folder.refusal(&plan, 8);
    folder.refusal(&["graph", "info", "g.kg", "--quick"], 8);
}
