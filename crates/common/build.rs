//! Tells the linker where the unwinder comes from.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    // Only backtraces of a panic need the unwinder. As a shared library it would be found, mapped,
    // relocated and started with every run, which takes longer than publishing a message.
    if is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
