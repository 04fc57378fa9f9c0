//! Laws of whole graph directories.

mod damage;
mod fixture;
mod publication;
mod round_trip;
