//! Fixtures, exact oracles, a plain reference simulator, process clusters. For tests only.
