//! The checked-in completions in real bash, zsh and fish: what mqpub does not have. The options of
//! both are tested there.

use harness::completions::assert_offers;

#[test]
fn values_are_completed() {
    assert_offers(
        "mqsub",
        &[
            ("mqsub -q ", &["0", "1", "2"]),
            (
                "mqsub --payload-as ",
                &["text", "hex", "base64", "json", "cbor", "msgpack"],
            ),
            ("mqsub --payload-as=c", &["cbor"]),
            ("mqsub -w --watch-sort ", &["arrival", "name"]),
            ("mqsub --retain-handling ", &["always", "new", "never"]),
            ("mqsub --save-dir ", &["album"]),
            ("mqsub -t ", &[]),
            ("mqsub -F ", &[]),
            ("mqsub -D subscribe subs", &["subscription-identifier"]),
        ],
    );
}

#[test]
fn the_command_of_exec_and_its_files_are_completed() {
    assert_offers(
        "mqsub",
        &[
            ("mqsub -t x --exec mktem", &["mktemp"]),
            ("mqsub -t x --exec cat pic", &["picture.jpg"]),
            ("mqsub -t x --exec cat -n pic", &["picture.jpg"]),
        ],
    );
}
