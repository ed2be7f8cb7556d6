package wire

import (
	"io"
	"strings"
	"testing"

	"github.com/imapknife/imapknife/internal/fault"
)

// The commands of RFC 9051 and RFC 3501 and of every extension that can
// change something, and what nobody knows.
var writeCommands = [...]string{
	"SELECT", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "APPEND",
	"CHECK", "CLOSE", "EXPUNGE", "STORE", "COPY", "MOVE",
	"UID STORE", "UID COPY", "UID MOVE", "UID EXPUNGE", // UIDPLUS, MOVE
	"REPLACE", "UID REPLACE", "CATENATE", "MULTIAPPEND", // RFC 8508
	"SETACL", "DELETEACL", "SETQUOTA", "SETMETADATA", "SETANNOTATION",
	"GENURLAUTH", "RESETKEY", "URLFETCH", "CONVERT", "UID CONVERT",
	"CANCELUPDATE", "COMPARATOR", "UNAUTHENTICATE", "XAPPLEPUSHSERVICE", "X-REINDEX",
	"UIDBATCHES", "", " NOOP", "NOOP STORE", "UID", "FETCH STORE",
}

func TestReadOnlyRefuses(t *testing.T) {
	for _, name := range writeCommands {
		for _, name := range []string{name, strings.ToLower(name)} {
			body := strings.NewReader("octets")
			c, m := overMemory(t, strings.NewReader(""), Options{ReadOnly: true})
			c.AllowNonSync(1 << 62)
			_, err := c.Do(t.Context(), NewCommand(name).Atom("1").Literal(body, 6))
			if fault.KindOf(err) != fault.Safety || !strings.Contains(err.Error(), name+" is refused: read-only mode") {
				t.Errorf("%q: %v", name, err)
			}
			if m.sent.Len() > 0 || body.Len() != 6 || len(c.flight) > 0 {
				t.Errorf("%q: sent %q", name, m.sent.String())
			}
		}
	}
}

func TestReadOnlyAllows(t *testing.T) {
	for _, name := range []string{
		"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "AUTHENTICATE", "LOGIN", "ID", "ENABLE", "COMPRESS",
		"EXAMINE", "UNSELECT", "LIST", "LSUB", "STATUS", "NAMESPACE", "IDLE", "NOTIFY",
		"SEARCH", "UID SEARCH", "SORT", "UID SORT", "THREAD", "UID THREAD", "FETCH", "UID FETCH",
		"GETQUOTA", "GETQUOTAROOT", "GETACL", "MYRIGHTS", "LISTRIGHTS", "GETMETADATA", "uid fetch",
	} {
		c, m := overMemory(t, strings.NewReader("A1 OK\r\n"), Options{ReadOnly: true})
		if _, err := c.Do(t.Context(), NewCommand(name)); err != nil || m.sent.String() != "A1 "+name+"\r\n" {
			t.Errorf("%s: %v, sent %q", name, err, m.sent.String())
		}
	}
	c, _ := overMemory(t, io.MultiReader(), Options{})
	if _, err := c.Send(t.Context(), NewCommand("UID STORE")); err != nil {
		t.Errorf("without read-only mode: %v", err)
	}
}

// An argument must not smuggle in a second command, past read-only mode too.
func TestOneLine(t *testing.T) {
	for _, end := range []string{"\r\n", "\n", "\r", "\x00"} {
		smuggled := "ALL" + end + "A2 UID STORE 1 +FLAGS (\\Deleted)"
		for _, cmd := range []*Command{
			NewCommand("SEARCH").Atom(smuggled),
			NewCommand("SEARCH").List("a", smuggled),
			NewCommand("AUTHENTICATE").SecretAtom(smuggled),
			NewCommand("NOOP" + end + "A2 EXPUNGE"),
		} {
			for _, readOnly := range []bool{false, true} {
				c, m := overMemory(t, strings.NewReader(""), Options{ReadOnly: readOnly})
				_, err := c.Do(t.Context(), cmd)
				if fault.KindOf(err) != fault.Usage || m.sent.Len() > 0 || strings.ContainsAny(err.Error(), "\r\n\x00") {
					t.Errorf("%q: %v, sent %q", end, err, m.sent.String())
				}
			}
		}
		c, m := overMemory(t, strings.NewReader("A1 OK\r\n"), Options{})
		c.AllowNonSync(100)
		if _, err := c.Do(t.Context(), NewCommand("X").String(smuggled)); err != nil || !strings.Contains(m.sent.String(), "+}\r\nALL") {
			t.Errorf("%q in a string: %v, sent %q", end, err, m.sent.String())
		}
	}
}
