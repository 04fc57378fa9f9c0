//! What a token is good for: one table from calls to roles.

use std::fmt;
use std::str::FromStr;

/// What the holder of a token may do. A role has no more than its work needs: an admin is no
/// worker, and a worker can hand in no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Looks at jobs, workers and graphs, and takes results.
    Viewer,
    /// Also hands in jobs, and ends its own.
    Submitter,
    /// Also registers graphs, and ends anybody's jobs.
    Admin,
    /// Works for the coordinator and exchanges slices with other workers.
    Worker,
}

use Role::{Admin, Submitter, Viewer, Worker};

/// What the requests of a call bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// Names and numbers.
    Names,
    /// A spec or a manifest.
    Document,
    /// Messages, as many as there are.
    Stream,
}

/// What the requests to `path` bring.
pub(crate) fn carries(path: &str) -> Carries {
    match path.rsplit('/').next() {
        Some("Submit" | "BeginPush") => Carries::Document,
        Some("PushFile" | "Session" | "Exchange") => Carries::Stream,
        _ => Carries::Names,
    }
}

/// Every call of every service, and who may make it. What is not listed, nobody may.
pub const RPCS: [(&str, &[Role]); 14] = [
    ("/kaskade.v1.Jobs/Submit", &[Submitter, Admin]),
    ("/kaskade.v1.Jobs/List", &[Viewer, Submitter, Admin]),
    ("/kaskade.v1.Jobs/Status", &[Viewer, Submitter, Admin]),
    ("/kaskade.v1.Jobs/Watch", &[Viewer, Submitter, Admin]),
    ("/kaskade.v1.Jobs/Results", &[Viewer, Submitter, Admin]),
    ("/kaskade.v1.Jobs/Cancel", &[Submitter, Admin]),
    ("/kaskade.v1.Jobs/ListWorkers", &[Viewer, Submitter, Admin]),
    ("/kaskade.v1.Graphs/List", &[Viewer, Submitter, Admin]),
    ("/kaskade.v1.Graphs/BeginPush", &[Admin]),
    ("/kaskade.v1.Graphs/PushFile", &[Admin]),
    ("/kaskade.v1.Graphs/FinishPush", &[Admin]),
    ("/kaskade.v1.Control/Session", &[Worker]),
    ("/kaskade.v1.Control/FetchFile", &[Worker]),
    ("/kaskade.v1.Exchange/Exchange", &[Worker]),
];

/// Who may make the call of `path`, `/package.Service/Method`.
#[must_use]
pub fn allowed(path: &str) -> &'static [Role] {
    RPCS.iter().find(|(listed, _)| *listed == path).map_or(&[], |(_, roles)| roles)
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Viewer, Submitter, Admin, Worker];

    /// Its name, as a token file has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Viewer => "viewer",
            Submitter => "submitter",
            Admin => "admin",
            Worker => "worker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let named = Self::ALL.into_iter().find(|role| role.as_str() == text);
        named.ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// A text that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no role: use viewer, submitter, admin or worker")]
pub struct UnknownRole(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    /// Every call of every service in `proto/`, listed by the build script.
    const DESCRIBED: &[&str] = include!(concat!(env!("OUT_DIR"), "/rpcs.rs"));

    #[test]
    fn the_table_lists_every_call_that_there_is() {
        let mut listed = RPCS.map(|(path, _)| path).to_vec();
        let mut described = DESCRIBED.to_vec();
        listed.sort_unstable();
        described.sort_unstable();
        assert_eq!(listed, described, "a new call needs a row that says who may make it");
        assert!(RPCS.iter().all(|(_, roles)| !roles.is_empty()));
        assert_eq!(allowed("/kaskade.v1.Jobs/Drop"), &[] as &[Role]);
    }

    #[test]
    fn workers_and_people_have_nothing_in_common() {
        for (path, roles) in RPCS {
            assert!(!roles.contains(&Worker) || roles.len() == 1, "{path}");
        }
    }

    #[test]
    fn names_read_back() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().is_err());
    }
}
