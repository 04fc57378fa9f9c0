//! The machine itself.

use std::fs;
use std::net::{SocketAddr, TcpListener};

use kaskade_model::coin::Isa;
use kaskade_rpc::machine;

use super::Check;

/// Descriptors below which a server takes fewer connections than it could.
const ENOUGH_DESCRIPTORS: u64 = 4096;

/// Descriptors without which a server does not come far: listeners, log, shards and a few callers.
const LEAST_DESCRIPTORS: u64 = 64;

/// Memory without which there is no room for a graph worth a cluster.
const LITTLE_MEMORY_BYTES: u64 = 1 << 30;

/// A time long past when this was written, 2026-01-01.
const LONG_AGO_SECONDS: f64 = 1_767_225_600.0;

/// What holds for any use of the machine.
pub(super) fn checks() -> Vec<Check> {
    vec![descriptors(), memory(), huge_pages(), processor(), clock()]
}

fn descriptors() -> Check {
    let name = "descriptors";
    let (_, limit) = machine::descriptors();
    let Some(limit) = limit else { return Check::ok(name, "no limit") };
    let found = format!("{limit} files and connections at a time");
    let advice = "raise it: `ulimit -n 65536`, or LimitNOFILE= of a systemd unit";
    match limit {
        ENOUGH_DESCRIPTORS.. => Check::ok(name, found),
        LEAST_DESCRIPTORS.. => Check::warning(name, found, advice),
        _ => Check::failed(name, found, advice),
    }
}

fn memory() -> Check {
    let name = "memory";
    let (Some(total), Some(free)) = (machine::total_memory_bytes(), machine::free_memory_bytes())
    else {
        return Check::warning(name, "the system does not tell", "give workers --memory SIZE");
    };
    let found = format!("{free} bytes free of {total}");
    if free < LITTLE_MEMORY_BYTES {
        let advice = "end other programs, or see with `kaskade graph plan` what a graph needs";
        Check::warning(name, found, advice)
    } else {
        Check::ok(name, found)
    }
}

fn huge_pages() -> Check {
    let name = "huge pages";
    let path = "/sys/kernel/mm/transparent_hugepage/enabled";
    let choices = fs::read_to_string(path).unwrap_or_default();
    let chosen = choices.split(['[', ']']).nth(1).unwrap_or("unknown");
    match chosen {
        "always" | "madvise" => Check::ok(name, format!("on request ({chosen})")),
        _ => {
            let advice = format!("state in small pages is slower: `echo madvise > {path}` as root");
            Check::warning(name, format!("not to be had ({chosen})"), advice)
        }
    }
}

fn processor() -> Check {
    let name = "processor";
    let isa = Isa::detect();
    let found = format!("{} threads, coins by {isa:?}", machine::n_cores());
    if isa == Isa::Portable {
        Check::warning(name, found, "without AVX2 coins take several times as long")
    } else {
        Check::ok(name, found)
    }
}

fn clock() -> Check {
    let seconds = machine::unix_seconds();
    let found = crate::clock::Moment::from_seconds(seconds).to_rfc3339();
    if seconds < LONG_AGO_SECONDS {
        Check::failed("clock", found, "set it: certificates and tokens count by it")
    } else {
        Check::ok("clock", found)
    }
}

/// Whether `address` can be listened on.
pub(super) fn port(address: SocketAddr) -> Check {
    let name = format!("address {address}");
    match TcpListener::bind(address) {
        Ok(_) => Check::ok(name, "free"),
        Err(error) => {
            let advice = "choose another with --listen, or end what holds it";
            Check::failed(name, format!("cannot be listened on ({error})"), advice)
        }
    }
}
