//! No damage passes, and none panics.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;

use kaskade_model::{NodeId, Shard, ShardId};
use proptest::prelude::*;

use super::fixture::{Input, inputs, tiny};
use crate::container::Tag;
use crate::container::tests::{reseal, sections};
use crate::opening::Meter;
use crate::shard::{MappedShard, check_first_ranks};
use crate::{
    Graph, Layout, Manifest, ShardSelection, StoreError, StoreErrorKind, Verify, Views, names,
    open_shard, verify,
};

const NO_PROGRESS: &crate::Progress<'static> = &|_, _| {};

/// A written tiny graph, in two shards.
fn written(folder: &Path, layout: Layout) -> (PathBuf, Manifest) {
    let dir = folder.join("tiny.kg");
    let input = Input { has_attributes: true, ..tiny() };
    let manifest = input.write_as(&dir, 2, Views::Both, layout).unwrap();
    (dir, manifest)
}

fn open(dir: &Path, verify: Verify) -> Result<Graph, StoreError> {
    Graph::open(dir, ShardSelection::All, verify, NO_PROGRESS)
}

/// Puts `bytes` at `path`, as a new file: overwriting one makes some file systems flush.
fn replace(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

/// Tries every change of every file of a graph in both layouts; `change` makes them from the
/// file's bytes.
fn try_changes(change: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> usize {
    let layouts = [Layout::Plain, Layout::Compressed];
    layouts.into_iter().map(|layout| try_changes_in(layout, &change)).sum()
}

fn try_changes_in(layout: Layout, change: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let (dir, manifest) = written(folder.path(), layout);
    let binaries: Vec<PathBuf> = manifest.files().map(|file| file.path).collect();
    let mut n_changes = 0;
    for name in binaries.into_iter().chain([names::MANIFEST.into()]) {
        let path = dir.join(&name);
        let sound = fs::read(&path).unwrap();
        for changed in change(&sound) {
            replace(&path, &changed);
            let damage = changed.iter().zip(&sound).position(|(a, b)| a != b);
            let place = format!("{} at {damage:?} of {}", name.display(), changed.len());
            for error in [open(&dir, Verify::Full).err(), verify(&dir, NO_PROGRESS).err()] {
                let kind = error.unwrap_or_else(|| panic!("{place} passes")).kind();
                let is_told = [StoreErrorKind::Corrupt, StoreErrorKind::UnsupportedVersion];
                assert!(is_told.contains(&kind), "{place}: {kind:?}");
            }
            n_changes += 1;
        }
        replace(&path, &sound);
        verify(&dir, NO_PROGRESS).unwrap();
    }
    n_changes
}

#[test]
fn every_flipped_byte_is_found() {
    let flips = |sound: &[u8]| {
        let flip = |position: usize| {
            let mut bytes = sound.to_vec();
            bytes[position] ^= 1 << (position % 8);
            bytes
        };
        (0..sound.len()).map(flip).collect()
    };
    assert!(try_changes(flips) > 10_000);
}

#[test]
fn every_truncation_is_found() {
    let truncations =
        |sound: &[u8]| (0..sound.len()).map(|length| sound[..length].to_vec()).collect();
    assert!(try_changes(truncations) > 10_000);
}

#[test]
fn added_bytes_are_found() {
    assert_eq!(try_changes(|sound| vec![[sound, b" "].concat(), [sound, sound].concat()]), 20);
}

#[test]
fn a_truncated_shard_is_found_by_its_header_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, _) = written(folder.path(), Layout::Plain);
    let path = dir.join(names::shard(ShardId(0)));
    let sound = fs::read(&path).unwrap();
    for length in 0..sound.len() {
        replace(&path, &sound[..length]);
        let error = open(&dir, Verify::Header).unwrap_err();
        assert!(matches!(error, StoreError::Truncated { .. }), "{length} bytes: {error}");
    }
}

#[test]
fn files_of_another_build_are_found_by_their_header_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, manifest) = written(folder.path(), Layout::Plain);
    let other = folder.path().join("other.kg");
    let mut input = tiny();
    input.arcs.insert((0, 1), 0.125);
    input.write(&other, 2, Views::Both).unwrap();
    let path = dir.join(names::shard(ShardId(0)));
    fs::copy(other.join(names::shard(ShardId(0))), &path).unwrap();
    let error = open(&dir, Verify::Header).unwrap_err();
    assert!(error.is_corrupt() && error.to_string().contains("another build"), "{error}");

    let entry = manifest.shard(ShardId(0)).unwrap();
    assert!(open_shard(&path, entry, Verify::Full).unwrap_err().is_corrupt());
    fs::remove_file(&path).unwrap();
    let error = open_shard(&path, entry, Verify::Full).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound, "a cache may lack a file");
    assert!(open(&dir, Verify::Full).unwrap_err().is_corrupt(), "a directory may not");
}

#[test]
fn a_digest_is_compared_where_checksums_were_made_to_fit() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, manifest) = written(folder.path(), Layout::Plain);
    let path = dir.join(names::shard(ShardId(1)));
    let mut entry = manifest.shard(ShardId(1)).unwrap().clone();
    open_shard(&path, &entry, Verify::Full).unwrap();
    entry.digest = blake3::hash(b"another file").to_hex().to_string();
    open_shard(&path, &entry, Verify::Header).unwrap();
    let error = open_shard(&path, &entry, Verify::Full).unwrap_err();
    assert!(matches!(error, StoreError::Digest { what: "blake3", .. }), "{error}");
}

/// A first rank is bounded by the shard alone, and told by the shards before it.
#[test]
fn a_first_rank_that_other_shards_contradict_is_found() {
    for layout in [Layout::Plain, Layout::Compressed] {
        let folder = tempfile::tempdir().unwrap();
        let (dir, _) = written(folder.path(), layout);
        let path = |shard| dir.join(names::shard(ShardId(shard)));
        let sound = fs::read(path(1)).unwrap();
        // Node 0 alone has arcs into both shards, one into the first, of 64 nodes.
        let (_, section) = sections(&sound)
            .into_iter()
            .find(|section| section.0 == Tag::FirstRanks as u32)
            .unwrap();
        assert_eq!(sound[section.clone()], [1, 0]);
        for (first_rank, is_opened, is_sound) in
            [(1, true, true), (0, true, false), (63, true, false), (64, false, false)]
        {
            let mut bytes = sound.clone();
            bytes[section.start] = first_rank;
            reseal(&mut bytes);
            replace(&path(1), &bytes);
            let meter = Meter::new(0, NO_PROGRESS);
            let open = |shard| MappedShard::open(&path(shard), Verify::Full.into(), &meter);
            let shards: Result<Vec<_>, _> = [0, 1].into_iter().map(open).collect();
            assert_eq!(shards.is_ok(), is_opened, "{first_rank}");
            let checked = shards.and_then(|shards| check_first_ranks(&shards));
            assert_eq!(checked.is_ok(), is_sound, "{first_rank}");
        }
    }
}

/// Calls everything that a run calls on a shard.
fn look_everything_up(shard: &MappedShard) {
    let (mut scratch, mut in_scratch) = (Vec::new(), Vec::new());
    for source in (0..shard.n_graph_nodes()).map(NodeId) {
        let arcs = shard.out_arcs(source, &mut scratch);
        assert!(shard.first_rank(source) <= shard.nodes().begin);
        for (position, &target_idx) in (arcs.first_arc..).zip(arcs.targets) {
            assert!(shard.in_degrees()[target_idx as usize] > 0);
            if let Some(in_ranks) = shard.in_ranks() {
                let in_rank = in_ranks.at(position) as usize;
                let _ =
                    shard.in_sources(target_idx, &mut in_scratch).map(|sources| sources[in_rank]);
                let _ = shard.cumulative_weights(target_idx).map(|sums| sums[in_rank]);
            }
            let _ = shard.arc_thresholds().map(|thresholds| thresholds[position]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// After [`Verify::Full`] no lookup panics, not even where someone who knows the format
    /// changed a file and made its checksums fit.
    #[test]
    fn no_lookup_fails_after_a_full_check(
        input in inputs(),
        layout in prop_oneof![Just(Layout::Plain), Just(Layout::Compressed)],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 60),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("sound.kg");
        input.write_as(&dir, 1, Views::Both, layout).unwrap();
        let sound = fs::read(dir.join(names::shard(ShardId(0)))).unwrap();
        let path = folder.path().join("changed.kgs");
        for (place, byte) in changes {
            let mut bytes = sound.clone();
            bytes[place.index(sound.len())] = byte;
            reseal(&mut bytes);
            replace(&path, &bytes);
            let meter = Meter::new(0, NO_PROGRESS);
            if let Ok(shard) = MappedShard::open(&path, Verify::Full.into(), &meter) {
                look_everything_up(&shard);
            }
        }
    }

    /// [`verify`] compares the views with each other and with the nodes: a change whose
    /// checksums and digests were made to fit does not pass either.
    #[test]
    fn no_change_of_a_section_is_sound(
        input in inputs(),
        views in prop_oneof![Just(Views::Both), Just(Views::Out), Just(Views::In)],
        layout in prop_oneof![Just(Layout::Plain), Just(Layout::Compressed)],
        place in any::<prop::sample::Index>(),
        bit in 0u32..8,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("changed.kg");
        let manifest = input.write_as(&dir, 1, views, layout).unwrap();
        let (_, in_degrees) = input.degrees();
        let path = dir.join(names::shard(ShardId(0)));
        let sound = fs::read(&path).unwrap();
        for (tag, section) in sections(&sound) {
            let is_weights = tag == Tag::CumulativeWeights as u32;
            // Without an out-view there are no thresholds to compare the sums with.
            if section.is_empty() || is_weights && !views.has_out() {
                continue;
            }
            let mut bytes = sound.clone();
            let mut position = section.start + place.index(section.len());
            if is_weights {
                // Sums are rounded, thresholds too: their lowest byte is not compared.
                position |= 1;
            }
            bytes[position] ^= 1 << bit;
            reseal(&mut bytes);
            replace(&path, &bytes);
            let out_degrees: Vec<AtomicU32> = in_degrees.iter().map(|_| AtomicU32::new(0)).collect();
            let checked = MappedShard::open(&path, Verify::Full.into(), &Meter::new(0, NO_PROGRESS))
                .and_then(|shard| shard.check_arcs(&manifest.shards[0], &in_degrees, &out_degrees));
            prop_assert!(checked.is_err(), "section {} at {}", tag, position - section.start);
        }
    }
}
