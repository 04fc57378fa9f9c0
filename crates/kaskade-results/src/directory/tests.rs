use super::*;
use crate::files::result_files;
use crate::fixture;
use crate::manifest::Provenance;
use crate::summary::Summary;

fn files() -> Vec<ResultFile> {
    let (sample, summary) = fixture::summary();
    result_files(&sample, &summary, &Provenance::default()).unwrap()
}

/// Another result than [`files`].
fn other_files() -> Vec<ResultFile> {
    let sample = fixture::sample(&[&[1], &[2]]);
    let summary = Summary::new(&sample, fixture::record());
    result_files(&sample, &summary, &Provenance::default()).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_result_reads_back_as_it_was_written() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("new/parents/run");
    write_directory(&dir, &files(), false).unwrap();
    assert_eq!(read_directory(&dir).unwrap(), files());
    assert_eq!(
        names(&dir),
        ["manifest.json", "report.html", "rounds.parquet", "simulations.parquet", "summary.json"]
    );
    assert_eq!(names(dir.parent().unwrap()), ["run"], "no sibling is left");
}

#[test]
fn an_existing_result_is_replaced_only_by_force() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("run");
    write_directory(&dir, &files(), false).unwrap();
    let refused = write_directory(&dir, &other_files(), false).unwrap_err();
    assert!(matches!(&refused, ResultsError::AlreadyThere { path } if *path == dir));
    assert!(refused.to_string().contains("--force"));
    assert_eq!(read_directory(&dir).unwrap(), files());
    write_directory(&dir, &other_files(), true).unwrap();
    assert_eq!(read_directory(&dir).unwrap(), other_files());
    assert_eq!(names(place.path()), ["run"]);
}

#[test]
fn force_deletes_nothing_but_results() {
    let place = tempfile::tempdir().unwrap();
    let refuses = |dir: &Path, reason: &str| {
        let error = write_directory(dir, &files(), true).unwrap_err();
        assert!(matches!(&error, ResultsError::NotAResult { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    };
    let home = place.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::write(home.join("thesis.tex"), "precious").unwrap();
    refuses(&home, "thesis.tex");
    refuses(&home.join("thesis.tex"), "a file or link");
    let nested = place.path().join("nested");
    fs::create_dir_all(nested.join("summary.json")).unwrap();
    refuses(&nested, "summary.json");
    #[cfg(unix)]
    {
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&home, &link).unwrap();
        refuses(&link, "a file or link");
        fs::remove_file(&link).unwrap();
    }
    assert_eq!(fs::read(home.join("thesis.tex")).unwrap(), b"precious");
    assert_eq!(names(place.path()), ["home", "nested"]);

    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    write_directory(&empty, &files(), true).unwrap();
    assert_eq!(read_directory(&empty).unwrap(), files());
}

#[test]
fn damaged_files_never_reach_the_disk() {
    let place = tempfile::tempdir().unwrap();
    let mut damaged = files();
    damaged[1].bytes[7] ^= 1;
    let error = write_directory(&place.path().join("run"), &damaged, false).unwrap_err();
    assert!(matches!(error, ResultsError::DamagedFile { file: FileKind::Simulations }));
    assert!(names(place.path()).is_empty());
}

#[test]
fn a_directory_changed_later_does_not_verify() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("run");
    write_directory(&dir, &files(), false).unwrap();
    fs::write(dir.join("summary.json"), "{}").unwrap();
    let error = read_directory(&dir).unwrap_err();
    assert!(matches!(error, ResultsError::DamagedFile { file: FileKind::Summary }));
    fs::remove_file(dir.join("manifest.json")).unwrap();
    let error = read_directory(&dir).unwrap_err();
    assert!(matches!(error, ResultsError::MissingFile { file: FileKind::Manifest }));
}

#[test]
fn what_is_no_result_is_named() {
    let place = tempfile::tempdir().unwrap();
    let told = |name: &str| require_result(&place.path().join(name)).unwrap_err().to_string();
    assert!(told("gone").ends_with("gone does not exist: name the directory of a result"));
    fs::create_dir(place.path().join("other")).unwrap();
    assert!(told("other").contains("other is a directory without a result"));
    fs::create_dir(place.path().join("sweep")).unwrap();
    fs::write(place.path().join("sweep/sweep.json"), "{}").unwrap();
    assert!(told("sweep").contains("sweep is the directory of a sweep: name one of its results"));
}

#[test]
fn a_failure_leaves_nothing_half_written() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let error = write_directory(&file.join("run"), &files(), false).unwrap_err();
    assert!(matches!(&error, ResultsError::Io { .. }), "{error}");
    assert_eq!(names(place.path()), ["file"]);
    assert!(!error.is_disk_full());
    for path in ["/", "..", "a/.."] {
        let error = check_target(Path::new(path), true).unwrap_err();
        assert!(matches!(error, ResultsError::NoName { .. }), "{path}");
    }
}

#[test]
fn the_target_can_be_checked_before_the_job_runs() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("run");
    assert_eq!(check_target(&dir, false).unwrap(), Target::Free);
    fs::create_dir(&dir).unwrap();
    assert!(matches!(check_target(&dir, false), Err(ResultsError::AlreadyThere { .. })));
    assert_eq!(check_target(&dir, true).unwrap(), Target::EarlierResult);
}

#[test]
fn a_full_disk_is_told_apart() {
    let full = ResultsError::io("write", Path::new("x"))(io::ErrorKind::StorageFull.into());
    assert!(full.is_disk_full());
    assert_eq!(full.to_string(), "could not write x");
}
