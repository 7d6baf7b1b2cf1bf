//! `--color`: the tool's own words may have colours, data never has.

use harness::mqpasswd;

#[test]
fn errors_have_colors_and_data_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("passwd");
    let run = |args: &[&str]| {
        mqpasswd()
            .args(args)
            .arg(&path)
            .args(["bob", "secret"])
            .run()
    };
    let output = run(&["--color", "always", "-b"]).assert_code(1);
    let error = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m ";
    assert!(output.stderr_str().starts_with(error), "{output}");
    let output = run(&["-b"]).assert_code(1);
    assert!(output.stderr_str().starts_with("error: "), "{output}");
    run(&["-c", "-b", "--color", "always"]).assert_success();
    let output = mqpasswd()
        .args(["--list", "--color=always"])
        .arg(&path)
        .run()
        .assert_success();
    assert!(output.stdout_str().contains("bob"), "{output}");
    assert!(!output.stdout_str().contains('\u{1b}'), "{output}");
    let output = mqpasswd()
        .args(["--color=always", "--help"])
        .run()
        .assert_success();
    assert!(output.stdout_str().contains("\u{1b}["), "{output}");
}
