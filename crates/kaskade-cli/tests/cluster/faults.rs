//! Faults, each with real processes: that it fired, that it was over in bounded time, and that
//! the digest is that of an undisturbed run on one worker. The names are those of the fault
//! matrix; `scripts/faults.sh` runs the long versions.

mod cancel;
mod coordinator;
mod damage;
mod disk;
mod network;
mod placement;
mod workers;
