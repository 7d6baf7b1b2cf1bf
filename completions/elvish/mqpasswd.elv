
use builtin;
use str;

set edit:completion:arg-completer[mqpasswd] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'mqpasswd'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'mqpasswd'= {
            cand --owner 'With -c: who owns a new file'
            cand --mode 'With -c: the permissions of a new file'
            cand -H 'How passwords are hashed: mosquitto reads sha512-pbkdf2 from 2.0 on, argon2id from 2.1 on, and the weak sha512 always'
            cand -I 'Iterations of sha512-pbkdf2: each makes every login a little slower, and guessing too'
            cand --cost 'Cost of argon2id: KiB of memory, passes, lanes'
            cand --for 'Write what this release of mosquitto reads, and nothing else'
            cand --password-file 'Take the password from the first line of a file'
            cand --generate 'Make a random password, and print it on stdout'
            cand --import 'Add and update the users of a file of user:password lines, or of CSV with a header (user,password)'
            cand --reload 'Make the broker read the file after a change: its process id, or the file with it'
            cand --color 'Whether errors, warnings and help have colours: auto, the default (on a terminal, unless NO_COLOR is set), always or never'
            cand -b 'Take the password from the command line'
            cand -c 'Make a new file'
            cand --no-clobber 'With -c: leave an existing file as it is, and fail'
            cand -D 'Remove the user'
            cand -U 'Hash the plain passwords of a file of user:password lines'
            cand --password-stdin 'Take the password from one line of stdin'
            cand --verify 'Ask whether a password is right: exit code 0 yes, 1 no, 3 no such user'
            cand --list 'Show the users, how their passwords are hashed, and which releases of mosquitto read that'
            cand --check 'Look for everything that is wrong with the file'
            cand --hash-only 'Print the hash alone, for a template or a secrets manager'
            cand --if-changed 'Leave the file untouched where the password is right already, and print changed or unchanged'
            cand --json 'Print what was found or done as JSON, a generated password too'
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
        }
    ]
    $completions[$command]
}
