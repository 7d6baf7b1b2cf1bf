//! `-T`: topics that are not printed.

use harness::mqsub;

use crate::support::{printed, refuses};

#[test]
fn matching_topics_are_left_out() {
    let messages = [
        ("home", "0"),
        ("home/a", "1"),
        ("home/a/b", "2"),
        ("other", "3"),
        ("/", "4"),
        ("home/", "5"),
        ("end", "."),
    ];
    for (filter, out) in [
        ("home", "1\n2\n3\n4\n5\n.\n"),
        ("home/#", "3\n4\n.\n"),
        ("home/+", "0\n2\n3\n4\n.\n"),
        ("+/+", "0\n2\n3\n.\n"),
        ("+/a/#", "0\n3\n4\n5\n.\n"),
        ("none", "0\n1\n2\n3\n4\n5\n.\n"),
    ] {
        let count = out.lines().count().to_string();
        for name in ["-T", "--filter-out"] {
            let args = ["-t", "#", name, filter, "-C", &count];
            assert_eq!(printed(&args, &messages), out, "{filter}");
        }
    }
}

#[test]
fn a_filter_must_be_valid() {
    for filter in ["a/#/b", "a#", "a+/b"] {
        refuses(mqsub, &[&["-t", "a", "-T", filter]]);
    }
}
