//! Estimates, Parquet, summary: from merged statistics to what people read.
//!
//! A job ends as a [`JobTally`](kaskade_model::tally::JobTally) of integers. One pass
//! over its rows makes a [`Sample`]; everything with a decimal point comes from there:
//!
//! ```text
//! JobTally ─▶ Sample ─▶ Summary ─▶ table (text for people)
//!               │          ├─────▶ Summary::to_json (`--json`, summary.json)
//!               └──────────┴─────▶ result_files ─▶ write_directory (or the wire)
//! ```
//!
//! In reading order: [`sample`] lays the rows out by column, [`digest`] says when two
//! results are the same, [`estimate`], [`outbreak`], [`growth`], [`course`] and
//! [`distribution`] are the statistics, [`cascades`] (who passed it to whom), [`tree`] and [`shape`] those of traced simulations, [`reach`] those of nodes, [`summary`] puts them into the JSON of INTERFACE.md, [`table()`] into text, [`parquet`] into columns;
//! [`manifest`] says where a result came from, [`files`] names what a result consists of,
//! and [`directory`] puts it on disk, whole or not at all. [`stored`] reads one back,
//! [`compare`] sets two side by side, [`replay`] makes a tree of one cascade, [`sweep`] a table of many
//! results, [`critical`] looks for the smallest push that is enough, and [`report()`] makes a page of one
//! or several, whose plots are SVG, and PNG by `picture`.
//!
//! Nothing here knows graphs (but for what nodes are called), threads, sockets or clocks: times are handed in.

pub mod cascades;
pub mod compare;
pub mod course;
pub mod critical;
mod csv;
pub mod digest;
pub mod directory;
pub mod distribution;
pub mod error;
pub mod estimate;
pub mod files;
pub mod growth;
pub mod manifest;
pub mod measured;
pub mod outbreak;
pub mod parquet;
pub mod performance;
mod picture;
pub mod reach;
pub mod replay;
pub mod report;
pub mod sample;
pub mod shape;
pub mod stored;
pub mod summary;
pub mod sweep;
mod table;
pub mod tree;

#[cfg(test)]
mod fixture;

pub use cascades::Cascades;
pub use compare::Comparison;
pub use directory::{check_target, read_directory, write_directory};
pub use error::ResultsError;
pub use files::{FileKind, ResultFile, result_files};
pub use kaskade_model::status::JobState;
pub use manifest::{Manifest, Provenance, WorkerRecord};
pub use performance::{Performance, Resources};
pub use replay::{Replay, ReplaySummary};
pub use report::{Plot, Reported, plots, report, sweep_plots, sweep_report};
pub use sample::Sample;
pub use stored::{StoredResult, csv_tables};
pub use summary::{GraphSummary, JobRecord, Summary};
pub use table::table;
