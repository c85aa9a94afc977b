//! certsweep, the program.

fn main() {}
