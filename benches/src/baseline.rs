//! One simulation at a time on one thread: what kaskade must earn its keep against.
//!
//! Two contenders, written to win. [`hashed`] throws the coins that the kernel throws, so both
//! have the same cascades to run through and reach the same sums. [`skipping`] draws from a
//! generator of its own, as few numbers as the model lets it. Both keep the graph in one piece
//! and in huge pages, who is active as a bit a node (n/8 bytes fit a cache), and a queue from
//! which they ask ahead for what they will read.

mod active;
mod each;
mod gaps;
mod generator;
pub mod hashed;
mod listening;
pub mod skipping;
mod weighted;

#[cfg(test)]
mod tests;
