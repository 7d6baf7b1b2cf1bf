//! Options files: `-o`, the default files, and what beats what.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use harness::{Broker, Tool, mqpub, unused_port};

use crate::support::{Collector, complaint};

/// Writes an options file that only its owner can read.
fn write(path: impl AsRef<Path>, text: impl AsRef<[u8]>) {
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// `mqpub` with this text in its default options file.
fn with_file(text: impl AsRef<[u8]>) -> Tool {
    let tool = mqpub();
    write(tool.home().join(".config/mqpub"), text);
    tool
}

/// The lines for a broker's address.
fn address(args: &[String]) -> String {
    args.chunks(2).map(|pair| pair.join(" ") + "\n").collect()
}

#[test]
fn everything_may_stand_in_the_file() {
    let broker = Collector::start();
    let address = address(&broker.args());
    with_file(format!(
        "# a comment\n\n{address}-t from/file\n-q 1\r\n-m  two  words \n-r"
    ))
    .run()
    .assert_success();
    let messages = broker.finish();
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message.topic, "from/file");
    assert_eq!(message.payload, b" two  words ");
    assert_eq!((message.qos, message.retain), (1, true));
}

#[test]
fn the_file_is_sought_in_the_folder_for_configuration() {
    let broker = Collector::start();
    let address = address(&broker.args());
    for (variable, folder) in [("XDG_CONFIG_HOME", "elsewhere"), ("HOME", "home2/.config")] {
        let tool = mqpub();
        let root = tool.home();
        fs::create_dir_all(root.join(folder)).unwrap();
        write(
            root.join(folder).join("mqpub"),
            format!("{address}-t a\n-m {variable}"),
        );
        let tool = match variable {
            // Unset counts as empty.
            "HOME" => tool
                .env("XDG_CONFIG_HOME", "")
                .env("HOME", root.join("home2")),
            _ => tool.env(variable, root.join(folder)),
        };
        tool.run().assert_success();
    }
    assert_eq!(broker.payloads(), [&b"XDG_CONFIG_HOME"[..], b"HOME"]);
}

#[test]
fn the_predecessors_file_is_read_when_there_is_no_own() {
    let broker = Collector::start();
    let address = address(&broker.args());
    let tool = mqpub();
    write(
        tool.home().join(".config/mosquitto_pub"),
        format!("{address}-t a\n-m theirs"),
    );
    tool.run().assert_success();

    let tool = with_file(format!("{address}-t a\n-m ours"));
    write(tool.home().join(".config/mosquitto_pub"), "-nonsense");
    tool.run().assert_success();
    assert_eq!(broker.payloads(), [&b"theirs"[..], b"ours"]);
}

#[test]
fn a_named_file_stands_for_the_default_one() {
    let broker = Collector::start();
    let address = address(&broker.args());
    for option in [&["-o"][..], &["-rdo"], &["--options-file"]] {
        let tool = with_file("-nonsense");
        let path = tool.home().join("other");
        write(&path, format!("{address}-t a\n-m named"));
        tool.args(option).arg(path).run().assert_success();
    }
    let tool = with_file("-nonsense");
    tool.args(broker.args())
        .args(["-t", "a", "-m", "none", "-o", "/dev/null"])
        .run()
        .assert_success();
    assert_eq!(
        broker.payloads(),
        [&b"named"[..], b"named", b"named", b"none"]
    );
}

#[test]
fn the_command_line_beats_the_file() {
    let broker = Collector::start();
    let nobody = unused_port();
    let address = address(&nobody.args());
    with_file(format!(
        "{address}-t from/file\n-q 2\n-i one\n-m file\n-k 7"
    ))
    .args(broker.args())
    .args(["-t", "typed", "-q", "0", "-m", "typed", "-k", "8"])
    .run()
    .assert_success();
    let messages = broker.finish();
    assert_eq!(messages[0].topic, "typed");
    assert_eq!(
        (messages[0].qos, &messages[0].payload[..]),
        (0, &b"typed"[..])
    );
}

#[test]
fn what_is_typed_excludes_what_stands_in_the_file() {
    let broker = Collector::start();
    let address = address(&broker.args());
    for (file, args) in [
        ("-m file\n--repeat 3", &["-l"][..]),
        ("-l", &["-m", "typed"]),
        ("-f missing", &["-s"]),
        ("-i one\n-m file", &["-I", "two", "-s"]),
        ("-I one\n-l", &["-i", "two"]),
        ("--unix /missing\n-l", &["-h", "127.0.0.1"]),
    ] {
        with_file(format!("{address}-t a\n{file}"))
            .args(args)
            .stdin("typed")
            .run()
            .assert_success();
    }
    assert_eq!(broker.payloads(), [b"typed"; 6]);
}

/// The packet's properties as they go over the wire, of one message.
#[track_caller]
fn properties(file: &str, args: &[&str]) -> Vec<u8> {
    let broker = Collector::start();
    with_file(file)
        .args(broker.args())
        .args(["-t", "a", "-m", "x"])
        .args(args)
        .run()
        .assert_success();
    broker.next().properties
}

#[test]
fn properties_may_stand_in_the_file() {
    assert_eq!(properties("-D publish content-type x", &[]), b"\x03\0\x01x");
    assert_eq!(
        properties("--property publish  user-property  key two  words ", &[]),
        b"\x26\0\x03key\0\x0btwo  words "
    );
    // They add up with typed ones, and what was typed beats the file.
    let typed = ["-D", "publish", "user-property", "b", "2"];
    assert_eq!(
        properties("-D publish user-property a 1", &typed),
        b"\x26\0\x01a\0\x011\x26\0\x01b\0\x012"
    );
    assert_eq!(
        properties(
            "-D publish content-type file",
            &["-D", "publish", "content-type", "typed"]
        ),
        b"\x03\0\x05typed"
    );
}

#[test]
fn a_property_of_the_file_that_is_incomplete_or_wrong_is_named() {
    for (line, cause) in [
        ("-D publish", "a word is missing"),
        ("-D publish content-type", "a word is missing"),
        ("-D publish user-property key", "a word is missing"),
        ("-D publish topic-alias 0", "from 1 to 65535"),
    ] {
        let output = with_file(format!("# here\n{line}\n"))
            .args(["-t", "a", "-m", "x"])
            .run();
        let complaint = complaint(output, 1);
        assert!(
            complaint.error.starts_with("line 2 of the options file "),
            "{complaint:?}"
        );
        assert!(complaint.cause.contains(cause), "{complaint:?}");
    }
}

#[test]
fn what_is_typed_after_a_property_counts_like_all_else() {
    let property = ["-D", "publish", "content-type", "x"];
    let broker = Collector::start();
    let address = address(&broker.args());

    let tool = with_file("-nonsense");
    let path = tool.home().join("other");
    write(&path, format!("{address}-t a"));
    tool.args(["-m", "named"])
        .args(property)
        .arg("-o")
        .arg(path)
        .run()
        .assert_success();
    for (file, args) in [
        ("-i file\n-m file", &["-I", "pre", "-m", "typed"][..]),
        ("-m file", &["-s"]),
        ("-D publish user-property a b\n-l", &["-m", "typed"]),
    ] {
        with_file(format!("{address}-t a\n{file}"))
            .args(property)
            .args(args)
            .stdin("typed")
            .run()
            .assert_success();
    }
    assert_eq!(
        broker.payloads(),
        [&b"named"[..], b"typed", b"typed", b"typed"]
    );
}

#[test]
fn quiet_after_a_property_silences_the_warning() {
    let nobody = unused_port();
    let tool = with_file("-u me\n-P hunter2");
    let path = tool.home().join(".config/mqpub");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let output = tool
        .args(nobody.args())
        .args(["-t", "a", "-m", "x", "-D", "publish", "content-type", "x"])
        .arg("--quiet")
        .run()
        .assert_code(14);
    assert!(output.stderr.is_empty(), "{output}");
}

#[test]
fn tls_that_is_typed_is_not_ignored_because_of_the_file() {
    let nobody = unused_port();
    let output = with_file("--no-tls\n-t a\n-m x")
        .args(nobody.args())
        .args(["--cafile", "/missing"])
        .run();
    let complaint = complaint(output, 8);
    assert!(complaint.error.contains("/missing"), "{complaint:?}");
}

#[test]
fn a_url_and_the_options_it_replaces_count_in_their_order() {
    let broker = Collector::start();
    let nobody = unused_port();
    let port = broker.args()[3].clone();
    let url = format!("mqtt://127.0.0.1:{port}/from/url");
    // Typed options come after the URL of the file.
    let stale = format!("mqtt://127.0.0.1:{}/from/url", nobody.args()[3]);
    with_file(format!("-L {stale}\n-m x"))
        .args(broker.args())
        .args(["-t", "typed"])
        .run()
        .assert_success();
    // A typed URL comes after the options of the file.
    with_file(format!("{}-t stale\n-m x", address(&nobody.args())))
        .args(["-L", &url])
        .run()
        .assert_success();
    let topics: Vec<_> = broker.finish().into_iter().map(|m| m.topic).collect();
    assert_eq!(topics, ["typed", "from/url"]);
}

#[test]
fn a_line_that_cannot_be_used_is_named_and_nothing_is_sent() {
    for (line, cause) in [
        ("hunter2", "it does not begin with an option"),
        ("-Phunter2", "-P needs a blank behind it"),
        ("--foo hunter2", "--f... is not an option of mqpub"),
        ("--pwhunter2", "--pw needs a blank or = behind it"),
        ("--pw:hunter2", "--pw needs a blank or = behind it"),
        ("--pashunter2", "--pas... is not an option of mqpub"),
        ("--hunter2", "--h... is not an option of mqpub"),
        ("-m", "-m needs a value"),
        ("-r hunter2", "-r takes no value"),
        ("-q 3", "QoS is 0, 1 or 2"),
        ("-p 65536", "--port"),
        ("-V mqttv4", "--protocol-version"),
        ("--help", "has no place"),
        ("--version", "has no place"),
        ("-o other", "has no place"),
    ] {
        let nobody = unused_port();
        let tool = with_file(format!("# secrets\n-P hunter2\n{line}\n-u me"));
        let path = tool.home().join(".config/mqpub");
        let output = tool.args(nobody.args()).args(["-t", "a", "-m", "x"]).run();
        let complaint = complaint(output, 1);
        let error = format!(
            "line 3 of the options file {} cannot be used",
            path.display()
        );
        assert_eq!(complaint.error, error);
        assert!(complaint.cause.contains(cause), "{complaint:?}");
        assert!(
            !format!("{complaint:?}").contains("hunter2"),
            "{complaint:?}"
        );
    }
}

#[test]
fn lines_that_exclude_each_other_are_named() {
    let output = with_file("-m x\n-t a\n-l").run();
    let complaint = complaint(output, 1);
    assert!(
        complaint.error.starts_with("lines 1 and 3 of "),
        "{complaint:?}"
    );
    assert_eq!(complaint.cause, "-l cannot be used with -m");
}

#[test]
fn what_a_line_needs_is_told_with_the_file() {
    let output = with_file("-c").args(["-t", "a", "-m", "x"]).run();
    let complaint = complaint(output, 1);
    assert!(complaint.error.contains("--id"), "{complaint:?}");
    assert!(complaint.note.contains(".config/mqpub"), "{complaint:?}");
}

#[test]
fn a_typed_mistake_is_told_as_always() {
    let output = with_file("-q 1").args(["-t", "a", "--mesage", "x"]).run();
    let complaint = complaint(output, 1);
    assert!(complaint.hint.contains("--message"), "{complaint:?}");
}

#[test]
fn help_needs_no_valid_file() {
    for option in ["--help", "--version"] {
        let output = with_file("-nonsense").arg(option).run().assert_success();
        assert!(output.stderr.is_empty(), "{output}");
    }
}

#[test]
fn a_named_file_must_be_there_and_a_file() {
    for (path, cause) in [
        ("missing", "No such file"),
        ("/", "Is a directory"),
        ("/dev/zero", "larger than"),
    ] {
        let output = mqpub().args(["-t", "a", "-m", "x", "-o", path]).run();
        let code = if path == "/dev/zero" { 1 } else { 14 };
        let complaint = complaint(output, code);
        assert!(complaint.error.contains(path), "{complaint:?}");
        assert!(complaint.cause.contains(cause), "{complaint:?}");
    }
}

#[test]
fn a_default_file_that_leads_nowhere_is_an_error_and_a_folder_is_none() {
    let tool = mqpub();
    std::os::unix::fs::symlink("missing", tool.home().join(".config/mqpub")).unwrap();
    let complaint = complaint(tool.args(["-t", "a", "-m", "x"]).run(), 14);
    assert!(complaint.error.contains(".config/mqpub"), "{complaint:?}");

    let broker = Collector::start();
    let tool = broker.mqpub(["-m", "x"]);
    fs::create_dir(tool.home().join(".config/mqpub")).unwrap();
    tool.run().assert_success();
    assert_eq!(broker.payloads(), [b"x"]);
}

#[test]
fn a_password_that_everybody_can_read_gets_a_warning() {
    for (line, mode, is_warned) in [
        ("-P hunter2", 0o644, true),
        ("-P hunter2", 0o640, false),
        ("-P hunter2", 0o600, false),
        ("-L mqtt://me:hunter2@127.0.0.1:1/a", 0o644, true),
        ("-L mqtt://127.0.0.1:1/a", 0o644, false),
        ("-i hunter2", 0o644, false),
        ("-P hunter2\n--quiet", 0o644, false),
    ] {
        let nobody = unused_port();
        let tool = with_file(format!("-u me\n{line}"));
        let path = tool.home().join(".config/mqpub");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let output = tool
            .args(nobody.args())
            .args(["-t", "a", "-m", "x"])
            .run()
            .assert_code(14);
        let warning = format!(
            "warning: everybody on this machine can read the password in {}",
            path.display()
        );
        assert_eq!(
            output.stderr_str().starts_with(&warning),
            is_warned,
            "{output}"
        );
        assert!(!output.stderr_str().contains("hunter2"), "{output}");
    }
}

/// The same file means the same to both, wherever the original can read it.
#[test]
fn the_original_reads_these_lines_alike() {
    let broker = Broker::start();
    let mut subscriptions = 0;
    for (index, lines) in [
        "-m text",
        "-m  two  words ",
        "  -m text",
        "-m \"quoted\"",
        "-m text\r",
        "\n\n-m text\n\n",
        "#-m no\n-m text",
        "-m -m",
        "-m text\n-r ",
        "-q 1 \n-m  x",
        "-q  2\n-m text",
        "--message long option",
        "-m text\n-t other/topic",
    ]
    .into_iter()
    .enumerate()
    {
        let seen: Vec<_> = [mqpub().path(), Path::new("mosquitto_pub")]
            .into_iter()
            .map(|program| {
                let topic = format!("topic/{index}");
                let subscriber = Tool::new("mosquitto_sub")
                    .args(broker.args())
                    .args(["-q", "2", "-t", "topic/#", "-t", "other/#"])
                    .args(["-C", "1", "-R", "-F", "%t %q [%p]"])
                    .spawn();
                subscriptions += 1;
                broker.wait_for_log_times("Sending SUBACK", subscriptions);
                let tool = Tool::new(program);
                write(
                    tool.home().join(".config/mosquitto_pub"),
                    format!("-t {topic}\n{lines}\n"),
                );
                tool.args(broker.args()).run().assert_success();
                subscriber.wait().assert_success().stdout_str().to_owned()
            })
            .collect();
        assert_eq!(seen[0], seen[1], "{lines:?}");
    }
}

#[test]
fn what_mosquitto_pub_does_not_have_may_stand_there_too() {
    let broker = Collector::start();
    let address = broker.args();
    let address: String = address
        .chunks(2)
        .map(|pair| pair.join(" ") + "\n")
        .collect();
    for (file, stdin, expected) in [
        (
            "-t a\n--template {seq} {{seq}}\n--repeat 2\n--rate 50/s\n--progress never\n",
            "",
            &["1 {seq}", "2 {seq}"][..],
        ),
        (
            "--json-lines\n--on-bad-line skip\n--color auto\n--quiet\n",
            "bad\n{\"topic\":\"a\",\"payload\":\"good\"}\n",
            &["good"],
        ),
        (
            "-l\n--topic-separator \t\n-0\n--payload-is hex\n",
            "a\t6869\0",
            &["hi"],
        ),
        (
            "-t a\n-m 6869\n--payload-is hex\n--every 10ms\n--repeat 1\n",
            "",
            &["hi"],
        ),
    ] {
        let tool = mqpub();
        let path = tool.home().join(".config").join("mqpub");
        write(path, format!("{address}{file}"));
        tool.stdin(stdin).run().assert_success();
        for text in expected {
            assert_eq!(broker.next().payload, text.as_bytes(), "{file}");
        }
    }
    assert!(broker.payloads().is_empty());
}
