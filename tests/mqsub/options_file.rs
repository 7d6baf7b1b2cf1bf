//! Options files of `mqsub`: its own names, and what adds up. The rest is as with `mqpub`.

use std::fs;
use std::os::unix::fs::symlink;

use harness::{Broker, Tool, mqsub};

use crate::support::publish;

fn lines(broker: &Broker) -> String {
    let args = broker.args();
    args.chunks(2).map(|pair| pair.join(" ") + "\n").collect()
}

fn write(tool: &Tool, name: &str, text: &str) {
    fs::write(tool.home().join(".config").join(name), text).unwrap();
}

#[test]
fn topics_of_the_file_and_of_the_command_line_add_up() {
    let broker = Broker::start();
    let tool = mqsub();
    let file = "-t file/#\n-T file/no\n-U old/file\n-F %t %p\n-q 1\n-d\n";
    write(&tool, "mqsub", &format!("{}{file}", lines(&broker)));
    let running = tool
        .args(["-t", "typed/#", "-T", "typed/no", "-U", "old/typed"])
        .args(["-C", "2"])
        .spawn();
    running.wait_for_stderr("received UNSUBACK");
    for topic in ["file/no", "typed/no", "file/yes", "typed/yes"] {
        publish(&broker, &["-t", topic, "-m", "x"]);
    }
    let output = running.wait().assert_success();
    assert_eq!(output.stdout_str(), "file/yes x\ntyped/yes x\n");
    for filter in ["old/file", "old/typed"] {
        broker.wait_for_log(filter);
    }
}

#[test]
fn the_predecessors_file_is_the_second_choice_and_its_only_one() {
    let broker = Broker::start();
    let address = lines(&broker);
    let own = |text: &str| format!("{address}-t a\n-E\n{text}");

    let tool = mqsub();
    write(&tool, "mosquitto_sub", &own(""));
    tool.run().assert_success();

    let tool = mqsub();
    write(&tool, "mqsub", &own(""));
    write(&tool, "mosquitto_sub", "-nonsense");
    tool.run().assert_success();

    let folder = tempfile::TempDir::new().unwrap();
    let link = folder.path().join("mosquitto_sub");
    symlink(mqsub().path(), &link).unwrap();
    let tool = Tool::new(&link);
    write(&tool, "mosquitto_sub", &own(""));
    write(&tool, "mqsub", "-nonsense");
    tool.run().assert_success();

    let tool = Tool::new(&link);
    write(&tool, "mosquitto_sub", "-m text");
    let output = tool.run().assert_code(1);
    assert!(
        output
            .stderr_str()
            .contains("-m is not an option of mosquitto_sub"),
        "{output}"
    );
}

#[test]
fn what_is_typed_excludes_what_stands_in_the_file() {
    let broker = Broker::start();
    let tool = mqsub();
    write(&tool, "mqsub", &format!("{}-t a\n-R\n", lines(&broker)));
    publish(&broker, &["-t", "a", "-m", "kept", "-r"]);
    // -R and --retained-only contradict each other when both are typed.
    let output = tool
        .args(["--retained-only", "-C", "1"])
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "kept\n");
}

#[test]
fn a_property_in_the_file_leaves_the_command_line_alone() {
    let broker = Broker::start();
    let tool = mqsub();
    let file = "-D connect user-property key two words\n-R\n";
    write(&tool, "mqsub", &format!("{}{file}", lines(&broker)));
    publish(&broker, &["-t", "a", "-m", "kept", "-r"]);
    let output = tool
        .args(["-D", "subscribe", "subscription-identifier", "7"])
        .args(["-t", "a", "--retained-only", "-C", "1", "-F", "%S %p"])
        .run()
        .assert_success();
    assert_eq!(output.stdout_str(), "7 kept\n");

    let tool = mqsub();
    write(
        &tool,
        "mqsub",
        "-t a\n-D subscribe subscription-identifier\n",
    );
    let output = tool.run().assert_code(1);
    let stderr = output.stderr_str();
    assert!(
        stderr.starts_with("error: line 2 of the options file "),
        "{output}"
    );
    assert!(stderr.contains("a word is missing"), "{output}");
}

#[test]
fn a_line_that_cannot_be_used_is_named() {
    let tool = mqsub();
    write(&tool, "mqsub", "-t a\n-W never\n");
    let output = tool.run().assert_code(1);
    assert!(
        output
            .stderr_str()
            .starts_with("error: line 2 of the options file "),
        "{output}"
    );
}

/// All but --exec, which takes the rest of a command line.
#[test]
fn what_mosquitto_sub_does_not_have_may_stand_there_too() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a/b", "-m", "\u{1}text", "-r"]);
    let tool = mqsub();
    let saved = tempfile::tempdir().unwrap();
    let file = format!(
        "{}-t a/#\n--json\n--payload-as hex\n--exit-on-error\n--until text\n--idle-timeout 30\n\
         --changed-only\n--stats\n--remove-retained\n--dry-run\n--color never\n--save-dir {}\n",
        lines(&broker),
        saved.path().display(),
    );
    write(&tool, "mqsub", &file);
    let output = tool.run().assert_success();
    let stdout = output.stdout_str();
    assert!(stdout.contains(r#""payload":"0174657874""#), "{output}");
    let stderr = output.stderr_str();
    assert!(stderr.contains("stats: 1 message, "), "{output}");
    assert!(
        stderr.contains("note: would remove 1 retained message"),
        "{output}"
    );
    assert_eq!(fs::read_dir(saved.path().join("a/b")).unwrap().count(), 1);
    let tool = mqsub();
    write(
        &tool,
        "mqsub",
        &format!("{}-t a\n--exec cat\n", lines(&broker)),
    );
    let output = tool.run().assert_code(1);
    assert!(output.stderr_str().contains("--exec"), "{output}");
}
