
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'mqpasswd' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'mqpasswd'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'mqpasswd' {
            [CompletionResult]::new('--owner', '--owner', [CompletionResultType]::ParameterName, 'With -c: who owns a new file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'With -c: the permissions of a new file')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'How passwords are hashed: mosquitto reads sha512-pbkdf2 from 2.0 on, argon2id from 2.1 on, and the weak sha512 always')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'Iterations of sha512-pbkdf2: each makes every login a little slower, and guessing too')
            [CompletionResult]::new('--cost', '--cost', [CompletionResultType]::ParameterName, 'Cost of argon2id: KiB of memory, passes, lanes')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Write what this release of mosquitto reads, and nothing else')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Take the password from the first line of a file')
            [CompletionResult]::new('--generate', '--generate', [CompletionResultType]::ParameterName, 'Make a random password, and print it on stdout')
            [CompletionResult]::new('--import', '--import', [CompletionResultType]::ParameterName, 'Add and update the users of a file of user:password lines, or of CSV with a header (user,password)')
            [CompletionResult]::new('--reload', '--reload', [CompletionResultType]::ParameterName, 'Make the broker read the file after a change: its process id, or the file with it')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Whether errors, warnings and help have colours: auto, the default (on a terminal, unless NO_COLOR is set), always or never')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'Take the password from the command line')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Make a new file')
            [CompletionResult]::new('--no-clobber', '--no-clobber', [CompletionResultType]::ParameterName, 'With -c: leave an existing file as it is, and fail')
            [CompletionResult]::new('-D', '-D ', [CompletionResultType]::ParameterName, 'Remove the user')
            [CompletionResult]::new('-U', '-U ', [CompletionResultType]::ParameterName, 'Hash the plain passwords of a file of user:password lines')
            [CompletionResult]::new('--password-stdin', '--password-stdin', [CompletionResultType]::ParameterName, 'Take the password from one line of stdin')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Ask whether a password is right: exit code 0 yes, 1 no, 3 no such user')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Show the users, how their passwords are hashed, and which releases of mosquitto read that')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Look for everything that is wrong with the file')
            [CompletionResult]::new('--hash-only', '--hash-only', [CompletionResultType]::ParameterName, 'Print the hash alone, for a template or a secrets manager')
            [CompletionResult]::new('--if-changed', '--if-changed', [CompletionResultType]::ParameterName, 'Leave the file untouched where the password is right already, and print changed or unchanged')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print what was found or done as JSON, a generated password too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
