//! Coins as an endless stream of 32-bit words, little-endian, for batteries of tests.
//!
//! ```text
//! coin-stream FAMILY DIRECTION
//! ```
//! Families: arc, octet, block. A word is a uniform or, of block coins, the live slots of a block
//! of 32 at p = 1/2. Directions: `simulations`, one arc (or block) in simulation after
//! simulation; `arcs`, one simulation and the arcs of a path (or a block of source after source);
//! `octets`, the same with eight neighbouring simulations of each. `scripts/coin-quality.sh` tests
//! them.

use std::error::Error;
use std::io::{self, ErrorKind, Write};

use kaskade_model::NodeId;
use kaskade_model::coin::{
    Block, BlockCoins, BlockSource, Family, Isa, LaneKeys, LiveSlot, OctetKeys, Purpose, Threshold,
    Vectorised, Vectors, arc_item, octet_uniforms, simulation_key, uniform,
};
use kaskade_model::lanes::LANES_PER_WORD;

const SEED: u64 = 1;

/// Simulations that octet coins draw together.
const N_TOGETHER: u64 = 8;

/// The lane whose simulation is the one that stays, where arcs change.
const LANE: usize = 3;

/// Words that are written at a time: whole simulations of a lane word, and whole octets.
const N_WORDS: usize = 1 << 14;

/// The first arc of a block of 32.
const RANK: u32 = 32;

#[derive(Clone, Copy)]
enum Direction {
    Simulations,
    Arcs,
    Octets,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [family, direction] = arguments[..] else {
        return Err("usage: coin-stream FAMILY DIRECTION".into());
    };
    let direction = match direction {
        "simulations" => Direction::Simulations,
        "arcs" => Direction::Arcs,
        "octets" => Direction::Octets,
        other => return Err(format!("unknown direction {other:?}").into()),
    };
    let family = match family {
        "arc" => Family::Arc,
        "octet" => Family::Octet,
        "block" => Family::Block,
        other => return Err(format!("unknown family {other:?}").into()),
    };
    match write_forever(family, direction) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

fn write_forever(family: Family, direction: Direction) -> io::Result<()> {
    let coins = BlockCoins::new(Threshold::from_probability(0.5).expect("a probability"));
    let mut out = io::stdout().lock();
    let mut words = vec![0; N_WORDS];
    for first in (0..).step_by(N_WORDS) {
        match family {
            Family::Arc => draw_arcs(direction, first, &mut words),
            Family::Octet => draw_octets(direction, first, &mut words),
            Family::Block => {
                words.fill(0);
                Isa::detect().run(DrawBlocks {
                    coins: &coins,
                    direction,
                    first,
                    words: &mut words,
                });
            }
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// The `at`-th arc of a path.
fn item(at: u64) -> u64 {
    arc_item(NodeId(at as u32), NodeId(at as u32 + 1), Purpose::Arc)
}

/// Fills `words`, the stream's from word `first` on.
fn draw_arcs(direction: Direction, first: u64, words: &mut [u32]) {
    for (at, word) in (first..).zip(words) {
        let (arc, simulation) = match direction {
            Direction::Simulations => (0, at),
            Direction::Arcs => (at, LANE as u64),
            Direction::Octets => (at / N_TOGETHER, at % N_TOGETHER),
        };
        *word = uniform(item(arc), simulation_key(SEED, simulation));
    }
}

fn draw_octets(direction: Direction, first: u64, words: &mut [u32]) {
    let (fixed, octets) = (item(0), words.chunks_exact_mut(N_TOGETHER as usize));
    match direction {
        Direction::Simulations => (first / N_TOGETHER..).zip(octets).for_each(|(octet, words)| {
            words.copy_from_slice(&octet_uniforms(SEED, fixed, octet));
        }),
        Direction::Octets => (first / N_TOGETHER..).zip(octets).for_each(|(arc, words)| {
            words.copy_from_slice(&octet_uniforms(SEED, item(arc), 0));
        }),
        Direction::Arcs => (first..).zip(words).for_each(|(arc, word)| {
            *word = octet_uniforms(SEED, item(arc), 0)[LANE];
        }),
    }
}

struct DrawBlocks<'a> {
    coins: &'a BlockCoins,
    direction: Direction,
    first: u64,
    /// All 0.
    words: &'a mut [u32],
}

impl Vectorised for DrawBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self, vectors: V) {
        let Self { coins, direction, first, words } = self;
        let block = Block::of_rank(RANK);
        let keys = |word: u64| {
            let simulation = |lane: usize| word * LANES_PER_WORD as u64 + lane as u64;
            let lanes = LaneKeys::new(|lane| simulation_key(SEED, simulation(lane)));
            (lanes, OctetKeys::new(SEED, word))
        };
        // Sources whose block is drawn in so many simulations, from `begin` of the first word on.
        let (begin, n_lanes) = match direction {
            Direction::Simulations => (0, LANES_PER_WORD),
            Direction::Arcs => (LANE, 1),
            Direction::Octets => (0, N_TOGETHER as usize),
        };
        let offered = (begin..begin + n_lanes).fold(0, |lanes, lane| lanes | 1 << lane);
        let of_first_word = keys(0);
        for (at, drawn) in (first / n_lanes as u64..).zip(words.chunks_exact_mut(n_lanes)) {
            let (source, (lane_keys, octet_keys)) = match direction {
                Direction::Simulations => (0, &keys(at)),
                Direction::Arcs | Direction::Octets => (at as u32, &of_first_word),
            };
            let block = (BlockSource::new(NodeId(source)), block);
            let keys = (lane_keys, octet_keys);
            coins.visit_live_slots(vectors, keys, block, offered, |LiveSlot { lane, slot }| {
                drawn[lane as usize - begin] |= 1 << slot;
            });
        }
    }
}
