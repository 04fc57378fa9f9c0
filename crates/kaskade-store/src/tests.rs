//! Laws of whole graph directories.

mod damage;
pub(crate) mod fixture;
mod publication;
mod round_trip;
