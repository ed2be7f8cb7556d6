package cmds

import (
	"context"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// meanings says what a capability turns on in imapknife.
var meanings = map[string]string{
	"APPENDLIMIT":    "status and select tell the largest message that may be appended",
	"AUTH=PLAIN":     "login by AUTHENTICATE PLAIN",
	"BINARY":         "fetch --part N --decode lets the server undo the transfer encoding",
	"CHILDREN":       "list tells whether a mailbox has children",
	"CONDSTORE":      "fetch --modseq, the search key MODSEQ, highestmodseq in select and status",
	"ESEARCH":        "search gets ranges instead of single UIDs, and --count only a number",
	"IMAP4REV1":      "the protocol (RFC 3501)",
	"IMAP4REV2":      "the protocol (RFC 9051)",
	"LIST-EXTENDED":  "list tells subscriptions, children and special use in one command",
	"LIST-STATUS":    "list --status needs one command",
	"LITERAL+":       "literals are sent without waiting for consent",
	"LITERAL-":       "literals up to 4096 octets are sent without waiting for consent",
	"LOGINDISABLED":  "the LOGIN command is refused; imapknife does not send the password",
	"OBJECTID":       "fetch --email-id and --thread-id, mailboxid in select and status",
	"PREVIEW":        "fetch --preview",
	"SASL-IR":        "AUTHENTICATE needs no extra round trip",
	"SAVEDATE":       "fetch --savedate, the search keys SAVEDON, SAVEDBEFORE and SAVEDSINCE",
	"SEARCH=FUZZY":   "the search key FUZZY",
	"SORT":           "search --sort is done by the server",
	"SORT=DISPLAY":   "search --sort by display names is done by the server",
	"SPECIAL-USE":    `\Sent, \Trash and the like name a mailbox by its use`,
	"STARTTLS":       "imap:// URLs",
	"STATUS=SIZE":    "status and list --status tell the size of a mailbox",
	"WITHIN":         "the search keys OLDER and YOUNGER are done by the server",
	"X-GM-EXT-1":     "fetch --gmail, search --gmail-raw and the X-GM search keys",
	"UTF8=ACCEPT":    "names and headers may be UTF-8 (not needed: imapknife reads both forms)",
	"UIDNOTSTICKY":   "UIDs change from session to session: rows are good for one session only",
	"STATUS=DELETED": "status tells how many messages are flagged \\Deleted",
	"XLIST":          "special use in an older form, read by list",
}

// meaning is what a capability turns on.
func meaning(name string) string {
	name = strings.ToUpper(name)
	if strings.HasPrefix(name, "APPENDLIMIT=") {
		return "the largest message that may be appended, in octets"
	}
	return meanings[name]
}

func newCapability() *verb {
	return &verb{
		name: "capability", group: groupServer,
		summary: "tell what the server offers, and what that turns on",
		about: `Tells the capabilities announced before and after login, and what each means for
imapknife. --no-login stops before login and needs no credentials.`,
		examples: []example{
			{"what a server offers to anybody", "imapknife capability --no-login --url imaps://imap.example.org/"},
			{"can it MOVE?", `imapknife capability --jq 'any(.[]; .capability == "MOVE")'`},
		},
		flags: append(lookup("no-login"), sessionFlags()...),
		row:   result.Capability{},
		setup: func(in *input) (runner, error) {
			if err := in.noArgs(); err != nil {
				return nil, err
			}
			c, err := in.connection()
			if err != nil {
				return nil, err
			}
			c.cfg.Memory = nil // this verb asks, it does not remember
			cols := []output.Column{{Field: "capability"}, {Field: "before_login", Title: "BEFORE"}}
			if !in.flagged("no-login") {
				cols = append(cols, output.Column{Field: "after_login", Title: "AFTER"})
			}
			spec := output.Spec{Row: result.Capability{}, Columns: append(cols, output.Column{Field: "meaning", Flex: true})}
			return func(ctx context.Context) error {
				return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error {
					return runCapability(ctx, s, out, !in.flagged("no-login"))
				})
			}, nil
		},
	}
}

func runCapability(ctx context.Context, s *session.Session, out *output.Printer, login bool) error {
	before, after, err := s.Capabilities(ctx)
	if err != nil {
		return err
	}
	names := slices.Compact(slices.Sorted(slices.Values(slices.Concat(before, after))))
	for _, name := range names {
		row := result.Capability{Capability: name, Before: slices.Contains(before, name), Meaning: meaning(name)}
		if login {
			is := slices.Contains(after, name)
			row.After = &is
		}
		if err := out.Row(&row); err != nil {
			return err
		}
	}
	return nil
}
