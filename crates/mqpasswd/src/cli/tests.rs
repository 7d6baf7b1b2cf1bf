//! Command lines and what they mean.

use super::*;

fn parsed(line: &str) -> Result<Parsed<Request>, Report> {
    parse(line.split(' ').map(OsString::from))
}

fn action(line: &str) -> Action {
    match parsed(line) {
        Ok(Parsed::Run(request)) => request.action,
        other => panic!("{other:?}"),
    }
}

fn error(line: &str) -> String {
    let report = parsed(line).unwrap_err();
    assert_eq!(report.exit(), Exit::PASSWD_FAILED);
    report.to_string().lines().next().unwrap().to_owned()
}

#[test]
fn the_definition_is_sound() {
    command("mqpasswd").debug_assert();
}

#[test]
fn help_fits_100_columns_and_speaks_of_the_tool_by_its_name() {
    for (tool, other) in [
        ("mqpasswd", "mosquitto_passwd"),
        ("mosquitto_passwd", "mqpasswd"),
    ] {
        for flag in ["-h", "--help"] {
            let Ok(Parsed::Show(help)) = parsed(&format!("/usr/bin/{tool} {flag}")) else {
                panic!("no help");
            };
            assert!(help.contains(tool) && !help.contains(other), "{help}");
            assert!(
                help.lines().all(|line| line.chars().count() <= 100),
                "{help}"
            );
        }
    }
}

#[test]
fn a_user_is_set_created_or_printed() {
    assert!(
        matches!(action("mqpasswd f u"), Action::Set(_, user) if matches!(user.password, Password::Asked))
    );
    assert!(matches!(action("mqpasswd -c f u"), Action::Create { .. }));
    assert!(matches!(action("mqpasswd -c - u"), Action::Print(_)));
    assert!(matches!(action("mqpasswd - u"), Action::Set(..)));
    assert!(matches!(action("mqpasswd -D f u"), Action::Delete(..)));
    assert!(matches!(action("mqpasswd -U f"), Action::HashPlain(..)));
    assert!(matches!(action("mqpasswd -b -U f"), Action::HashPlain(..)));
}

#[test]
fn a_password_may_look_like_an_option() {
    for password in ["-c", "-D", "-secret", "--", "--help", "-H", "a:b"] {
        let Action::Set(_, user) = action(&format!("mqpasswd -b f u {password}")) else {
            panic!("{password}");
        };
        let Password::Given(given) = user.password else {
            panic!("{password}");
        };
        assert_eq!(given.reveal(), password.as_bytes());
    }
}

#[test]
fn flags_may_be_clustered_and_repeated_and_the_last_value_wins() {
    assert!(matches!(
        action("mqpasswd -bc f u p"),
        Action::Create { .. }
    ));
    assert!(matches!(
        action("mqpasswd -c -c -b f u p"),
        Action::Create { .. }
    ));
    let Action::HashPlain(_, hashing) =
        action("mqpasswd -H argon2id -I5 -Hsha512-pbkdf2 -I 7 -U f")
    else {
        panic!("not -U");
    };
    assert_eq!(hashing.chosen, Some(Scheme::Sha512Pbkdf2 { iterations: 7 }));
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for pair in ["-c -D", "-c -U", "-D -U", "-b -D"] {
        let (first, second) = pair.split_once(' ').unwrap();
        for line in [
            format!("mqpasswd {first} {second} f u p"),
            format!("mqpasswd {second} {first} f u p"),
        ] {
            assert!(error(&line).contains("cannot be used with"), "{line}");
        }
    }
}

#[test]
fn the_number_of_words_is_checked_and_no_word_is_repeated() {
    for line in [
        "mqpasswd f u secret",
        "mqpasswd -b f u my secret",
        "mqpasswd -U f secret",
    ] {
        assert_eq!(
            error(line),
            "error: there are too many words on the command line"
        );
        assert!(!parsed(line).unwrap_err().to_string().contains("secret"));
    }
    assert_eq!(
        error("mqpasswd -b f u"),
        "error: -b needs the password, too"
    );
    assert_eq!(error("mqpasswd f"), "error: the user name is missing");
    assert_eq!(error("mqpasswd"), "error: PASSWORDFILE is missing");
}

#[test]
fn iterations_have_a_range_and_a_scheme() {
    for number in ["0", "-1", "2147483648", "x", ""] {
        let error = parsed(&format!("mqpasswd -I {number} f u")).unwrap_err();
        assert!(error.to_string().contains("'-I <N>'"), "{error}");
    }
    let Action::Set(_, user) = action("mqpasswd -H sha512 -I 5 f u") else {
        panic!("not a user");
    };
    assert_eq!(user.hashing.chosen, Some(Scheme::Sha512));
    assert!(error("mqpasswd -H md5 f u").contains("argon2id"));
}

#[test]
fn debug_output_hides_the_password() {
    let shown = format!("{:?}", action("mqpasswd -b f u hunter2"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_target_chooses_and_refuses_schemes() {
    let chosen = |line: &str| match action(line) {
        Action::Set(_, user) => user.hashing.chosen,
        other => panic!("{other:?}"),
    };
    assert_eq!(chosen("mqpasswd f u"), None);
    assert_eq!(chosen("mqpasswd --for 1.6 f u"), Some(Scheme::Sha512));
    assert_eq!(chosen("mqpasswd --for 2.0 f u"), Some(Scheme::default()));
    let cost = Cost {
        memory: 64,
        passes: 2,
        lanes: 1,
    };
    for line in [
        "mqpasswd --cost m=64,t=2,p=1 f u",
        "mqpasswd --for 2.1 -H argon2id --cost m=64,t=2,p=1 f u",
    ] {
        assert_eq!(chosen(line), Some(Scheme::Argon2id(cost)));
    }
    for line in [
        "mqpasswd --for 1.6 -H sha512-pbkdf2 f u",
        "mqpasswd --for 1.6 -I 5 f u",
        "mqpasswd --for 2.0 -H argon2id f u",
        "mqpasswd --for 2.0 --cost m=64,t=2,p=1 f u",
        "mqpasswd -H sha512 --cost m=64,t=2,p=1 f u",
        "mqpasswd --cost m=64,t=2 f u",
        "mqpasswd --for 1.5 f u",
    ] {
        error(line);
    }
}

#[test]
fn actions_and_sources_exclude_each_other() {
    let actions = [
        "-D",
        "-U",
        "--import x",
        "--verify",
        "--list",
        "--check",
        "--hash-only",
    ];
    for (at, first) in actions.iter().enumerate() {
        for second in &actions[at + 1..] {
            error(&format!("mqpasswd {first} {second} f u"));
        }
    }
    for line in [
        "mqpasswd -b --password-stdin f u p",
        "mqpasswd --password-stdin --generate f u",
        "mqpasswd --password-file x --password-stdin f u",
        "mqpasswd --import x --password-stdin f",
        "mqpasswd --generate --verify f u",
        "mqpasswd --generate --if-changed f u",
        "mqpasswd -c --generate - u",
        "mqpasswd -c --if-changed - u",
        "mqpasswd --generate=11 f u",
        "mqpasswd --json --hash-only u",
        "mqpasswd --owner x f u",
        "mqpasswd --mode 640 f u",
        "mqpasswd -c --mode 049 f u",
        "mqpasswd -c --mode 240 f u",
        "mqpasswd --list --if-changed f",
        "mqpasswd --hash-only -b u p",
        "mqpasswd --hash-only u p",
        "mqpasswd --list f u",
    ] {
        error(line);
    }
}
