//! The examples of `docs/models.md` print what stands there. Where a change is meant, `KASKADE_BLESS=1
//! cargo test -p kaskade-cli --test cli models` writes it.

use std::fs;

use kaskade_testkit::repository;

use super::Folder;

/// A fenced block: what stands behind the backticks, and its lines.
struct Block<'a> {
    info: &'a str,
    lines: Vec<&'a str>,
}

#[test]
fn the_examples_print_what_stands_there() {
    let file = repository::root().join("docs/models.md");
    let text = fs::read_to_string(&file).unwrap();
    let folder = Folder::new();
    let (mut found, mut n_outputs) = (String::new(), 0);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        found += &format!("{line}\n");
        let Some(info) = line.strip_prefix("```") else { continue };
        let block =
            Block { info, lines: lines.by_ref().take_while(|line| *line != "```").collect() };
        if block.info == "console" {
            for command in block.lines.iter().filter_map(|line| line.strip_prefix("$ kaskade ")) {
                let output = output(&folder, command);
                n_outputs += usize::from(!output.is_empty());
                found += &format!("$ kaskade {command}\n{output}");
            }
        } else {
            // A word after the language is the name of a file.
            if let Some((_, name)) = block.info.split_once(' ') {
                folder.write(name, block.lines.join("\n"));
            }
            found += &block.lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        }
        found += "```\n";
    }
    assert!(n_outputs >= 13, "{n_outputs} examples: of nine kinds, time, conduct and audience");
    if std::env::var_os("KASKADE_BLESS").is_some() {
        fs::write(&file, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&file).unwrap());
}

/// What a job prints about its spread and rounds; nothing of other commands.
fn output(folder: &Folder, command: &str) -> String {
    let arguments: Vec<&str> = command.split(' ').collect();
    let output = folder.kaskade(&arguments).assert().success().get_output().clone();
    let text = String::from_utf8(output.stdout).expect("output is UTF-8");
    let until_spread = text.lines().skip_while(|line| !line.starts_with("spread"));
    let figures = until_spread.take_while(|line| !line.is_empty());
    figures.map(|line| format!("{line}\n")).collect()
}
