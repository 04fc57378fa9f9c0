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
        Some("PushFile" | "Session" | "Exchange" | "ServerReflectionInfo") => Carries::Stream,
        _ => Carries::Names,
    }
}

/// Calls that anybody may make, without a token. They tell nothing of anybody's work.
pub const OPEN: [&str; 1] = ["/grpc.health.v1.Health/Check"];

/// Every other call of every service, and who may make it. What is not listed, nobody may.
pub const RPCS: [(&str, &[Role]); 16] = [
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
    ("/grpc.health.v1.Health/Watch", &[Viewer, Submitter, Admin]),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", &[Viewer, Submitter, Admin]),
];

/// Whether anybody may make the call of `path`.
pub(crate) fn is_open(path: &str) -> bool {
    OPEN.contains(&path)
}

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
    use prost::Message;

    use super::*;

    /// Every call of every service in `proto/`, listed by the build script.
    const DESCRIBED: &[&str] = include!(concat!(env!("OUT_DIR"), "/rpcs.rs"));

    /// The calls of services that other crates bring.
    fn described_elsewhere() -> Vec<String> {
        let descriptors =
            [tonic_health::pb::FILE_DESCRIPTOR_SET, tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET];
        let mut calls = Vec::new();
        for descriptors in descriptors {
            let set = prost_types::FileDescriptorSet::decode(descriptors).unwrap();
            for file in &set.file {
                for service in &file.service {
                    let of = format!("/{}.{}", file.package(), service.name());
                    let methods = service.method.iter();
                    calls.extend(methods.map(|method| format!("{of}/{}", method.name())));
                }
            }
        }
        calls
    }

    #[test]
    fn the_table_lists_every_call_that_there_is() {
        let mut listed: Vec<&str> = RPCS.iter().map(|(path, _)| *path).chain(OPEN).collect();
        let elsewhere = described_elsewhere();
        let mut described = DESCRIBED.to_vec();
        described.extend(elsewhere.iter().map(String::as_str));
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
