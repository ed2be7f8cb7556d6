// Package imaptest holds the instruments that the tests look through: a
// scripted IMAP server that says exactly what a script tells it to, however
// wrong, and a proxy that writes down every octet between a client and a real
// server. It is for tests only: nothing that ships imports it, and it imports
// nothing that ships, so that a fault in imapknife cannot hide in its judge.
//
// # Scripts
//
// A script is lines of text. A line whose first character is # and an empty
// line are nothing. There are three parts, each of which may be absent:
// settings, a strict sequence, and rules.
//
//	CAPABILITY +ESEARCH -MOVE           settings: what the defaults say
//	S: * OK hello                       a strict sequence starts at once
//	C: {tag} LOGIN "alice" "secret"
//	S: $tag OK logged in
//	ON UID FETCH                        a rule, and what it answers
//	S: * 1 FETCH (UID 1 ENVELOPE NIL)
//	S: $tag OK done
//
// Without a strict sequence the server greets by itself. When the strict
// sequence has ended, rules answer; a command that no rule matches gets the
// default answer. A script that has a sequence and neither a rule nor the
// line RULES is strict to the end: any command beyond it, except LOGOUT, is
// an error of the client.
//
// # Actions
//
//	S: text          send text and CRLF
//	S= text          send text with the escapes \r \n \t \0 \\ \xHH, no CRLF
//	S< 68 65 0d 0a   send octets given in hex
//	R: 1000000 (     send a text (with escapes) that many times, no CRLF
//	N: 900 2 -2      send the numbers from first to last, by a step, no CRLF
//	E: 1 900 * LIST () "/" a%d\r\n
//	                 send the text (with escapes) for each number, in the place of %d
//	C: {tag} NOOP    read one command, which must be this; {name} matches the
//	                 tag and keeps it as $name
//	C~ (\w+) NOOP    read one command, which must match; groups become $1…,
//	                 (?P<name>…) becomes $name
//	C- \{12\}$       read one line and leave its literal alone, so that the
//	                 script can refuse it; a regular expression like C~
//	F:               the client must have fallen silent here: all it sent so
//	                 far has been read, and the next C is a flight of its own
//	DELAY 50ms       wait
//	DRIP 5ms text    send a text (with escapes) octet by octet, that far apart
//	DROP 50ms        throw away what arrives within that time, and what waits
//	STARTTLS         shake hands now
//	COMPRESS         both directions are DEFLATE from here (RFC 4978)
//	CLOSE            end the connection
//	RESET            end it with a TCP RST
//	HANG             say nothing more until the client goes
//	DEFAULT          answer the command as if no rule had matched
//
// In S: lines, {{text}} becomes a literal with its announcement: {{a\r\nb}}
// sends {4}, CRLF and the four octets; escapes work inside it. {{~text}}
// makes a literal8. The words $tag, $1 to $9 and names that a C line kept are
// replaced everywhere; any other $ is itself, so that $Forwarded stays. $tag
// is the tag of the latest command, in a rule that of the command it answers.
//
// A command is a line with all its literals; the server asks for
// synchronising ones by itself. In a pattern a literal stands as its
// announcement and its octets, without the CRLF: LOGIN {5}alice {6+}secret.
//
// # Rules
//
//	ON [-once] [-nth=N] [-conn=N] [-literal] PATTERN
//
// The pattern is matched against the command behind its tag, from its start,
// in any case. The first rule that holds answers. -once answers one command
// only, -nth=N the Nth that matches, -conn=N on the Nth connection only.
// -literal answers the line that announces a synchronising literal, before
// the literal: sending + lets it come, anything else refuses it.
//
// # Settings
//
//	CAPABILITY words         what CAPABILITY and the greeting say; words that
//	                         begin with + or - change the default list
//	GREETING text            instead of * OK [CAPABILITY …] ready
//	MESSAGES n               the mailbox has UIDs 1 to n (3 without this line)
//	ITEM uid NAME value      FETCH says this value for that item, when asked;
//	                         uid may be *; a value NONE leaves the item out
//	EXTRA uid NAME value     FETCH says this item too, asked or not
//	UIDLAST                  FETCH says the UID behind the other items
//	PASSWORD text            LOGIN and AUTHENTICATE PLAIN with another are NO
//
// ITEM: and EXTRA take {{literals}}; ITEM= and EXTRA= take escapes instead.
//
// # Default answers
//
// CAPABILITY, ID, NOOP, LOGIN, AUTHENTICATE (PLAIN, LOGIN, OAUTHBEARER and
// XOAUTH2, with and without an initial response), ENABLE, NAMESPACE, LIST,
// LSUB, STATUS, SELECT, EXAMINE, SEARCH (every UID, or those of a leading UID
// key; other criteria are not judged), FETCH of three small messages, IDLE,
// CHECK, UNSELECT, CLOSE, LOGOUT; STORE, COPY, MOVE, EXPUNGE and APPEND say
// OK and change nothing. Anything else is BAD.
//
// # The record
//
// Scripted and Proxy keep a Record: every command with its literals and its
// time, every response, and the flights. A flight is a run of client octets
// that did not need a new reply; it is exact when the replies are delayed
// (Options.Delay), because what the client sends without waiting has then
// arrived before the reply goes out. The greeting is no flight of the client,
// and neither is a LOGOUT whose answer the client does not stay to hear.
package imaptest
