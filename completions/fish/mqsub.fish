complete -c mqsub -s t -l topic -d 'Topic Filter to subscribe to' -r -f
complete -c mqsub -s U -l unsubscribe -d 'Topic Filter to unsubscribe from (of a session kept with -c)' -r -f
complete -c mqsub -s T -l filter-out -d 'Do not print messages whose topic matches' -r -f
complete -c mqsub -s q -l qos -d 'Highest Quality of Service to receive with: 0, 1 or 2' -r -f -a "0\t''
1\t''
2\t''"
complete -c mqsub -s C -d 'Exit after this many printed messages' -r -f
complete -c mqsub -s W -d 'Exit with code 27 after this time' -r -f
complete -c mqsub -l idle-timeout -d 'Exit once no message has come for this time' -r -f
complete -c mqsub -l until -d 'Exit after the first printed message whose payload matches this regular expression' -r -f
complete -c mqsub -s F -d 'How to print each message' -r -f
complete -c mqsub -l save-dir -d 'Save the payload of each message in a file of its own, DIR/TOPIC/TIME.msg, and print only what -v, -F, --json, -w or --payload-as ask for' -r -f -a "(__fish_complete_directories)"
complete -c mqsub -l exec -d 'Run this command for each message, the payload on its standard input, MQ_TOPIC and more in its environment (see below), and acknowledge the message once it succeeded' -r -f -a "(__fish_complete_command)"
complete -c mqsub -l jobs -d 'How many commands of --exec may run at the same time' -r -f
complete -c mqsub -l watch-sort -d 'The order of the lines of -w: arrival (the first to come is the first) or name' -r -f -a "arrival\t'A topic keeps its line'
name\t'By the names of the topics'"
complete -c mqsub -l payload-as -d 'Decode each payload: text, hex, base64, json, cbor or msgpack (these two become JSON)' -r -f -a "text\t'As it is, if it is UTF-8'
hex\t'Hexadecimal digits'
base64\t'Base64'
json\t'JSON on one line'
cbor\t'CBOR, as JSON'
msgpack\t'MessagePack, as JSON'"
complete -c mqsub -l random-filter -d 'Print only so many of 100 messages, chosen at random: 0.1 to 100' -r -f
complete -c mqsub -l retain-handling -d 'Which retained messages to ask for: always, new (only for a subscription that the session did not have) or never' -r -f -a "always\t'All'
new\t'Those of a new subscription'
never\t'None'"
complete -c mqsub -s h -l host -d 'The broker\'s name or address' -r -f -a "(__fish_print_hostnames)"
complete -c mqsub -s p -l port -d 'The broker\'s port: 1 to 65535, or 0 with --unix' -r -f
complete -c mqsub -l unix -d 'Connect to this Unix domain socket instead of a host and port' -r -F
complete -c mqsub -l proxy -d 'Connect through a SOCKS5 proxy, which looks up the broker\'s name: socks5h://[USER:PASSWORD@]HOST[:PORT], percent-decoded' -r -f
complete -c mqsub -s A -l bind -d 'Local address, or name of one, to connect from' -r -f
complete -c mqsub -s i -l id -d 'Client identifier' -r -f
complete -c mqsub -s I -l id-prefix -d 'Client identifier: this prefix and the process id' -r -f
complete -c mqsub -s u -l username -d 'User name' -r -f
complete -c mqsub -s P -l pw -d 'Password' -r -f
complete -c mqsub -l password-file -d 'Take the password from the first line of this file' -r -F
complete -c mqsub -s k -l keepalive -d 'Keep Alive in seconds: 5 to 65535, or 0 for none' -r -f
complete -c mqsub -s x -d 'How long the broker keeps the session after the connection ends, in seconds: 0 to 4294967295, or -1 for ever (needs --id)' -r -f
complete -c mqsub -s V -l protocol-version -d 'MQTT version' -r -f -a "mqttv31\t'MQTT 3.1'
mqttv311\t'MQTT 3.1.1'
mqttv5\t'MQTT 5'"
complete -c mqsub -s M -l max-inflight -d 'The most unacknowledged QoS 1 and 2 messages at a time: 1 to 65535' -r -f
complete -c mqsub -l connect-timeout -d 'How long connecting may take, CONNACK included' -r -f
complete -c mqsub -l retry -d 'How many attempts to connect may fail one after the other before it gives up' -r -f -a "forever\t''"
complete -c mqsub -l cafile -d 'Trust the certificates in this PEM file (authorities, or the server\'s own)' -r -F
complete -c mqsub -l capath -d 'Trust the certificates in all PEM files of this folder' -r -f -a "(__fish_complete_directories)"
complete -c mqsub -l cert -d 'The client\'s certificate in a PEM file, for brokers that ask for one (needs --key)' -r -F
complete -c mqsub -l key -d 'The private key of --cert in a PEM file' -r -F
complete -c mqsub -l key-passphrase-file -d 'Take the pass phrase of --key from the first line of this file' -r -F
complete -c mqsub -l keyform -d 'The form of --key: pem' -r -f -a "pem\t''"
complete -c mqsub -l tls-version -d 'The lowest TLS version allowed' -r -f -a "tlsv1.2\t'TLS 1.2 and newer'
tlsv1.3\t'TLS 1.3'"
complete -c mqsub -l ciphers -d 'The cipher suites to offer, by OpenSSL\'s names with colons between, the preferred first' -r -f
complete -c mqsub -l tls-alpn -d 'Offer this protocol name in the TLS handshake (ALPN): 1 to 255 bytes' -r -f
complete -c mqsub -l tls-keylog -d 'Append the connection\'s secrets to this file, for Wireshark and the like to decrypt it' -r -F
complete -c mqsub -l pin-sha256 -d 'Trust only a broker with this public key (SHA-256 of its DER form, 64 hexadecimal digits), whatever else its certificate says' -r -f
complete -c mqsub -s D -l property -d 'MQTT 5 property, in three words: the packet (connect, publish, subscribe, unsubscribe, disconnect or will), the property, its value' -r -f
complete -c mqsub -l will-topic -d 'The Will\'s topic: the broker publishes there when this client vanishes' -r -f
complete -c mqsub -l will-payload -d 'The Will\'s payload' -r -f
complete -c mqsub -l will-qos -d 'The Will\'s QoS: 0, 1 or 2' -r -f -a "0\t''
1\t''
2\t''"
complete -c mqsub -s o -l options-file -d 'Read options from this file, one a line: -h localhost' -r -F
complete -c mqsub -l color -d 'Whether errors, warnings and help have colours: auto, the default (on a terminal, unless NO_COLOR is set), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mqsub -l generate -d 'Print the manual page, or the completions for a shell: man, bash, zsh, fish, powershell or elvish' -r -f -a "man\t''
bash\t''
zsh\t''
fish\t''
powershell\t''
elvish\t''"
complete -c mqsub -s L -l url -d 'mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC in one word, percent-decoded' -r -f
complete -c mqsub -s E -d 'Exit once the broker has acknowledged all subscriptions'
complete -c mqsub -s v -l verbose -d 'Print the topic before each payload'
complete -c mqsub -s N -d 'Print no newline after each message'
complete -c mqsub -l json -d 'Print each message as one line of JSON, like -F %j'
complete -c mqsub -l shell -d 'The command of --exec is a text for the shell'
complete -c mqsub -s w -l watch -d 'Show the latest message of each topic on its own line of the terminal: its age, the rate of the topic, and what -v prints'
complete -c mqsub -l message-rate -d 'Print each second how many messages came in it, in place of the messages'
complete -c mqsub -l exit-on-error -d 'Exit with code 13 at the first payload that does not decode and the first command that fails, and do not acknowledge that message'
complete -c mqsub -l stats -d 'Show on standard error how many messages came, their bytes, their rate, a table of the topics, and how many are missing of messages that begin with a number'
complete -c mqsub -l pretty -d 'Indent the JSON of %j, %J and --payload-as'
complete -c mqsub -l raw -d 'On a terminal too, print control characters of messages as they are: they are commands to it'
complete -c mqsub -s R -d 'Do not print retained messages'
complete -c mqsub -l retained-only -d 'Print only retained messages, and exit at the first that is not'
complete -c mqsub -l remove-retained -d 'Remove each retained message that arrives from the broker (-T protects, -R does not)'
complete -c mqsub -l dry-run -d 'With --remove-retained: remove nothing, print and count what would be removed'
complete -c mqsub -l changed-only -d 'Print a message only if its payload differs from the one before on its topic'
complete -c mqsub -l retain-as-published -d 'Print the retain flag as it was published'
complete -c mqsub -l ws -d 'Speak MQTT over WebSocket: path /mqtt, subprotocol mqtt'
complete -c mqsub -s S -d 'Look up the SRV records _mqtt._tcp.HOST (with TLS _secure-mqtt._tcp.HOST) and connect to the hosts and ports they name'
complete -c mqsub -l nodelay -d 'Accepted for compatibility: small packets are never held back (TCP_NODELAY)'
complete -c mqsub -l ask-password -d 'Ask for the password on the terminal'
complete -c mqsub -s c -l disable-clean-session -d 'Keep the session at the broker between runs (needs --id)'
complete -c mqsub -l tls-use-os-certs -d 'Trust the operating system\'s certificates'
complete -c mqsub -l insecure -d 'Do not verify the broker\'s certificate: anyone may pose as the broker'
complete -c mqsub -l tls-strict -d 'Refuse certificates that are old in form: X.509 version 1, no subjectAltName, marked as an authority'
complete -c mqsub -l no-tls -d 'Ignore all TLS options, and that port 8883 is for TLS'
complete -c mqsub -l will-retain -d 'Keep the Will as a retained message'
complete -c mqsub -s d -l debug -d 'Print each protocol step on stderr'
complete -c mqsub -l quiet -d 'Print no errors and no warnings'
complete -c mqsub -l json-summary -d 'Print what became of the messages as one JSON object on stderr at the end'
complete -c mqsub -l help -d 'Print help'
complete -c mqsub -l version -d 'Print version'
complete -c mqsub -f
complete -c mqsub -n 'contains -- --exec (commandline -opc)' -F
function __mqsub_property_of
    set -l words (commandline -opc)
    contains -- $words[-2] -D --property
    and test $words[-1] = $argv[1]
end
function __mqsub_switch
    set -l words (commandline -opc)
    test (count $words) -gt 2
    and contains -- $words[-3] -D --property
    and contains -- $words[-1] $argv
end
complete -c mqsub -s D -l property -x -a 'connect publish subscribe unsubscribe disconnect will'
complete -c mqsub -n '__mqsub_property_of connect' -f -a 'maximum-packet-size receive-maximum request-problem-information request-response-information session-expiry-interval topic-alias-maximum user-property'
complete -c mqsub -n '__mqsub_property_of publish' -f -a 'content-type correlation-data message-expiry-interval payload-format-indicator response-topic topic-alias user-property'
complete -c mqsub -n '__mqsub_property_of subscribe' -f -a 'subscription-identifier user-property'
complete -c mqsub -n '__mqsub_property_of unsubscribe' -f -a 'user-property'
complete -c mqsub -n '__mqsub_property_of disconnect' -f -a 'reason-string session-expiry-interval user-property'
complete -c mqsub -n '__mqsub_property_of will' -f -a 'content-type correlation-data message-expiry-interval payload-format-indicator response-topic user-property will-delay-interval'
complete -c mqsub -n '__mqsub_switch payload-format-indicator request-problem-information request-response-information' -f -a '0 1'
