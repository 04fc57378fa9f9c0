//! Batches whose nodes do more than those of the classical cascade: they wait for several
//! neighbours, take sides, keep the message to themselves, infect for many rounds.
//!
//! [`DynamicsRun`] is to them what [`crate::partition::BatchRun`] is to the classical cascade: the
//! frontier of a round is pushed over the same arcs with the same coins, but what is live arrives
//! at a [`NodeMachine`], which decides at the end of the round what becomes of it. There are two:
//! [`Contagion`], whose nodes transmit once, and [`Epidemic`], whose nodes transmit until they
//! recover. A shard has one machine and one thread at a time: shards and batches are what runs
//! side by side.

mod calendar;
mod channels;
mod contagion;
mod counters;
mod draws;
mod epidemic;
mod launch;
mod layers;
mod machine;
mod places;
mod recent;
mod rivalry;
mod run;
mod saturated;
mod sided;

pub use contagion::Contagion;
pub use epidemic::Epidemic;
pub(crate) use layers::Layers;
pub use layers::channel_bytes;
pub use machine::{NodeMachine, machine_bytes};
pub use run::DynamicsRun;
pub(crate) use sided::{decode_sided, encode_sided};
