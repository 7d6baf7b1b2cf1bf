complete -c mqpub -s t -l topic -d 'Topic Name to publish to' -r -f
complete -c mqpub -s m -l message -d 'Publish this text' -r -f
complete -c mqpub -s f -l file -d 'Publish the contents of this file' -r -F
complete -c mqpub -l replay -d 'Publish what mqsub -F %j has recorded in this file, with the times between the messages' -r -F
complete -c mqpub -l speed -d 'With --replay: so many times as fast as it was recorded, or max for as fast as it goes' -r -f -a "max\t''"
complete -c mqpub -l loop -d 'With --replay: publish the recording this many times' -r -f
complete -c mqpub -l topic-separator -d 'With -l: each line is a topic, this text and a payload, which may have the text in it' -r -f
complete -c mqpub -l on-bad-line -d 'What to do about a line that is no message, as of --json-lines' -r -f -a "stop\t'It is the end, with an error'
skip\t'It is left out, with a warning'"
complete -c mqpub -l template -d 'Publish this text with {seq}, {time}, {uuid} and {random:FROM-TO} filled in anew for each message, also in -t' -r -f
complete -c mqpub -l payload-is -d 'What the payload is given as: hex or base64 for the bytes it stands for, cbor or msgpack for JSON to be published as such' -r -f -a "hex\t'Digits'
base64\t'With padding or without'
cbor\t'JSON for CBOR'
msgpack\t'JSON for MessagePack'"
complete -c mqpub -s q -l qos -d 'Quality of Service: 0, 1 or 2' -r -f -a "0\t''
1\t''
2\t''"
complete -c mqpub -l repeat -d 'Publish the message this many times, other than lines and recordings' -r -f
complete -c mqpub -l repeat-delay -d 'Wait between repetitions' -r -f
complete -c mqpub -l every -d 'Publish the message again and again at this interval, until a signal comes or --repeat is reached' -r -f
complete -c mqpub -l rate -d 'Publish at most so many messages a second, or a minute or hour with /m or /h, evenly spread' -r -f
complete -c mqpub -l progress -d 'Whether to show on stderr how far it is, after one second: auto (on a terminal on which nobody types, and not with --quiet or -d), always (without a terminal a line each second) or never' -r -f -a "auto\t'Where somebody looks'
always\t'Everywhere'
never\t'Nowhere'"
complete -c mqpub -s e -l response-topic -d 'With --wait-response: the topic of the answer' -r -f
complete -c mqpub -s C -d 'With --wait-response: end after this many answers' -r -f
complete -c mqpub -s F -d 'With --wait-response: print answers in this format, as mqsub does' -r -f
complete -c mqpub -s W -d 'With --wait-response or --probe: exit with code 27 after this time' -r -f
complete -c mqpub -s h -l host -d 'The broker\'s name or address' -r -f -a "(__fish_print_hostnames)"
complete -c mqpub -s p -l port -d 'The broker\'s port: 1 to 65535, or 0 with --unix' -r -f
complete -c mqpub -l unix -d 'Connect to this Unix domain socket instead of a host and port' -r -F
complete -c mqpub -l proxy -d 'Connect through a SOCKS5 proxy, which looks up the broker\'s name: socks5h://[USER:PASSWORD@]HOST[:PORT], percent-decoded' -r -f
complete -c mqpub -s A -l bind -d 'Local address, or name of one, to connect from' -r -f
complete -c mqpub -s i -l id -d 'Client identifier' -r -f
complete -c mqpub -s I -l id-prefix -d 'Client identifier: this prefix and the process id' -r -f
complete -c mqpub -s u -l username -d 'User name' -r -f
complete -c mqpub -s P -l pw -d 'Password' -r -f
complete -c mqpub -l password-file -d 'Take the password from the first line of this file' -r -F
complete -c mqpub -s k -l keepalive -d 'Keep Alive in seconds: 5 to 65535, or 0 for none' -r -f
complete -c mqpub -s x -d 'How long the broker keeps the session after the connection ends, in seconds: 0 to 4294967295, or -1 for ever (needs --id)' -r -f
complete -c mqpub -s V -l protocol-version -d 'MQTT version' -r -f -a "mqttv31\t'MQTT 3.1'
mqttv311\t'MQTT 3.1.1'
mqttv5\t'MQTT 5'"
complete -c mqpub -s M -l max-inflight -d 'The most unacknowledged QoS 1 and 2 messages at a time: 1 to 65535' -r -f
complete -c mqpub -l connect-timeout -d 'How long connecting may take, CONNACK included' -r -f
complete -c mqpub -l retry -d 'How many attempts to connect may fail one after the other before it gives up' -r -f -a "forever\t''"
complete -c mqpub -l cafile -d 'Trust the certificates in this PEM file (authorities, or the server\'s own)' -r -F
complete -c mqpub -l capath -d 'Trust the certificates in all PEM files of this folder' -r -f -a "(__fish_complete_directories)"
complete -c mqpub -l cert -d 'The client\'s certificate in a PEM file, for brokers that ask for one (needs --key)' -r -F
complete -c mqpub -l key -d 'The private key of --cert in a PEM file' -r -F
complete -c mqpub -l key-passphrase-file -d 'Take the pass phrase of --key from the first line of this file' -r -F
complete -c mqpub -l keyform -d 'The form of --key: pem' -r -f -a "pem\t''"
complete -c mqpub -l tls-version -d 'The lowest TLS version allowed' -r -f -a "tlsv1.2\t'TLS 1.2 and newer'
tlsv1.3\t'TLS 1.3'"
complete -c mqpub -l ciphers -d 'The cipher suites to offer, by OpenSSL\'s names with colons between, the preferred first' -r -f
complete -c mqpub -l tls-alpn -d 'Offer this protocol name in the TLS handshake (ALPN): 1 to 255 bytes' -r -f
complete -c mqpub -l tls-keylog -d 'Append the connection\'s secrets to this file, for Wireshark and the like to decrypt it' -r -F
complete -c mqpub -l pin-sha256 -d 'Trust only a broker with this public key (SHA-256 of its DER form, 64 hexadecimal digits), whatever else its certificate says' -r -f
complete -c mqpub -s D -l property -d 'MQTT 5 property, in three words: the packet (connect, publish, subscribe, unsubscribe, disconnect or will), the property, its value' -r -f
complete -c mqpub -l will-topic -d 'The Will\'s topic: the broker publishes there when this client vanishes' -r -f
complete -c mqpub -l will-payload -d 'The Will\'s payload' -r -f
complete -c mqpub -l will-qos -d 'The Will\'s QoS: 0, 1 or 2' -r -f -a "0\t''
1\t''
2\t''"
complete -c mqpub -s o -l options-file -d 'Read options from this file, one a line: -h localhost' -r -F
complete -c mqpub -l color -d 'Whether errors, warnings and help have colours: auto, the default (on a terminal, unless NO_COLOR is set), always or never' -r -f -a "auto\t''
always\t''
never\t''"
complete -c mqpub -l generate -d 'Print the manual page, or the completions for a shell: man, bash, zsh, fish, powershell or elvish' -r -f -a "man\t''
bash\t''
zsh\t''
fish\t''
powershell\t''
elvish\t''"
complete -c mqpub -s L -l url -d 'mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC in one word, percent-decoded' -r -f
complete -c mqpub -s l -l stdin-line -d 'Publish each line of standard input as a message'
complete -c mqpub -l json-lines -d 'Publish the messages that the lines of standard input describe: JSON objects as mqsub -F %j prints them'
complete -c mqpub -s 0 -l null-data -d 'With -l or --json-lines: lines end with a NUL byte instead of a newline, as those of find -print0'
complete -c mqpub -s s -l stdin-file -d 'Publish all of standard input as one message'
complete -c mqpub -s n -l null-message -d 'Publish an empty message'
complete -c mqpub -s r -l retain -d 'Let the broker keep the message for later subscribers'
complete -c mqpub -l wait-response -d 'Wait for the answer to the message and print it'
complete -c mqpub -l latency -d 'With --wait-response: print on stderr how long each answer took'
complete -c mqpub -l probe -d 'Check the broker: connect, subscribe, publish, receive, disconnect'
complete -c mqpub -l json -d 'With --probe: print one JSON object, also of a failure'
complete -c mqpub -l ws -d 'Speak MQTT over WebSocket: path /mqtt, subprotocol mqtt'
complete -c mqpub -s S -d 'Look up the SRV records _mqtt._tcp.HOST (with TLS _secure-mqtt._tcp.HOST) and connect to the hosts and ports they name'
complete -c mqpub -l nodelay -d 'Accepted for compatibility: small packets are never held back (TCP_NODELAY)'
complete -c mqpub -l ask-password -d 'Ask for the password on the terminal'
complete -c mqpub -s c -l disable-clean-session -d 'Keep the session at the broker between runs (needs --id)'
complete -c mqpub -l tls-use-os-certs -d 'Trust the operating system\'s certificates'
complete -c mqpub -l insecure -d 'Do not verify the broker\'s certificate: anyone may pose as the broker'
complete -c mqpub -l tls-strict -d 'Refuse certificates that are old in form: X.509 version 1, no subjectAltName, marked as an authority'
complete -c mqpub -l no-tls -d 'Ignore all TLS options, and that port 8883 is for TLS'
complete -c mqpub -l will-retain -d 'Keep the Will as a retained message'
complete -c mqpub -s d -l debug -d 'Print each protocol step on stderr'
complete -c mqpub -l quiet -d 'Print no errors and no warnings'
complete -c mqpub -l json-summary -d 'Print what became of the messages as one JSON object on stderr at the end'
complete -c mqpub -l help -d 'Print help'
complete -c mqpub -l version -d 'Print version'
complete -c mqpub -f
function __mqpub_property_of
    set -l words (commandline -opc)
    contains -- $words[-2] -D --property
    and test $words[-1] = $argv[1]
end
function __mqpub_switch
    set -l words (commandline -opc)
    test (count $words) -gt 2
    and contains -- $words[-3] -D --property
    and contains -- $words[-1] $argv
end
complete -c mqpub -s D -l property -x -a 'connect publish subscribe unsubscribe disconnect will'
complete -c mqpub -n '__mqpub_property_of connect' -f -a 'maximum-packet-size receive-maximum request-problem-information request-response-information session-expiry-interval topic-alias-maximum user-property'
complete -c mqpub -n '__mqpub_property_of publish' -f -a 'content-type correlation-data message-expiry-interval payload-format-indicator response-topic topic-alias user-property'
complete -c mqpub -n '__mqpub_property_of subscribe' -f -a 'subscription-identifier user-property'
complete -c mqpub -n '__mqpub_property_of unsubscribe' -f -a 'user-property'
complete -c mqpub -n '__mqpub_property_of disconnect' -f -a 'reason-string session-expiry-interval user-property'
complete -c mqpub -n '__mqpub_property_of will' -f -a 'content-type correlation-data message-expiry-interval payload-format-indicator response-topic user-property will-delay-interval'
complete -c mqpub -n '__mqpub_switch payload-format-indicator request-problem-information request-response-information' -f -a '0 1'
