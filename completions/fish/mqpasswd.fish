complete -c mqpasswd -l owner -d 'With -c: who owns a new file' -r -f -a "(__fish_complete_users)"
complete -c mqpasswd -l mode -d 'With -c: the permissions of a new file' -r -f -a "600\t''
640\t''
644\t''"
complete -c mqpasswd -s H -d 'How passwords are hashed: mosquitto reads sha512-pbkdf2 from 2.0 on, argon2id from 2.1 on, and the weak sha512 always' -r -f -a "sha512-pbkdf2\t''
sha512\t''
argon2id\t''"
complete -c mqpasswd -s I -d 'Iterations of sha512-pbkdf2: each makes every login a little slower, and guessing too' -r -f
complete -c mqpasswd -l cost -d 'Cost of argon2id: KiB of memory, passes, lanes' -r -f
complete -c mqpasswd -l for -d 'Write what this release of mosquitto reads, and nothing else' -r -f -a "1.6\t''
2.0\t''
2.1\t''"
complete -c mqpasswd -l password-file -d 'Take the password from the first line of a file' -r -F
complete -c mqpasswd -l generate -d 'Make a random password, and print it on stdout' -r -f
complete -c mqpasswd -l import -d 'Add and update the users of a file of user:password lines, or of CSV with a header (user,password)' -r -F
complete -c mqpasswd -l reload -d 'Make the broker read the file after a change: its process id, or the file with it' -r -F
complete -c mqpasswd -l color -d 'Whether errors, warnings and help have colours: auto, the default (on a terminal, unless NO_COLOR is set), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mqpasswd -s b -d 'Take the password from the command line'
complete -c mqpasswd -s c -d 'Make a new file'
complete -c mqpasswd -l no-clobber -d 'With -c: leave an existing file as it is, and fail'
complete -c mqpasswd -s D -d 'Remove the user'
complete -c mqpasswd -s U -d 'Hash the plain passwords of a file of user:password lines'
complete -c mqpasswd -l password-stdin -d 'Take the password from one line of stdin'
complete -c mqpasswd -l verify -d 'Ask whether a password is right: exit code 0 yes, 1 no, 3 no such user'
complete -c mqpasswd -l list -d 'Show the users, how their passwords are hashed, and which releases of mosquitto read that'
complete -c mqpasswd -l check -d 'Look for everything that is wrong with the file'
complete -c mqpasswd -l hash-only -d 'Print the hash alone, for a template or a secrets manager'
complete -c mqpasswd -l if-changed -d 'Leave the file untouched where the password is right already, and print changed or unchanged'
complete -c mqpasswd -l json -d 'Print what was found or done as JSON, a generated password too'
complete -c mqpasswd -s h -l help -d 'Print help'
complete -c mqpasswd -s V -l version -d 'Print version'
