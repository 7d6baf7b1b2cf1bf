//! The checked-in completions in real bash, zsh and fish.

use harness::completions::assert_offers;

#[test]
fn values_and_files_are_completed() {
    assert_offers(
        "mqpasswd",
        &[
            ("mqpasswd pic", &["picture.jpg"]),
            ("mqpasswd -D pic", &["picture.jpg"]),
            ("mqpasswd -c -H ", &["sha512-pbkdf2", "sha512", "argon2id"]),
            ("mqpasswd --for ", &["1.6", "2.0", "2.1"]),
            ("mqpasswd --for=2", &["2.0", "2.1"]),
            ("mqpasswd --import pic", &["picture.jpg"]),
            ("mqpasswd --password-file pic", &["picture.jpg"]),
            ("mqpasswd --mode ", &["600", "640", "644"]),
            ("mqpasswd --color ", &["auto", "always", "never"]),
            ("mqpasswd -I ", &[]),
            ("mqpasswd --hash-o", &["--hash-only"]),
        ],
    );
}
