//! What this machine has, and what this process took of it. Figures come from `/proc`, and are
//! absent where it is.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Memory that can be taken without pushing others out, within the limit of the control
/// group where one is set; `None` where the system does not tell.
#[must_use]
pub fn free_memory_bytes() -> Option<u64> {
    let of_machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    Some(of_machine.min(free_in_group_bytes().unwrap_or(u64::MAX)))
}

/// Memory of the machine.
#[must_use]
pub fn total_memory_bytes() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")
}

/// The resident memory of this process.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The largest resident memory of this process so far.
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Pages that this process had to wait for a disk for, so far: those of mapped shards that memory
/// did not hold.
#[must_use]
pub fn major_faults() -> Option<u64> {
    // After the name, which may have any characters: state is the first field, this the tenth.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(9)?.parse().ok()
}

/// Files and connections that this process has open, and how many it may have.
#[must_use]
pub fn descriptors() -> (Option<u64>, Option<u64>) {
    let open = fs::read_dir("/proc/self/fd").ok().map(|open| open.count() as u64);
    (open, rustix::process::getrlimit(rustix::process::Resource::Nofile).current)
}

/// Processor time of all threads of this process so far.
#[must_use]
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Threads that can run at once; at least 1.
#[must_use]
pub fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The name of this machine.
#[must_use]
pub fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// What the process `process_id` of this machine does, a few words after its name.
#[must_use]
pub fn what_process_does(process_id: u32) -> &'static str {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).unwrap_or_default();
    match stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next()) {
        None => "which is gone",
        Some('Z' | 'X' | 'x') => "which has ended",
        Some('T' | 't') => "which was stopped by a signal",
        Some('D') => "which waits for a disk",
        Some(_) => "which lives",
    }
}

/// Seconds since 1970, for people; nothing waits or is decided by it.
#[must_use]
pub fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
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
    fn processes_are_looked_at() {
        if cfg!(target_os = "linux") {
            assert_eq!(what_process_does(std::process::id()), "which lives");
            assert_eq!(what_process_does(u32::MAX), "which is gone");
        }
    }

    #[test]
    fn this_process_takes_memory_and_time() {
        if cfg!(target_os = "linux") {
            assert!(peak_memory_bytes().unwrap() > 1 << 16);
            assert!(free_memory_bytes().unwrap() > 1 << 20);
            assert!(resident_bytes().unwrap() <= peak_memory_bytes().unwrap());
            assert!(major_faults().unwrap() < 1 << 40);
            let (open, limit) = descriptors();
            assert!(open.unwrap() > 2 && open < limit);
        }
        let before = cpu_time();
        while cpu_time() == before {}
        assert!(cpu_time() > before);
    }
}
