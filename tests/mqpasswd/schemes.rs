//! `-H` and `-I`: how a password is hashed. Others judge the result.

use harness::python;

use crate::support::Folder;

#[test]
fn each_scheme_writes_its_own_form() {
    for (args, prefix) in [
        (&[][..], "alice:$7$1000$"),
        (&["-H", "sha512-pbkdf2"][..], "alice:$7$1000$"),
        (&["-H", "sha512"][..], "alice:$6$"),
        (&["-I", "1"][..], "alice:$7$1$"),
        (
            &["-H", "sha512-pbkdf2", "-I", "210000"][..],
            "alice:$7$210000$",
        ),
        (
            &["-H", "argon2id"][..],
            "alice:$argon2id$v=19$m=47104,t=1,p=1$",
        ),
    ] {
        let folder = Folder::empty();
        let args = [args, &["-c", "-b", "passwd", "alice", "pw"]].concat();
        folder.mqpasswd(&args).run().assert_success();
        assert!(folder.text().starts_with(prefix), "{}", folder.text());
        assert!(folder.admits("alice", "pw"));
    }
}

#[test]
fn python_computes_the_same_hashes() {
    let script = r"
import base64, hashlib, sys
text, password = sys.argv[1].strip(), sys.argv[2].encode()
_, kind, *cost, salt, digest = text.split(':')[1].split('$')
salt, digest = base64.b64decode(salt), base64.b64decode(digest)
assert len(salt) == 12, len(salt)
if kind == '6':
    assert hashlib.sha512(password + salt).digest() == digest
else:
    assert hashlib.pbkdf2_hmac('sha512', password, salt, int(cost[0])) == digest
";
    for args in [&["-H", "sha512"][..], &["-I", "1"][..], &["-I", "4321"][..]] {
        let args = [args, &["-c", "-b", "-", "alice", "pä$$ wörd"]].concat();
        let line = Folder::empty().mqpasswd(&args).run().assert_success();
        python("argon2", script, &[line.stdout_str(), "pä$$ wörd"])
            .run()
            .assert_success();
    }
}

#[test]
fn the_argon2_reference_library_verifies_argon2id() {
    let script = r"
import sys
from argon2.low_level import Type, verify_secret
from argon2.exceptions import VerifyMismatchError
text = sys.argv[1].strip().split(':')[1].encode()
assert verify_secret(text, sys.argv[2].encode(), Type.ID)
try:
    verify_secret(text, b'wrong', Type.ID)
except VerifyMismatchError:
    sys.exit(0)
sys.exit('a wrong password was accepted')
";
    let folder = Folder::empty();
    for password in ["pw", "pässwörd: with blanks "] {
        let line = folder
            .mqpasswd(&["-H", "argon2id", "-c", "-b", "-", "alice", password])
            .run()
            .assert_success();
        python("argon2", script, &[line.stdout_str(), password])
            .run()
            .assert_success();
    }
}

#[test]
fn what_cannot_be_is_a_usage_error() {
    let folder = Folder::with("");
    for (args, message) in [
        (
            &["-H", "md5"][..],
            "error: invalid value 'md5' for '-H <SCHEME>'",
        ),
        (&["-I", "0"][..], "error: invalid value '0' for '-I <N>'"),
        (&["-I", "-1"][..], "error: invalid value '-1' for '-I <N>'"),
        (
            &["-I", "2147483648"][..],
            "error: invalid value '2147483648' for '-I <N>'",
        ),
    ] {
        let args = [args, &["-b", "passwd", "alice", "pw"]].concat();
        let output = folder.mqpasswd(&args).run().assert_code(1);
        assert!(output.stderr_str().starts_with(message), "{output}");
        assert!(
            output
                .stderr_str()
                .ends_with("\nhint: mqpasswd --help lists the options\n")
        );
        assert_eq!(folder.text(), "");
    }
}

/// The original ignores it without a word.
#[test]
fn iterations_mean_nothing_to_the_other_schemes() {
    for scheme in ["argon2id", "sha512"] {
        let folder = Folder::with("");
        let output = folder
            .mqpasswd(&["-H", scheme, "-I", "5", "-b", "passwd", "alice", "pw"])
            .run()
            .assert_success();
        let warning = "warning: -I has no effect without -H sha512-pbkdf2\n";
        assert_eq!(output.stderr_str(), warning);
        assert!(folder.admits("alice", "pw"));
    }
}
