// Package harness runs testscripts (github.com/rogpeppe/go-internal) of
// imapknife against the sandbox, against real servers and against scripted
// ones, and gives scripts the commands to look at what was printed, at the
// octets on the wire and at what a mailbox holds. It is for tests only.
//
// # Environment
//
// Every script has a mailbox of its own, seeded with the sandbox's samples,
// and a recording proxy before it. IMAPKNIFE_URL and IMAPKNIFE_PASSWORD lead
// there; SERVER is sandbox, dovecot, …; IMAP_USER is the user; PREFIX is what
// names of mailboxes begin with (INBOX. on Courier, else empty) and SEP the
// hierarchy delimiter. SERVER_ADDR is the server itself, past the proxy. Real
// servers do STARTTLS there and behind the proxy, and implicit TLS on
// SERVER_TLS_ADDR; SERVER_CA and PROXY_CA are the PEM files of the authorities,
// whose certificates are for localhost and 127.0.0.1. HOME and the XDG folders
// are below $WORK/home, TZ is UTC; RUN is a word that no other run has. Conditions are [server:NAME] and [cap:NAME],
// the latter as announced after login. Scripts for hostile servers have none of
// that until serve.
//
// IMAPKNIFE_AUTH is login, since the servers announce all they have and scripts
// look at the login on the wire; those about ways to log in unset it.
//
// Where the tests run with the race detector, scripts on real servers run an
// imapknife without it, for the time it takes; IMAPKNIFE_RACE_ALL=1 has it there,
// too.
//
// imapknife ends with status 99 and a dump of its goroutines when it has run
// for TEST_LIMIT (4m), so that no script hangs.
//
// # Commands
//
//	exits N PROGRAM ARG...       exec that must end with exactly that status
//	within 2s                    the last exits took less
//	memory 64                    the last imapknife that ended by itself took at
//	                             most so many MB at its peak (Linux)
//	jq [-s] EXPR [WANT]          runs EXPR on the last stdout; its output (compact,
//	                             strings raw, joined by blanks) is WANT, or is
//	                             neither empty, null nor false; -s takes all
//	                             documents as one array (JSON Lines); -stderr
//	                             looks at stderr
//	schema [-l] VERB             the last stdout is as `imapknife schema VERB`
//	                             says; -l: it is JSON Lines of such rows
//	seed [-flags=L] [-date=D] MAILBOX FILE...
//	                             append messages, LF becomes CRLF; flags as in
//	                             '(\Seen)', date as in RFC 3339
//	witness MAILBOX              print uid, flags, date, size and digest of each
//	                             message, as another client sees them
//	witness -c COMMAND...        print the answers to raw commands
//	serve [FLAGS] NAME FILE      play a script (package imaptest) from a file and
//	                             point IMAPKNIFE_URL there, user alice, password
//	                             secret; $NAME is its host:port. Flags: -tls,
//	                             -starttls, -delay=20ms, -deadline=10s,
//	                             -maxtls=1.1, -leaf=expired|notyet|wronghost|
//	                             selfsigned|clientcert (client.pem is accepted)|
//	                             shortchain (the intermediate authority ends in 5 days)|sha1
//	delay 20ms                   delay the proxy's replies, to count flights
//	fault [FLAGS] KIND PATTERN   cut, reset or stall at the first response whose
//	                             first line matches, before it; off lifts it.
//	                             Flags: -keep=N octets still pass, -literal inside
//	                             the response's literal, -all on every match
//	fault hide CAPABILITY...     the server does not announce these any more
//	wire [FLAGS] PATTERN...      each pattern matches some command of the client,
//	                             with its literals inline as {n}octets; ! none does
//	     -count=N                exactly N commands match
//	     -order                  the patterns match in this order
//	     -server                 responses instead of commands
//	     -last                   of the last connection only
//	wire -flights N              the last connection took N flights (needs a delay)
//	wire -conns N                there were N connections
//	wire -reset                  forget what has passed
//	wire -lax                    do not fail for what IMAP forbids any client: bare
//	                             CR or LF, NUL, commands over 8192 octets
//	wire -print                  print the transcript
//	keyring MODE                 start a session bus with a gnome-keyring: unlocked,
//	                             locked, absent (none on the bus) or hanging
//	dns FILE                     serve a zone (package imaptest); $DNS is its host:port
//	provider                     start an OAuth provider, in which IMAP_USER signs in;
//	                             $PROVIDER is its URL, and Dovecot takes its tokens
//	provider set NAME=VALUE...   user, client, secret, lifetime=2s, deny=ERROR:TEXT,
//	                             polls=ERROR,..., fail=STATUS,ERROR:TEXT
//	provider count WHAT N        it was asked so often: authorize, code, refresh, poll,
//	                             device or introspect
//	provider issue TIME          $TOKEN is an access token that is good so long
//	provider expire FILE         the access token in the file is good no longer
//	provider revoke FILE         nor what it could be refreshed with
//	visit FILE                   open the page of the provider that the file tells, as
//	                             a browser would, as soon as it is there
//	secrets SECRET...            look for them, in any form, in the command lines of all
//	                             processes that the tests start, from now on
//	secrets -check [FILE...]     they were in none, and are in no file below $WORK but
//	                             these
//	absent WHAT                  note in docs/servers.md what this server lacks
//	unasked                      the script asks no server: docs/servers.md has a dash
//
// wire, and whether the client broke IMAP, is about the latest server that the
// script started with serve, or else about the proxy. When a script fails, the
// transcripts are in its log; with IMAPKNIFE_SCRIPT_CONTINUE=1 it goes on behind
// the line that failed.
package harness
