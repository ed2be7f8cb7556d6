package cmds

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/sandbox"
)

// arity is how many values a flag takes.
type arity int

const (
	none     arity = iota // --flag
	one                   // --flag VALUE, the last one counts
	many                  // --flag VALUE, may be repeated
	optional              // --flag or --flag=VALUE
)

// kind is how a flag's value is checked.
type kind int

const (
	text kind = iota
	count
	duration
	file
	directory
)

// flag is one flag of the command line. A name means the same wherever it is
// offered.
type flag struct {
	name  string
	short string
	arity arity
	kind  kind
	value string   // placeholder in help
	enum  []string // the values it can have
	env   bool     // IMAPKNIFE_NAME sets it too
	blank bool     // an empty value says something
	group string   // heading in help
	help  string
}

// usage is the flag as help shows it.
func (f *flag) usage() string {
	out := "--" + f.name
	switch f.arity {
	case one, many:
		out += " " + f.placeholder()
	case optional:
		out += "[=" + f.placeholder() + "]"
	}
	if f.short != "" {
		out = "-" + f.short + ", " + out
	}
	return out
}

func (f *flag) placeholder() string {
	if len(f.enum) > 0 {
		return strings.Join(f.enum, "|")
	}
	if f.value == "" {
		return "VALUE"
	}
	return f.value
}

// envName is the environment variable that sets the flag.
func (f *flag) envName() string {
	return "IMAPKNIFE_" + strings.ToUpper(strings.ReplaceAll(f.name, "-", "_"))
}

// check reports what is wrong with a value.
func (f *flag) check(v string) error {
	switch {
	case v == "" && !f.blank && (f.kind != count && f.kind != duration):
		return errors.New("the value is empty")
	case len(f.enum) > 0 && !slices.Contains(f.enum, v):
		return fmt.Errorf("%q is none of %s", v, strings.Join(f.enum, ", "))
	case f.kind == count:
		if _, err := strconv.ParseUint(v, 10, 63); err != nil {
			return fmt.Errorf("%q is not a number", v)
		}
	case f.kind == duration:
		if d, err := time.ParseDuration(v); err != nil && query.IsNumber(v) {
			return fault.New(fault.Usage, "%q has no unit", v).Hint("%ss is %s seconds; ms, m and h are units, too", v, v)
		} else if err != nil || d < 0 {
			return fmt.Errorf("%q is not a time such as 10s or 500ms", v)
		} else if d == 0 {
			return errors.New("a wait needs a bound above 0, such as 10s")
		}
	}
	return nil
}

// The headings of help.
const (
	groupVerb       = "Flags"
	groupOutput     = "Output"
	groupSelect     = "Selection"
	groupCriteria   = "Criteria (different ones are AND, one repeated is OR)"
	groupConnection = "Connection"
	groupSafety     = "Safety"
)

// registry is every flag there is, except the criteria.
var registry = append([]*flag{
	{name: "json", env: true, group: groupOutput, help: "print one JSON document"},
	{name: "jsonl", env: true, group: groupOutput, help: "print one JSON object a line, as the rows come"},
	{name: "fields", arity: one, value: "A,B", env: true, group: groupOutput, help: "print only these fields, in this order; schema VERB lists them"},
	{name: "jq", arity: one, value: "EXPR", env: true, group: groupOutput, help: "run a jq program over the JSON document, or over each row with --jsonl"},
	{name: "template", arity: one, value: "GO-TEMPLATE", env: true, group: groupOutput, help: "print each row by a Go template"},
	{name: "null", short: "0", env: true, group: groupOutput, help: "separate plain output with NUL instead of newlines"},
	{name: "max-bytes", arity: one, kind: count, value: "N", env: true, group: groupOutput, help: "cut each text of a message at N octets (truncated says so)"},
	{name: "quiet", short: "q", env: true, group: groupOutput, help: "say nothing on standard error but errors and warnings of what is not safe"},

	{name: "account", short: "a", arity: one, value: "NAME", env: true, group: groupConnection, help: "an account that login has saved; accounts list tells them"},
	{name: "url", arity: one, value: "URL", env: true, group: groupConnection, help: "imaps://user@host:port/ (imap:// is STARTTLS, imap+insecure:// clear text)"},
	{name: "host", arity: one, value: "HOST", env: true, group: groupConnection, help: "server, where there is no URL"},
	{name: "port", arity: one, kind: count, value: "N", env: true, group: groupConnection, help: "port; 993, or 143 without implicit TLS"},
	{name: "tls", arity: one, enum: []string{"implicit", "starttls", "none"}, env: true, group: groupConnection, help: "how the connection is protected"},
	{name: "user", arity: one, value: "NAME", env: true, group: groupConnection, help: "user name"},
	{name: "auth", arity: one, value: "MECHANISM,…", env: true, group: groupConnection, help: "ways to log in, in order, such as scram-sha-256,plain; each is tried when the one before fails"},
	{name: "password-stdin", group: groupConnection, help: "read the password from standard input"},
	{name: "password-file", arity: one, kind: file, value: "FILE", env: true, group: groupConnection, help: "read the password from a file"},
	{name: "password-command", arity: one, value: "COMMAND", env: true, group: groupConnection, help: "the password is what this shell command prints"},
	{name: "token-command", arity: one, value: "COMMAND", env: true, group: groupConnection, help: "log in with the OAuth access token that this shell command prints"},
	{name: "authzid", arity: one, value: "NAME", env: true, group: groupConnection, help: "act as this user (SASL authorization identity)"},
	{name: "ca-file", arity: one, kind: file, value: "FILE", env: true, group: groupConnection, help: "trust the authorities in this PEM file instead of the system's"},
	{name: "server-name", arity: one, value: "NAME", env: true, group: groupConnection, help: "name to verify the certificate for"},
	{name: "client-cert", arity: one, kind: file, value: "FILE", env: true, group: groupConnection, help: "show the server the certificate in this PEM file"},
	{name: "client-key", arity: one, kind: file, value: "FILE", env: true, group: groupConnection, help: "its private key, where that is in another file"},
	{name: "tls-pin", arity: many, value: "sha256:HASH", env: true, group: groupConnection, help: "trust the server with this public key and no other; doctor prints it"},
	{name: "tls-min", arity: one, enum: []string{"1.2", "1.3"}, env: true, group: groupConnection, help: "oldest TLS version to accept (1.2)"},
	{name: "insecure", env: true, group: groupConnection, help: "do not verify the certificate (warns)"},
	{name: "insecure-plaintext", env: true, group: groupConnection, help: "allow clear text to another machine"},
	{name: "proxy", arity: one, value: "URL", env: true, group: groupConnection, help: "go through socks5://HOST:PORT or http://HOST:PORT (ALL_PROXY, NO_PROXY); none for no proxy"},
	{name: "unix-socket", arity: one, kind: file, value: "PATH", env: true, group: groupConnection, help: "connect to this Unix socket"},
	{name: "tunnel", arity: one, value: "COMMAND", env: true, group: groupConnection, help: "talk to this shell command instead of the network, such as 'ssh host imapd'"},
	{name: "connect-timeout", arity: one, kind: duration, value: "TIME", env: true, group: groupConnection, help: "bound on name, TCP and TLS (10s), and on the greeting (30s)"},
	{name: "io-timeout", arity: one, kind: duration, value: "TIME", env: true, group: groupConnection, help: "bound on each wait without progress (30s)"},
	{name: "timeout", arity: one, kind: duration, value: "TIME", group: groupConnection, help: "bound on the whole command (none); wait: how long to wait (1m); watch: how long to watch"},
	{name: "no-pipelining", env: true, group: groupConnection, help: "wait for the login's answer before the next command"},
	{name: "no-id", env: true, group: groupConnection, help: "do not send the server this program's name and version (ID)"},
	{name: "read-only", env: true, group: groupConnection, help: "refuse every command that could change something (so does IMAPKNIFE_MODE=readonly)"},
	{name: "trace", env: true, group: groupConnection, help: "show the IMAP conversation on standard error, secrets hidden"},
	{name: "trace-file", arity: one, kind: file, value: "FILE", env: true, group: groupConnection, help: "write the IMAP conversation to a file"},
	{name: "show-secrets", group: groupConnection, help: "let the trace show secrets"},

	{name: "mailbox", short: "m", arity: many, value: "NAME", env: true, group: groupSelect, help: `mailbox to work in (INBOX); \Sent or @sent names one by its use`},
	{name: "all-mailboxes", group: groupSelect, help: "work in every mailbox that can be opened"},
	{name: "query", arity: many, value: "PROGRAM", group: groupSelect, help: "an IMAP search program, such as 'UNSEEN FROM ci@'; several are OR"},
	{name: "sort", arity: one, value: "KEY,…", group: groupSelect, help: "order by date, arrival, from, to, cc, subject, size; -KEY turns one round"},
	{name: "reverse", group: groupSelect, help: "turn the whole order round, also over several mailboxes"},
	{name: "limit", arity: one, kind: count, value: "N", group: groupSelect, help: "at most the first N messages of the order, over all mailboxes"},
	{name: "newest", arity: one, kind: count, value: "N", group: groupSelect, help: "only the N messages with the highest UIDs; over several mailboxes, those that arrived last"},
	{name: "seq", group: groupSelect, help: "SET is message sequence numbers (reading only)"},
	{name: "uidvalidity", arity: one, value: "N", group: groupSelect, help: "refuse (exit 7) unless the mailbox has this UIDVALIDITY"},
	{name: "mark", arity: one, blank: true, value: "MARK", group: groupSelect, help: "only what has arrived since imapknife mark printed this; exit 7 when the mailbox was made anew or put back"},
	{name: "fail-empty", group: groupSelect, help: "exit 1 when no message is selected"},

	{name: "dry-run", group: groupSafety, help: "print what would change, and change nothing"},
	{name: "yes", short: "y", group: groupSafety, help: "do not ask"},
	{name: "max", arity: one, kind: count, value: "N", group: groupSafety, help: "refuse to touch more than N messages (1000 for what destroys, else no bound; 0 lifts it)"},

	{name: "flag", arity: many, value: "FLAG,…", group: groupVerb, help: `give the message these flags, such as seen,$Forwarded`},
	{name: "date", arity: one, value: "DATE", group: groupVerb, help: "give the message this date of arrival: 2026-11-20, RFC 3339, yesterday"},
	{name: "status", group: groupVerb, help: "tell the counts of each mailbox too"},
	{name: "subscribed", group: groupVerb, help: "only subscribed mailboxes, those that are gone too"},
	{name: "selectable", group: groupVerb, help: "only mailboxes that can be opened"},
	{name: "write", group: groupVerb, help: "SELECT instead of EXAMINE: tells permanentflags, clears \\Recent"},
	{name: "long", short: "l", group: groupVerb, help: "tell date, from, subject, flags and size too"},
	{name: "count", group: groupVerb, help: "print only how many messages match"},
	{name: "envelope", group: groupVerb, help: "date, subject and the addresses"},
	{name: "flags", group: groupVerb, help: "flags"},
	{name: "size", group: groupVerb, help: "size in octets"},
	{name: "internal-date", group: groupVerb, help: "when the server received the message"},
	{name: "structure", group: groupVerb, help: "the tree of MIME parts"},
	{name: "headers", arity: optional, value: "NAMES", group: groupVerb, help: "header fields: all, or those named (a comma between)"},
	{name: "text", group: groupVerb, help: "the text a person reads, decoded"},
	{name: "html", group: groupVerb, help: "the HTML text, decoded"},
	{name: "body", group: groupVerb, help: "everything behind the header, as it is"},
	{name: "raw", group: groupVerb, help: "the whole message, as it is"},
	{name: "part", arity: one, value: "N", group: groupVerb, help: "one MIME part, such as 2 or 1.2"},
	{name: "decode", group: groupVerb, help: "undo the part's transfer encoding"},
	{name: "range", arity: one, value: "OFFSET:LENGTH", group: groupVerb, help: "only these octets of --raw, --body or --part"},
	{name: "modseq", group: groupVerb, help: "modification sequence (CONDSTORE)"},
	{name: "preview", group: groupVerb, help: "the server's preview of the text (PREVIEW)"},
	{name: "savedate", group: groupVerb, help: "when the message came into the mailbox (SAVEDATE)"},
	{name: "email-id", group: groupVerb, help: "EMAILID of the message (OBJECTID)"},
	{name: "thread-id", group: groupVerb, help: "THREADID of the message (OBJECTID)"},
	{name: "gmail", group: groupVerb, help: "Gmail's message id, thread id and labels (X-GM-EXT-1)"},
	{name: "dir", arity: one, kind: directory, value: "DIR", group: groupVerb, help: "write files into this directory"},
	{name: "name", arity: one, value: "NAME", group: groupVerb, help: "name to give the account (login), or a pattern for the file names of attachments"},
	{name: "default", group: groupVerb, help: "make the account the one that commands use"},
	{name: "discover", group: groupVerb, help: "only tell which servers were found, and where; asks nobody for a password"},
	{name: "insecure-storage", group: groupVerb, help: "keep the password or token in a file, in clear (0600), instead of the keyring"},
	{name: "oauth", arity: one, enum: []string{"google", "microsoft", "custom"}, group: groupVerb, help: "sign in by OAuth 2 with this provider"},
	{name: "client-id", arity: one, value: "ID", env: true, group: groupVerb, help: "your own OAuth client id; docs/oauth.md says how to get one"},
	{name: "client-secret-file", arity: one, kind: file, value: "FILE", env: true, group: groupVerb, help: "file with the OAuth client secret, where the provider wants one"},
	{name: "tenant", arity: one, value: "ID", env: true, group: groupVerb, help: "Microsoft tenant (common)"},
	{name: "auth-url", arity: one, value: "URL", env: true, group: groupVerb, help: "OAuth authorization endpoint"},
	{name: "token-url", arity: one, value: "URL", env: true, group: groupVerb, help: "OAuth token endpoint"},
	{name: "device-url", arity: one, value: "URL", env: true, group: groupVerb, help: "OAuth device authorization endpoint"},
	{name: "scope", arity: many, value: "SCOPE", env: true, group: groupVerb, help: "OAuth scope to ask for instead of the provider's usual ones"},
	{name: "device", group: groupVerb, help: "sign in with a code typed on another device"},
	{name: "paste", group: groupVerb, help: "sign in with a browser on another machine, and paste the address it ends at"},
	{name: "open-browser", group: groupVerb, help: "open the sign-in page instead of only printing its address"},
	{name: "effective", group: groupVerb, help: "every setting of a connection, and where it comes from"},
	{name: "until", arity: one, enum: doctorStages, group: groupVerb, help: "stop behind this stage"},
	{name: "warn-expiry", arity: one, value: "DAYS", env: true, group: groupVerb, help: "exit 1 when the certificate ends sooner, such as 14d"},
	{name: "dns-server", arity: one, value: "HOST:PORT", env: true, group: groupConnection, help: "ask this name server instead of the system's"},
	{name: "type", arity: one, value: "TYPE", group: groupVerb, help: "only attachments of this media type, such as text/*"},
	{name: "overwrite", group: groupVerb, help: "replace files that exist"},
	{name: "create", group: groupVerb, help: "make the mailbox where it is missing"},
	{name: "no-lock", group: groupVerb, help: "do not wait for another imapknife that moves or deletes in the mailbox"},
	{name: "add", arity: many, value: "FLAGS", group: groupVerb, help: "add these flags, a comma between: seen,flagged,$Forwarded"},
	{name: "remove", arity: many, value: "FLAGS", group: groupVerb, help: "take these flags away"},
	{name: "set", arity: many, blank: true, value: "FLAGS", group: groupVerb, help: "have these flags and no others"},
	{name: "add-label", arity: many, value: "LABEL", group: groupVerb, help: "add a Gmail label (X-GM-EXT-1)"},
	{name: "remove-label", arity: many, value: "LABEL", group: groupVerb, help: "take a Gmail label away"},
	{name: "set-label", arity: many, blank: true, value: "LABEL", group: groupVerb, help: "have these Gmail labels and no others"},
	{name: "unchanged-since", arity: one, kind: count, value: "MODSEQ", group: groupVerb, help: "leave alone what has changed since (CONDSTORE)"},
	{name: "expunge", group: groupVerb, help: "remove for good"},
	{name: "flag-only", group: groupVerb, help: "flag \\Deleted, nothing more"},
	{name: "no-pager", env: true, group: groupVerb, help: "do not use a pager on a terminal"},
	{name: "special-use", arity: one, value: "USE", group: groupVerb, help: "what the new mailbox is for, such as \\Archive, @archive or archive"},
	{name: "matches", arity: one, kind: count, value: "N", group: groupVerb, help: "wait for N messages (1)"},
	{name: "extract", arity: one, value: "WHAT", group: groupVerb, help: "print one value of the message instead: otp[=LENGTH], link[=REGEX], regex=REGEX, header=NAME, or the path of a file: attachment=DIR"},
	{name: "first", group: groupVerb, help: "of several different values, take the first instead of exit 6"},
	{name: "for", arity: one, kind: duration, value: "TIME", group: groupVerb, help: "how long none may come (only now)"},
	{name: "within", arity: one, kind: duration, value: "TIME", group: groupVerb, help: "how long messages have for coming (1m)"},
	{name: "settle", arity: one, kind: duration, value: "TIME", group: groupVerb, help: "how long the number must then stay right"},
	{name: "exactly", arity: one, kind: count, value: "N", group: groupVerb, help: "N messages, not one more"},
	{name: "at-least", arity: one, kind: count, value: "N", group: groupVerb, help: "N messages or more"},
	{name: "at-most", arity: one, kind: count, value: "N", group: groupVerb, help: "N messages or fewer"},
	{name: "per-recipient", group: groupVerb, help: "each recipient of mail has an account: the address is the user, the password that of the sandbox"},
	{name: "keep", arity: one, kind: file, value: "DIR", group: groupVerb, help: "leave each mail that is sent as a file in this directory"},
	{name: "with-tls", group: groupVerb, help: "speak TLS, with a certificate made for this sandbox (IMAPKNIFE_CA_FILE)"},
	{name: "fault", arity: many, value: "NAME", group: groupVerb, help: "go wrong: " + strings.Join(sandbox.FaultNames(), ", ")},
	{name: "state", arity: one, kind: file, value: "FILE", group: groupVerb, help: "what is known of the mailboxes: read from this file, and written to it when the rows are out"},
	{name: "events", arity: one, value: "A,B", group: groupVerb, help: "of these only: new, flags, expunged; watch: mailbox-created, mailbox-deleted"},
	{name: "keep-going", group: groupVerb, help: "go on when the command has failed for a message"},
	{name: "junit", arity: one, kind: file, value: "FILE", group: groupVerb, help: "write the outcome to a file as JUnit XML"},
	{name: "tap", group: groupVerb, help: "print the outcome as TAP"},
	{name: "existing", group: groupVerb, help: "messages that are there already count, too"},
	{name: "poll", arity: one, kind: duration, value: "TIME", env: true, group: groupVerb, help: "longest pause between two looks (15s with IDLE, 30s where the server ends it at once, 2s without it or for several mailboxes)"},
	{name: "auth-result", arity: many, value: "METHOD=RESULT", group: groupVerb, help: "the server of --trust-authserv found it so (dkim=pass, spf=pass, dmarc=pass)"},
	{name: "trust-authserv", arity: one, value: "ID", group: groupVerb, help: "whose Authentication-Results count: the name that your own mail server writes there"},
	{name: "subject-regex", arity: many, value: "REGEX", group: groupVerb, help: "the decoded subject matches"},
	{name: "from-regex", arity: many, value: "REGEX", group: groupVerb, help: "a sender, as NAME <ADDRESS>, matches"},
	{name: "to-regex", arity: many, value: "REGEX", group: groupVerb, help: "an address of To or Cc, as NAME <ADDRESS>, matches"},
	{name: "text-regex", arity: many, value: "REGEX", group: groupVerb, help: "the text that a person reads matches"},
	{name: "header-regex", arity: many, value: "NAME:REGEX", group: groupVerb, help: "a header field, unfolded and decoded, matches"},
	{name: "no-login", group: groupVerb, help: "stop before login; needs no credentials"},
	{name: "seed", arity: one, kind: file, value: "DIR|FILE.mbox", group: groupVerb, help: "messages to start with instead of the samples"},
	{name: "help", short: "h", group: groupVerb, help: "show help"},
}, criteria()...)

// criteria makes flags of the search criteria.
func criteria() []*flag {
	var out []*flag
	for _, c := range query.Criteria() {
		f := &flag{name: c.Name, value: c.ValueName, group: groupCriteria, help: c.Help}
		switch c.Arity {
		case query.NoValue:
			f.arity = none
		case query.OptionalValue:
			f.arity = optional
		default:
			f.arity = many
		}
		out = append(out, f)
	}
	return out
}

// lookup finds flags by their names; an unknown one is a mistake in the
// program that the tests find.
func lookup(names ...string) []*flag {
	out := make([]*flag, 0, len(names))
	for _, n := range names {
		i := slices.IndexFunc(registry, func(f *flag) bool { return f.name == n })
		out = append(out, registry[i])
	}
	return out
}

// inGroup lists the flags of the groups.
func inGroup(groups ...string) []*flag {
	var out []*flag
	for _, f := range registry {
		if slices.Contains(groups, f.group) {
			out = append(out, f)
		}
	}
	return out
}
