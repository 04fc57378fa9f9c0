//! Other people's programs, in a process of their own that takes its turn.
//!
//! The process is given a folder with a graph as plain arrays of little-endian `u32`, and then
//! lines `PEER WORKLOAD FIRST COUNT`; it answers each with `SECONDS TOTAL_SPREAD`, its own
//! processor time, or with `-` where the peer does not have the workload.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::csr::Csr;
use crate::measure::Measured;
use crate::workloads::Workload;

/// What the script runs.
pub const PEERS: [&str; 2] = ["cynetdiff", "pynetim"];

/// The process of all peers on one graph. It ends when this does.
#[derive(Debug)]
pub struct Peers {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peers {
    /// Starts `program` with its arguments and then `folder`, where `graph` and `seeds` are put.
    ///
    /// # Errors
    /// That of writing or starting.
    pub fn start(
        program: &[String],
        folder: &Path,
        graph: &Csr,
        seeds: &[u32],
    ) -> io::Result<Self> {
        let arrays: [(&str, &[u32]); 3] =
            [("first-arcs", &graph.first_arcs), ("targets", &graph.targets), ("seeds", seeds)];
        for (name, elements) in arrays {
            let bytes: Vec<u8> =
                elements.iter().flat_map(|element| element.to_le_bytes()).collect();
            fs::write(folder.join(name), bytes)?;
        }
        let (program, arguments) =
            program.split_first().ok_or(io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut command = Command::new(program);
        command.args(arguments).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(requests), Some(answers)) = pipes else { unreachable!("both are piped") };
        Ok(Self { child, requests, answers: BufReader::new(answers) })
    }

    /// Has `peer` run `count` simulations of `workload`; `None` where it has no such workload.
    ///
    /// # Errors
    /// When the process has died, or answers something else.
    pub fn run(
        &mut self,
        peer: &str,
        workload: Workload,
        first: u64,
        count: u64,
    ) -> io::Result<Option<Measured>> {
        let workload = workload.to_string().replace(' ', "/");
        writeln!(self.requests, "{peer} {workload} {first} {count}")?;
        self.requests.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.trim() == "-" {
            return Ok(None);
        }
        let mut numbers = answer.split_ascii_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(seconds)), Some(Ok(total_spread))) => {
                Ok(Some(Measured { elapsed: Duration::from_secs_f64(seconds), total_spread }))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, format!("{peer}: {answer:?}"))),
        }
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It waits for a request; should it not, nobody waits for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
