//! The migrations are embedded at compile time: a new one means a new build.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
