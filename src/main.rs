//! noctis
fn main() {}
