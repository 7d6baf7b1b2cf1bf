#!/usr/bin/env python3
"""Measures mqpasswd beside mosquitto_passwd, OpenSSL and libargon2 (Debian's `argon2`).

    cargo build --release -p mqpasswd
    docs/measure-mqpasswd.py target/release/mqpasswd [ROUNDS]

Each round runs every command once, in turn, so that what else the machine does meets all of them.
Printed are the medians of the CPU time (user and system) and of the time on the clock.
"""

import base64
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MQPASSWD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "mqpasswd"
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
COST = ["-id", "-k", "47104", "-p", "1", "-l", "64"]


def prepare():
    with open("hundred-thousand", "w") as file:
        for n in range(100_000):
            salt = base64.b64encode(os.urandom(12)).decode()
            digest = base64.b64encode(os.urandom(64)).decode()
            file.write(f"device{n:06}:$7$1000${salt}${digest}\n")
    with open("users", "w") as file:
        file.writelines(f"user{n}:password{n}\n" for n in range(2000))
    with open("password", "w") as file:
        file.write("correct horse battery staple")
    os.chmod("password", 0o600)
    loop = 'while IFS=: read -r user password; do {} -b "$1" "$user" "$password"; done <users'
    for name, tool in ("mosquitto_loop", "mosquitto_passwd -I 1000"), ("mqpasswd_loop", MQPASSWD):
        with open(name, "w") as file:
            file.write(loop.format(tool))


def run(command, new):
    """CPU seconds and seconds."""
    shutil.copyfile(new, "passwd")
    stdin = os.open("password", os.O_RDONLY)
    quiet = os.open(os.devnull, os.O_WRONLY)
    start = time.monotonic()
    child = subprocess.Popen(command, stdin=stdin, stdout=quiet, stderr=quiet)
    _, status, usage = os.wait4(child.pid, 0)
    clock = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    os.close(stdin)
    os.close(quiet)
    if child.returncode != 0:
        sys.exit(f"exit code {child.returncode} of {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, clock


def hash_only(*options):
    return [MQPASSWD, *options, "--hash-only", "--password-stdin"]


def kdf(iterations):
    options = ["digest:SHA512", "pass:correct horse battery staple", "salt:123456789012"]
    options.append(f"iter:{iterations}")
    words = [word for option in options for word in ("-kdfopt", option)]
    return ["openssl", "kdf", "-keylen", "64", *words, "PBKDF2"]


def argon2(passes):
    # It verifies each hash that it made, which is the same work again.
    return ["argon2", "x" * 64, *COST, "-t", str(passes)]


GROUPS = {
    "a user is added to 100,000": ("hundred-thousand", {
        "mqpasswd": [MQPASSWD, "-I", "101", "-b", "passwd", "bob", "pw"],
        "mosquitto_passwd": ["mosquitto_passwd", "-I", "101", "-b", "passwd", "bob", "pw"],
    }),
    "PBKDF2, 2,000,000 iterations": (os.devnull, {
        "mqpasswd": hash_only("-I", "2000000"),
        "openssl kdf": kdf(2_000_000),
    }),
    "argon2id, m=47104,t=1,p=1": (os.devnull, {
        "mqpasswd": hash_only("-H", "argon2id"),
        "argon2, which hashes twice": argon2(1),
    }),
    "argon2id, m=47104,t=20,p=1": (os.devnull, {
        "mqpasswd": hash_only("--cost", "m=47104,t=20,p=1"),
        "argon2, which hashes twice": argon2(20),
    }),
    "2,000 users of 1000 iterations": (os.devnull, {
        "mqpasswd --import, one core": ["taskset", "-c", "0", MQPASSWD, "--import", "users", "passwd"],
        "mqpasswd --import, all cores": [MQPASSWD, "--import", "users", "passwd"],
        "one hash of 2,000,000": hash_only("-I", "2000000"),
        "mqpasswd -b in a loop": ["sh", "mqpasswd_loop", "passwd"],
        "mosquitto_passwd -b in a loop": ["sh", "mosquitto_loop", "passwd"],
    }),
}


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare()
        print(f"{'median of ' + str(ROUNDS):<32}  {'CPU s':>8}  {'clock s':>8}")
        for title, (new, commands) in GROUPS.items():
            found = {name: [] for name in commands}
            for _ in range(ROUNDS):
                for name, command in commands.items():
                    found[name].append(run(command, new))
            print(title)
            for name, runs in found.items():
                cpu, clock = (statistics.median(column) for column in zip(*runs))
                print(f"  {name:<30}  {cpu:8.3f}  {clock:8.3f}", flush=True)
        os.chdir("/")


main()
