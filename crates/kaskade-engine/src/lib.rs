//! The state machines of a run without any I/O, the round kernel, and the in-process run.
