use std::fs;

use proptest::prelude::*;

use super::*;
use crate::container::tests::{reseal, sections};

/// Writes the file of the nodes and waits for nothing.
fn write_nodes(
    path: &Path,
    originals: Originals<'_>,
    by_original: Option<&[u32]>,
    out_degrees: &[u32],
    in_degrees: &[u32],
) -> Result<NodesEntry, StoreError> {
    let flusher = Flusher::start(path).unwrap();
    super::write_nodes(path, originals, by_original, out_degrees, in_degrees, &flusher)
}

fn open(path: &Path) -> Result<Nodes, StoreError> {
    Nodes::open(path, Verify::Full, &Meter::new(0, &|_, _| {}))
}

/// The names as the store takes them.
fn laid_out(names: &[&str]) -> (Vec<u64>, Vec<u8>) {
    let mut end = 0;
    let ends = names.iter().map(|name| {
        end += name.len() as u64;
        end
    });
    (ends.collect(), names.concat().into_bytes())
}

fn write_names(path: &Path, names: &[&str]) -> Result<NodesEntry, StoreError> {
    let (ends, bytes) = laid_out(names);
    let degrees = vec![0; names.len()];
    let originals = Originals::Names { ends: &ends, bytes: &bytes };
    write_nodes(path, originals, None, &degrees, &degrees)
}

#[test]
fn ids_in_any_order_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nodes.kgn");
    let originals = [50, u64::MAX, 0, 7, 49];
    let ids = Originals::Numbers(&originals);
    let entry = write_nodes(&path, ids, None, &[0, 1, 2, 0, 0], &[2, 0, 1, 0, 0]).unwrap();
    let facts = DegreeFacts { n_arcs: 3, max_out_degree: 2, max_in_degree: 2, n_isolated_nodes: 2 };
    assert_eq!((entry.n_nodes, entry.ids, entry.facts), (5, IdKind::Number, facts));
    let nodes = open(&path).unwrap();
    for (node, &original) in (0..).map(NodeId).zip(&originals) {
        assert_eq!(nodes.find(&OriginalId::Number(original)), Some(node));
        assert_eq!(nodes.original(node), OriginalId::Number(original));
    }
    for absent in [1, 8, 51, u64::MAX - 1] {
        assert_eq!(nodes.find(&OriginalId::Number(absent)), None);
    }
    assert_eq!(nodes.find(&"007".into()), Some(NodeId(3)), "numbers are found by value");
    assert_eq!(nodes.find(&"ann".into()), None);
    assert_eq!(nodes.by_original(), [2, 3, 4, 0, 1]);
}

#[test]
fn names_are_found_by_their_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nodes.kgn");
    let names = ["zoë", "3", "ann", "003", "", "Ann", "10", "ann b"];
    let entry = write_names(&path, &names).unwrap();
    assert_eq!((entry.n_nodes, entry.ids), (8, IdKind::String));
    let nodes = open(&path).unwrap();
    for (node, name) in (0..).map(NodeId).zip(names) {
        assert_eq!(nodes.find(&name.into()), Some(node), "{name}");
        assert_eq!(nodes.find_text(name), Some(node), "{name}");
        assert_eq!(nodes.original(node), name.into());
        assert_eq!(nodes.originals().text(node.index()).as_deref(), Some(name));
    }
    assert_eq!(nodes.find(&OriginalId::Number(3)), Some(NodeId(1)), "a number is its digits");
    for absent in ["0003", "an", "ann ", "zz", "4"] {
        assert_eq!(nodes.find(&absent.into()), None);
    }
    let sorted: Vec<&str> = nodes.by_original().iter().map(|&node| names[node as usize]).collect();
    assert_eq!(sorted, ["", "003", "10", "3", "Ann", "ann", "ann b", "zoë"]);
}

#[test]
fn top_degree_ties_go_to_the_bytewise_smaller_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nodes.kgn");
    let (ends, bytes) = laid_out(&["b", "9", "10", "B"]);
    let ids = Originals::Names { ends: &ends, bytes: &bytes };
    write_nodes(&path, ids, None, &[2, 2, 2, 2], &[2, 2, 2, 2]).unwrap();
    let top = kaskade_model::seeds::top_degree(3, &open(&path).unwrap());
    assert_eq!(top, [NodeId(2), NodeId(1), NodeId(3)], "10, 9, B");
}

#[test]
fn a_given_order_is_taken_if_it_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nodes.kgn");
    let ids = Originals::Numbers(&[5, 3, 4]);
    let write = |order: &[u32]| write_nodes(&path, ids, Some(order), &[0; 3], &[0; 3]);
    let given = write(&[1, 2, 0]).unwrap();
    assert_eq!(given, write_nodes(&path, ids, None, &[0; 3], &[0; 3]).unwrap());
    for bad in [&[0, 1, 2][..], &[1, 2], &[1, 2, 3], &[1, 1, 0]] {
        assert!(matches!(write(bad), Err(StoreError::InvalidInput { .. })), "{bad:?}");
    }
}

#[test]
fn names_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nodes.kgn");
    let refused = |ends: &[u64], bytes: &[u8]| {
        let degrees = vec![0; ends.len()];
        let error = write_nodes(&path, Originals::Names { ends, bytes }, None, &degrees, &degrees);
        error.unwrap_err().to_string()
    };
    assert!(refused(&[1, 2], b"aa").ends_with("an original id occurs twice"));
    assert!(refused(&[1, 2], b"a\xff").ends_with("names need texts in UTF-8"));
    assert!(refused(&[2, 1], b"ab").contains("ends that ascend"));
    assert!(refused(&[1, 2], b"abc").contains("ends that ascend"));
}

#[test]
fn damaged_names_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nodes.kgn");
    write_names(&path, &["b", "aé"]).unwrap();
    let sound = fs::read(&path).unwrap();
    let damaged = |tag: Tag, at: usize, value: u8| {
        let mut bytes = sound.clone();
        let section = sections(&bytes).into_iter().find(|(found, _)| *found == tag as u32);
        bytes[section.unwrap().1.start + at] = value;
        reseal(&mut bytes);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
        open(&path).unwrap_err().to_string()
    };
    assert!(damaged(Tag::NameEnds, 0, 9).contains("invalid in name-ends"));
    assert!(damaged(Tag::NameEnds, 8, 9).contains("invalid in name-ends"));
    assert!(damaged(Tag::NameBytes, 3, 0xff).contains("invalid in name-bytes"));
    assert!(damaged(Tag::NameEnds, 0, 3).contains("invalid in name-bytes"), "cut in a character");
    assert!(damaged(Tag::NameBytes, 0, b'a').contains("invalid in by-original"));
    assert!(damaged(Tag::ByOriginal, 0, 7).contains("invalid in by-original"));
}

proptest! {
    #[test]
    fn any_names_return(names in prop::collection::btree_set("\\PC{0,6}", 0..40), seed: u64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nodes.kgn");
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        // Some order that is not theirs.
        names.sort_by_key(|name| blake3::hash(format!("{seed}{name}").as_bytes()).as_bytes()[0]);
        write_names(&path, &names).unwrap();
        let nodes = open(&path).unwrap();
        prop_assert_eq!(nodes.originals().len(), names.len());
        for (node, name) in (0..).map(NodeId).zip(names) {
            prop_assert_eq!(nodes.find_text(name), Some(node));
            prop_assert_eq!(nodes.original(node).to_string(), name);
        }
    }
}
