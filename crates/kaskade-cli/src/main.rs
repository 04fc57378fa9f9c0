//! What a person types: the binary `kaskade` wires everything.
fn main() {}
