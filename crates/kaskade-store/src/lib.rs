//! Graph directories: written once, mapped read-only, verified.
