package harness

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/imapknife/imapknife/internal/realserver"
	"github.com/imapknife/imapknife/internal/sasl"
)

// Table gathers which verbs' scripts pass on which servers, and which ways to
// log in work there.
type Table struct {
	mu     sync.Mutex
	cells  map[[2]string]*cell // by verb and server
	caps   map[string][]string
	logins map[[2]string]string // by mechanism and server
	rows   map[[2]string]int    // documents that were as their schema has them, by verb and server
}

type cell struct {
	passed, failed int
	absent         []string
}

// NewTable is empty.
func NewTable() *Table {
	return &Table{cells: map[[2]string]*cell{}, caps: map[string][]string{}, logins: map[[2]string]string{}, rows: map[[2]string]int{}}
}

// logIn notes what came of a way to log in.
func (t *Table) logIn(server, mechanism string, offered, works bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what := "–"
	switch {
	case works:
		what = "yes"
	case offered:
		what = "refused"
	}
	t.logins[[2]string{mechanism, server}] = what
}

// add notes the outcome of a script, whose name begins with its verb.
func (t *Table) add(s *state) {
	parts := strings.Split(s.tb.Name(), "/")
	verb, _, _ := strings.Cut(parts[len(parts)-1], "-")
	t.mu.Lock()
	defer t.mu.Unlock()
	key := [2]string{verb, s.server.Name}
	if t.cells[key] == nil {
		t.cells[key] = &cell{}
	}
	c := t.cells[key]
	t.caps[s.server.Name] = s.server.caps
	for _, verb := range s.rows {
		t.rows[[2]string{verb, s.server.Name}]++
	}
	for _, what := range s.absent {
		if !slices.Contains(c.absent, what) {
			c.absent = append(c.absent, what)
		}
	}
	if s.tb.Failed() {
		c.failed++
	} else {
		c.passed++
	}
}

// Unseen lists the verbs, and the servers on which their scripts ran, of which no
// JSON was held against its schema; and how many documents were.
func (t *Table) Unseen() (unseen []string, seen int, err error) {
	schemas, err := allSchemas()
	t.mu.Lock()
	defer t.mu.Unlock()
	for verb := range schemas {
		script, rest, _ := strings.Cut(verb, " ")
		if strings.HasPrefix(rest, "--") { // what another flag prints is for its own scripts
			continue
		}
		for key := range t.cells {
			if n := t.rows[[2]string{verb, key[1]}]; n > 0 {
				continue
			}
			if key[0] == script {
				unseen = append(unseen, verb+" on "+key[1])
			}
		}
	}
	for _, n := range t.rows {
		seen += n
	}
	slices.Sort(unseen)
	return unseen, seen, err
}

func (c *cell) String() string {
	out := "–"
	switch {
	case c == nil:
	case c.failed > 0:
		out = fmt.Sprintf("%d of %d", c.passed, c.passed+c.failed)
	case len(c.absent) > 0:
		slices.Sort(c.absent)
		out = "yes, no " + strings.Join(c.absent, ", ")
	default:
		out = "yes"
	}
	return out
}

// String is the table in Markdown.
func (t *Table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	servers := append([]string{Sandbox}, realserver.Names()...)
	var verbs []string
	for key := range t.cells {
		if !slices.Contains(verbs, key[0]) {
			verbs = append(verbs, key[0])
		}
	}
	slices.Sort(verbs)
	var out strings.Builder
	head := func(what string) {
		fmt.Fprintf(&out, "| %s | %s |\n|%s\n", what, strings.Join(servers, " | "), strings.Repeat("---|", len(servers)+1))
	}
	head("scripts")
	for _, verb := range verbs {
		fmt.Fprintf(&out, "| %s |", verb)
		for _, server := range servers {
			fmt.Fprintf(&out, " %s |", t.cells[[2]string{verb, server}])
		}
		out.WriteString("\n")
	}
	out.WriteString(loginHead)
	head("mechanism")
	for _, m := range sasl.Mechanisms() {
		fmt.Fprintf(&out, "| %s |", m.Name)
		for _, server := range servers {
			fmt.Fprintf(&out, " %s |", t.logins[[2]string{m.Name, server}])
		}
		out.WriteString("\n")
	}
	out.WriteString("\n## What the servers announce after login\n\n")
	for _, server := range servers {
		if caps := t.caps[server]; caps != nil {
			fmt.Fprintf(&out, "- **%s**: %s\n", server, strings.Join(caps, " "))
		}
	}
	return out.String()
}

const tableHead = `# Verbs and servers

Written by the tests (IMAPKNIFE_WRITE_DOCS=1 go test ./cmds -run TestScripts):
every script in testdata/script runs on the sandbox and on real servers that
are started for the purpose. A row is the scripts of one verb, or of what
concerns several. "yes" means that all of them pass; "no X" behind it, that the
server lacks X and imapknife says so or works around it; a dash, that none was
run there.

`

const loginHead = `
## Ways to log in

Each is tried with what it needs (a password, a token that the server asks an
OAuth provider about, a client certificate), over TLS on the real servers, and
again with a wrong password, an expired token, no certificate. "yes": the right
one logs in, the wrong one is refused with status 4. "refused": the server
announces the mechanism and does not take it (the -PLUS forms of Cyrus 3.6 and
imap4d 3.15 are not bound to the TLS connection that there is; imap4d announces
EXTERNAL and ANONYMOUS and knows nobody who comes that way). A dash: it is
not announced, and asking for it is status 4. LOGIN is the LOGIN command.

`

// WriteFile writes the table to a file.
func (t *Table) WriteFile(name string) error {
	return os.WriteFile(name, []byte(tableHead+t.String()), 0o644)
}
