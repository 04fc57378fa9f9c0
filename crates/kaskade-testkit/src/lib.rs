//! Fixtures, exact oracles and plain simulators: what kaskade's answers are held against.
//! For tests only; nothing that ships depends on it.
//!
//! In reading order: [`ArcList`] is a graph written down arc by arc, [`VecShard`] its shards
//! in memory, [`fixtures`] the graphs that tests speak of, [`runs`] hands them to the engine;
//! [`directories`] makes graph directories of them and runs jobs on those.
//! Against the engine stand [`oracle`] (exact answers), [`mod@reference`] (one simulation at a
//! time, the same coins, equal bit for bit) and [`textbook`] (the papers' definitions with
//! [`philox`] as the generator, equal within the interval that [`accept`] states); [`check_recorded`] is about what a run keeps of single simulations.
//! [`simulated_cluster`] runs the machines of coordinator and workers under faults, [`process_cluster`] is
//! a real one of child processes, and [`fault_proxy`] goes between them. [`known_answers`] reads the spreads that independent programs found on real graphs.

pub mod accept;
mod arc_list;
pub mod directories;
mod every_model;
pub mod fault_proxy;
pub mod fixtures;
pub mod known_answers;
mod node_table;
pub mod oracle;
pub mod philox;
pub mod process_cluster;
mod recorded;
pub mod reference;
pub mod repository;
pub mod runs;
pub mod simulated_cluster;
pub mod textbook;
mod vec_shard;

pub use arc_list::{Arc, ArcList};
pub use every_model::every_model;
pub use node_table::NodeTable;
pub use recorded::check_recorded;
pub use vec_shard::VecShard;
