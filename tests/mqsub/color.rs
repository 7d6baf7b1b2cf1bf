//! `--color`: the tool's own words may have colours, messages never have.

use harness::{Broker, mqsub, unused_port};

use crate::support::publish;

#[test]
fn messages_have_no_colors() {
    let broker = Broker::start();
    publish(&broker, &["-t", "a", "-m", "error: text", "-r"]);
    let receiver = || {
        mqsub()
            .args(broker.args())
            .args(["-t", "a", "-C", "1", "-v", "--color", "always"])
    };
    let output = receiver().run().assert_success();
    assert_eq!(output.stdout_str(), "a error: text\n");
    let terminal = receiver().env("TERM", "xterm").run_on_pty();
    assert_eq!(terminal.wait(), 0);
    assert_eq!(terminal.screen(), "a error: text\r\n");
}

#[test]
fn errors_have_colors() {
    let port = unused_port();
    let output = mqsub()
        .args(port.args())
        .args(["-t", "a", "--color=always"])
        .run()
        .assert_code(14);
    let error = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m ";
    assert!(output.stderr_str().starts_with(error), "{output}");
}
