//! Many at once on one file: every change is kept.

use std::collections::BTreeSet;

use crate::support::Folder;

const ROUNDS: usize = 20;

/// In each round 50 processes: 30 add a user, 10 change a password, 10 remove a user of the
/// round before.
#[test]
fn fifty_processes_in_twenty_rounds_lose_nobody() {
    let folder = Folder::with("# everybody\nkeeper:x\n");
    let mut expected = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut commands: Vec<Vec<String>> = Vec::new();
        let command = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        for n in 0..30 {
            let user = format!("user{round}-{n}");
            commands.push(command(&["-I", "1", "-b", "passwd", &user, &user]));
            expected.insert(user);
        }
        if let Some(before) = round.checked_sub(1) {
            for n in 0..10 {
                let user = format!("user{before}-{n}");
                let password = format!("new{user}");
                commands.push(command(&["-I", "1", "-b", "passwd", &user, &password]));
                let user = format!("user{before}-{}", n + 10);
                commands.push(command(&["-D", "passwd", &user]));
                expected.remove(&user);
            }
        }
        let running: Vec<_> = commands
            .iter()
            .map(|args| {
                let args: Vec<_> = args.iter().map(String::as_str).collect();
                folder.mqpasswd(&args).spawn()
            })
            .collect();
        for tool in running {
            tool.wait().assert_success();
        }
        let text = folder.text();
        let found: BTreeSet<_> = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.starts_with("keeper"))
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect();
        assert_eq!(found, expected, "after round {round}");
        assert!(text.starts_with("# everybody\nkeeper:x\n"));
        assert_eq!(text.lines().count(), 2 + expected.len());
        assert_eq!(folder.names(), ["passwd"]);
    }
    assert!(folder.admits("user3-25", "user3-25"));
    assert!(folder.admits("user3-5", "newuser3-5"));
}
