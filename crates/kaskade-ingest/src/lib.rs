//! Any graph file to a graph directory; synthetic generators.
