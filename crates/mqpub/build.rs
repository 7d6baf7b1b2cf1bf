//! Tells the linker where the functions belong.

#[path = "../common/link/mod.rs"]
mod link;

fn main() {
    link::in_order();
}
