//! `--save-dir`: a file for each message, where its topic says, and nowhere else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Broker, mqsub, unused_port};
use tempfile::TempDir;

use crate::support::{VERSIONS, publish, publish_lines, subscribe, subscribed};

fn folder() -> (TempDir, String) {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("saved").to_str().unwrap().to_owned();
    (outer, path)
}

/// What was saved: by its folder's path, the contents of its files in the order of their names.
fn saved(root: &str) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut found = BTreeMap::new();
    // Paths may be longer than the system takes.
    walk(Path::new(root), String::new(), &mut found);
    found
}

fn walk(root: &Path, below: String, found: &mut BTreeMap<String, Vec<Vec<u8>>>) {
    let mut entries: Vec<_> = fs::read_dir(root).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), format!("{below}/{name}"), found);
        } else {
            assert!(name.ends_with(".msg"), "{below}/{name}");
            let files = found.entry(below.clone()).or_default();
            files.push(fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn each_message_has_its_file() {
    let broker = Broker::start();
    for version in VERSIONS {
        for qos in ["0", "1", "2"] {
            let (outer, path) = folder();
            let options = [
                "-V",
                version,
                "-q",
                qos,
                "-t",
                "home/#",
                "--save-dir",
                &path,
            ];
            let mqsub = subscribed(&broker, &[&options[..], &["-C", "4"]].concat());
            publish_lines(&broker, "home/door", qos, &["open", "shut", "open"]);
            let binary = outer.path().join("binary");
            fs::write(&binary, b"\x00\xff\nbytes").unwrap();
            let binary = binary.to_str().unwrap();
            publish(&broker, &["-t", "home/camera 1", "-f", binary, "-q", qos]);
            let output = mqsub.wait().assert_success();
            assert_eq!(output.stdout_str(), "");
            let expected = BTreeMap::from([
                (
                    "/home/camera 1".to_owned(),
                    vec![b"\x00\xff\nbytes".to_vec()],
                ),
                (
                    "/home/door".to_owned(),
                    ["open", "shut", "open"]
                        .map(|text| text.as_bytes().to_vec())
                        .to_vec(),
                ),
            ]);
            assert_eq!(saved(&path), expected);
        }
    }
}

/// Another run adds to what is there.
#[test]
fn nothing_is_overwritten() {
    let broker = Broker::start();
    let (_outer, path) = folder();
    for text in ["1", "2", "3"] {
        let mqsub = subscribed(&broker, &["-t", "a", "--save-dir", &path, "-C", "1"]);
        publish(&broker, &["-t", "a", "-m", text]);
        mqsub.wait().assert_success();
    }
    let expected = vec![b"1".to_vec(), b"2".to_vec(), b"3".to_vec()];
    assert_eq!(saved(&path), BTreeMap::from([("/a".to_owned(), expected)]));
}

/// Each into the folder, under a name that no other topic has.
#[test]
fn no_topic_leads_out_of_the_folder_or_into_anothers() {
    let broker = Broker::start();
    let (outer, path) = folder();
    let long = "ü".repeat(300);
    let deep = format!("{}end", "0123456789/".repeat(100));
    let huge = "x".repeat(60_000);
    let topics = [
        "../escape",
        "../../escape",
        "/absolute",
        "a//b",
        "a/b",
        "a%2Fb",
        "a/b.msg",
        "a/b%2Emsg",
        ".",
        "..",
        "%",
        "%2E",
        &long,
        &deep,
        &huge,
        &huge[..59_999],
    ];
    let count = topics.len().to_string();
    let options = ["-t", "#", "--save-dir", &path, "-C", &count];
    let mqsub = subscribed(&broker, &options);
    for topic in topics {
        publish(
            &broker,
            &["-t", topic, "-m", topic.get(..10).unwrap_or(topic)],
        );
    }
    mqsub.wait().assert_success();
    let beside: Vec<_> = fs::read_dir(outer.path()).unwrap().collect();
    assert_eq!(beside.len(), 1);
    // The paths of the long ones are too long for one call of the system.
    let count = |arguments: &[&str]| {
        let output = Command::new("find")
            .arg(&path)
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout.iter().filter(|&&byte| byte == b'\n').count()
    };
    assert_eq!(count(&["-type", "f", "-printf", "\n"]), topics.len());
    assert_eq!(
        count(&["-type", "f", "-not", "-name", "*.msg", "-printf", "\n"]),
        0
    );
    for folder in [
        "%2E./escape",
        "%/absolute",
        "a/%/b",
        "a/b",
        "a%252Fb",
        "a/b%2Emsg",
        "%2E",
        "%2E.",
    ] {
        let files = fs::read_dir(PathBuf::from(&path).join(folder)).unwrap();
        let is_file = |entry: &fs::DirEntry| entry.file_type().unwrap().is_file();
        assert_eq!(
            files.map(Result::unwrap).filter(is_file).count(),
            1,
            "{folder}"
        );
    }
}

#[test]
fn what_is_asked_for_is_printed_too() {
    let broker = Broker::start();
    let (_outer, path) = folder();
    for (options, expected) in [(&["-v"][..], "a text\n"), (&["-F", "%l"], "4\n")] {
        let options = [&["-t", "a", "-C", "1", "--save-dir", &path], options].concat();
        let mqsub = subscribed(&broker, &options);
        publish(&broker, &["-t", "a", "-m", "text"]);
        assert_eq!(mqsub.wait().assert_success().stdout_str(), expected);
    }
    assert_eq!(saved(&path)["/a"].len(), 2);
}

/// A file has all its bytes as soon as it has its name.
#[test]
fn a_file_appears_as_a_whole() {
    const SIZE: usize = 20_000_000;
    let broker = Broker::start();
    let (outer, path) = folder();
    let payload = outer.path().join("payload");
    fs::write(&payload, vec![b'x'; SIZE]).unwrap();
    let mqsub = subscribed(&broker, &["-t", "a", "-C", "3", "--save-dir", &path]);
    for count in 1..=3 {
        publish(&broker, &["-t", "a", "-f", payload.to_str().unwrap()]);
        let start = Instant::now();
        loop {
            let folder = fs::read_dir(format!("{path}/a"));
            let files: Vec<_> = folder.into_iter().flatten().map(Result::unwrap).collect();
            for file in &files {
                assert_eq!(file.metadata().unwrap().len(), SIZE as u64);
            }
            if files.len() == count {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(60));
        }
    }
    mqsub.wait().assert_success();
    // No draft is left.
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

/// Who may write to the folder cannot have another file overwritten by a link under the name of a draft.
#[test]
fn a_link_in_the_place_of_a_draft_is_not_followed() {
    let broker = Broker::start();
    let (outer, path) = folder();
    let victim = outer.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let mqsub = subscribed(&broker, &["-t", "a", "--save-dir", &path, "-C", "2"]);
    publish(&broker, &["-t", "a", "-m", "first"]);
    let start = Instant::now();
    let name = loop {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "nothing is saved"
        );
        let mut files = fs::read_dir(format!("{path}/a")).into_iter().flatten();
        match files.next() {
            Some(file) => break file.unwrap().file_name().into_string().unwrap(),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let tag = name
        .strip_suffix(".msg")
        .unwrap()
        .rsplit('-')
        .next()
        .unwrap();
    symlink(&victim, format!("{path}/.mqsub-{tag}")).unwrap();
    publish(&broker, &["-t", "a", "-m", "second"]);
    mqsub.wait().assert_success();
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    let files = BTreeMap::from([("/a".to_owned(), vec![b"first".to_vec(), b"second".to_vec()])]);
    assert_eq!(saved(&path), files);
}

/// What is in the way ends it, and the message stays with the broker.
#[test]
fn what_cannot_be_saved_is_not_acknowledged() {
    let broker = Broker::start();
    let (outer, path) = folder();
    let elsewhere = outer.path().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::create_dir_all(&path).unwrap();
    fs::write(format!("{path}/file"), "").unwrap();
    symlink(&elsewhere, format!("{path}/link")).unwrap();
    for topic in ["file", "link"] {
        let session = ["-i", topic, "-c", "-q", "1", "-t", topic];
        let run = |more: &[&str]| subscribe(&broker, &[&session, more].concat());
        run(&["-E"]).assert_success();
        publish(&broker, &["-t", topic, "-m", "text", "-q", "1"]);
        let output = run(&["--save-dir", &path]).assert_code(14);
        let error = format!(
            "error: cannot save a message on the topic {topic:?} to the folder {path:?}\ncause: "
        );
        assert!(output.stderr_str().starts_with(&error), "{output}");
        assert_eq!(run(&["-C", "1"]).assert_success().stdout_str(), "text\n");
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // No draft either.
    assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
}

#[test]
fn a_folder_that_was_removed_is_made_again() {
    let broker = Broker::start();
    let (_outer, path) = folder();
    let mqsub = subscribed(
        &broker,
        &["-t", "a/b", "-v", "-C", "2", "--save-dir", &path],
    );
    publish(&broker, &["-t", "a/b", "-m", "1"]);
    mqsub.wait_for_stdout("a/b 1\n");
    // It is printed before it is saved.
    let start = Instant::now();
    while fs::read_dir(format!("{path}/a/b")).map_or(0, Iterator::count) == 0 {
        assert!(start.elapsed() < Duration::from_secs(60));
    }
    fs::remove_dir_all(format!("{path}/a")).unwrap();
    publish(&broker, &["-t", "a/b", "-m", "2"]);
    mqsub.wait().assert_success();
    assert_eq!(
        saved(&path),
        BTreeMap::from([("/a/b".to_owned(), vec![b"2".to_vec()])])
    );
}

/// What is saved may be removed from the broker.
#[test]
fn retained_messages_move_to_the_folder() {
    let broker = Broker::start();
    let (_outer, path) = folder();
    publish(&broker, &["-t", "a", "-m", "1", "-r"]);
    publish(&broker, &["-t", "b", "-m", "2", "-r"]);
    let options = [
        "-t",
        "#",
        "-C",
        "2",
        "--remove-retained",
        "--save-dir",
        &path,
    ];
    let output = subscribe(&broker, &options).assert_success();
    assert_eq!(output.stderr_str(), "note: removed 2 retained messages\n");
    assert_eq!(saved(&path).len(), 2);
}

#[test]
fn a_folder_that_cannot_be_is_told_before_the_connection() {
    let port = unused_port();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("below");
    let path = path.to_str().unwrap();
    let output = mqsub()
        .args(port.args())
        .args(["-t", "a", "--save-dir", path])
        .run()
        .assert_code(14);
    let error = format!("error: cannot save to the folder {path:?}\n");
    assert!(output.stderr_str().starts_with(&error), "{output}");
}
