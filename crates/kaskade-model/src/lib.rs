//! What a cascade is: ids, arcs, lanes, diffusion models, coins, specs, tallies
//! and their merge. Nothing here knows files, threads, sockets or clocks.
//!
//! In reading order: [`ids`] names things, [`lanes`] packs 64·W simulations into
//! words, [`adjacency`] is all that a run asks of a graph, [`coin`] decides, in
//! integers, what is live, [`diffusion`] says which coin an arc throws under which
//! model, [`dynamics`] what nodes do with what reaches them, [`seeds`] says who starts, [`spec`] is what a person asks for, [`job`]
//! is that resolved against a graph, [`message`] is what coordinator and workers say
//! to each other, [`status`] is what a client is told of a job, [`recording`] is what may be kept of single simulations, [`tally`] is what
//! comes out and how it is summed, and [`until`] says when it is enough ([`normal`] helps it).

pub mod adjacency;
pub mod coin;
pub mod diffusion;
pub mod dynamics;
pub mod ids;
pub mod job;
pub mod lanes;
pub mod message;
pub mod normal;
pub mod recording;
pub mod seeds;
pub mod spec;
pub mod status;
pub mod tally;
pub mod until;

pub use adjacency::{AnyShard, NodeRange, OutArcs, Ranks, Shard};
pub use ids::{BatchId, Epoch, JobId, NodeId, Round, ShardId, WorkerId};
