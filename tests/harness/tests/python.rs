//! Python and its private packages.

use harness::python;

#[test]
fn each_folder_has_its_own_packages() {
    let version = "
import sys, importlib.metadata as m
print(m.version(sys.argv[1]))";
    for (folder, package, expected) in [
        ("1.6", "paho-mqtt", "1.6."),
        ("2.x", "paho-mqtt", "2."),
        ("argon2", "argon2-cffi", ""),
    ] {
        let output = python(folder, version, &[package]).run().assert_success();
        assert!(output.stdout_str().starts_with(expected), "{output}");
    }
}
