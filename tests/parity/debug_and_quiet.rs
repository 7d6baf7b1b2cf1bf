//! `-d` and `--quiet`; and what is accepted only for the sake of scripts.

use harness::{Broker, unused_port};

use crate::support::{BOTH, Stage, accepts, expect};

/// Ours: on stderr, so that data stays clean.
#[test]
fn debug_messages_do_not_replace_data() {
    for name in ["-d", "--debug"] {
        let mut stage = Stage::start();
        let tool = stage.subscribed(&["-t", "a", "-C", "1", name]);
        stage.publish("a", "data");
        let output = tool.wait().assert_success();
        let on_stdout = output.stdout_str().contains("CONNACK");
        let on_stderr = output.stderr_str().contains("CONNACK");
        assert_eq!((on_stdout, on_stderr), expect((false, true), (true, false)));
        assert!(output.stdout_str().contains("data\n"), "{output}");
        if !on_stdout {
            assert_eq!(output.stdout_str(), "data\n");
        }
    }
}

#[test]
fn quiet_keeps_the_exit_code() {
    let port = unused_port();
    for tool in BOTH {
        let loud = tool().args(port.args()).run();
        let quiet = tool().args(port.args()).arg("--quiet").run();
        assert!(!loud.stderr.is_empty() && loud.status != 0, "{loud}");
        assert!(quiet.stderr.is_empty(), "{quiet}");
        assert_eq!(quiet.status, loud.status);
    }
    let broker = Broker::builder().anonymous(false).start();
    for tool in BOTH {
        let output = tool().args(broker.args()).arg("--quiet").run();
        assert_eq!(output.status, 5);
        assert!(output.stderr.is_empty(), "{output}");
    }
}

#[test]
fn nodelay_is_accepted() {
    for tool in BOTH {
        accepts(tool, &[&["--nodelay"]]);
    }
}
