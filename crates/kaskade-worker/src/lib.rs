//! Async shell round the worker machine: service, exchange, compute pool, shard cache.
