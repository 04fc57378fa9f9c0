//! What this machine has, and what this process took of it.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The share of free memory that is reckoned with where nobody says how much: a worker offers it, a
/// run takes no more, and a plan is made for it.
pub(crate) const MEMORY_SHARE: f64 = 0.8;

/// The share of that which the lane state of a run may take, or what is used in its place.
const STATE_SHARE: f64 = 0.3;

/// What the lane state of a run may take where the run has `memory_bytes`.
pub(crate) fn state_limit_bytes(memory_bytes: u64) -> u64 {
    (memory_bytes as f64 * STATE_SHARE) as u64
}

/// Memory that can be taken without pushing others out, within the limit of the control
/// group where one is set; `None` where the system does not tell.
pub(crate) fn free_memory_bytes() -> Option<u64> {
    let of_machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    Some(of_machine.min(free_in_group_bytes().unwrap_or(u64::MAX)))
}

/// The largest resident memory of this process so far.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Processor time of all threads of this process so far.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Threads that can run at once; at least 1.
pub(crate) fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The name of this machine.
pub(crate) fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// What the control group of this process still allows.
fn free_in_group_bytes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let read = |file: &str| -> Option<u64> {
        let path = format!("/sys/fs/cgroup{}/{file}", group.trim_end_matches('/'));
        fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    Some(read("memory.max")?.saturating_sub(read("memory.current")?))
}

/// The value of `key` in a table of `Key:   123 kB` lines, in bytes.
fn kilobytes(table: &str, key: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_system_are_read() {
        let table = "MemTotal:  9 kB\nMemAvailable:      16 kB\nOdd: 3\n";
        assert_eq!(kilobytes(table, "MemAvailable:"), Some(16 << 10));
        assert_eq!(kilobytes(table, "Odd:"), None);
        assert_eq!(kilobytes(table, "None:"), None);
    }

    #[test]
    fn this_process_takes_memory_and_time() {
        if cfg!(target_os = "linux") {
            assert!(peak_memory_bytes().unwrap() > 1 << 16);
            assert!(free_memory_bytes().unwrap() > 1 << 20);
        }
        let before = cpu_time();
        while cpu_time() == before {}
        assert!(cpu_time() > before);
    }
}
