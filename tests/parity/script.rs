//! A shell script as people have them: it uses the original names and options only, and runs the
//! same with either set of tools.

use std::os::unix::fs::symlink;

use harness::{Broker, Tool, mqpasswd, mqpub, mqsub};

/// The programs' original names.
const NAMES: [&str; 3] = ["mosquitto_pub", "mosquitto_sub", "mosquitto_passwd"];

#[test]
fn a_script_for_the_originals_runs_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for (tool, name) in [mqpub(), mqsub(), mqpasswd()].iter().zip(NAMES) {
        symlink(tool.path(), bin.join(name)).unwrap();
    }
    let passwords = folder.path().join("passwd");
    std::fs::write(&passwords, "").unwrap();
    let broker = Broker::builder()
        .anonymous(false)
        .password_file(&passwords)
        .start();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Tool::new("sh")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/script.sh"))
        .arg(broker.port().to_string())
        .arg(&passwords)
        .arg(broker.pid().to_string())
        .env("PATH", path)
        .limit(std::time::Duration::from_secs(600))
        .run()
        .assert_code(3);
    assert_eq!(output.stdout_str(), include_str!("script.out"), "{output}");
}
