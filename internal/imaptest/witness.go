package imaptest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// Witness is a client as plain as can be, which says what a mailbox holds
// without any of imapknife's code. It is for one goroutine.
type Witness struct {
	conn net.Conn
	r    *bufio.Reader
	tags int
}

// NewWitness logs in over plain TCP, or TLS when config is not nil. Each
// exchange has ten seconds.
func NewWitness(addr string, config *tls.Config, user, password string) (*Witness, error) {
	conn, err := net.DialTimeout("tcp", addr, hangLimit)
	if err != nil {
		return nil, err
	}
	if config != nil {
		conn = tls.Client(conn, config)
	}
	w := &Witness{conn: conn, r: bufio.NewReader(conn)}
	conn.SetDeadline(time.Now().Add(hangLimit))
	if _, _, err = w.response(); err == nil {
		_, err = w.Do("LOGIN " + Quote(user) + " " + Quote(password))
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("witness: %w", err)
	}
	return w, nil
}

// Quote makes a quoted string (RFC 9051 section 4.3) of s.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// EncodeName makes modified UTF-7 (RFC 3501 section 5.1.3) of a name.
func EncodeName(name string) string {
	encoding := base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)
	var out strings.Builder
	var run []byte // UTF-16, big endian
	flush := func() {
		if len(run) > 0 {
			out.WriteString("&" + encoding.EncodeToString(run) + "-")
			run = nil
		}
	}
	for _, r := range name {
		if r >= ' ' && r <= '~' {
			flush()
			out.WriteRune(r)
			if r == '&' {
				out.WriteByte('-')
			}
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			run = append(run, byte(u>>8), byte(u))
		}
	}
	flush()
	return out.String()
}

// Close says LOGOUT.
func (w *Witness) Close() error {
	_, err := w.Do("LOGOUT")
	w.conn.Close()
	return err
}

// Do runs a command and returns the responses in the form of a Response's
// Text, the tagged one last. NO and BAD are errors too.
func (w *Witness) Do(command string) ([]string, error) {
	w.conn.SetDeadline(time.Now().Add(hangLimit))
	w.tags++
	tag := fmt.Sprintf("W%d", w.tags)
	if _, err := io.WriteString(w.conn, tag+" "+command+"\r\n"); err != nil {
		return nil, err
	}
	return w.finish(tag, command)
}

func (w *Witness) finish(tag, command string) ([]string, error) {
	var out []string
	for {
		text, _, err := w.response()
		if err != nil {
			return out, err
		}
		out = append(out, text)
		if rest, ok := strings.CutPrefix(text, tag+" "); ok {
			if !strings.HasPrefix(rest, "OK") {
				return out, fmt.Errorf("%.80q: server said %s", command, rest)
			}
			return out, nil
		}
	}
}

// response reads one response with its literals.
func (w *Witness) response() (string, [][]byte, error) {
	var text bytes.Buffer
	var literals [][]byte
	for {
		line, err := w.r.ReadBytes('\n')
		if err != nil {
			return "", nil, err
		}
		line = trimEOL(line)
		text.Write(line)
		size, _, ok := announced(line)
		if !ok {
			return text.String(), literals, nil
		}
		literal := make([]byte, size)
		if _, err := io.ReadFull(w.r, literal); err != nil {
			return "", nil, err
		}
		text.Write(literal)
		literals = append(literals, literal)
	}
}

// Append adds a message to the mailbox of a name in UTF-8. flags is a list in parentheses or empty, a zero date
// is the server's choice.
func (w *Witness) Append(mailbox, flags string, date time.Time, message []byte) error {
	w.conn.SetDeadline(time.Now().Add(hangLimit))
	w.tags++
	tag := fmt.Sprintf("W%d", w.tags)
	command := "APPEND " + Quote(EncodeName(mailbox))
	if flags != "" {
		command += " " + flags
	}
	if !date.IsZero() {
		command += " " + date.Format(`"02-Jan-2006 15:04:05 -0700"`)
	}
	if _, err := fmt.Fprintf(w.conn, "%s %s {%d}\r\n", tag, command, len(message)); err != nil {
		return err
	}
	if text, _, err := w.response(); err != nil || !strings.HasPrefix(text, "+") {
		return fmt.Errorf("%s: %q, %w", command, text, err)
	}
	if _, err := w.conn.Write(append(bytes.Clone(message), '\r', '\n')); err != nil {
		return err
	}
	_, err := w.finish(tag, command)
	return err
}

// Held is what a mailbox holds of one message.
type Held struct {
	UID    uint32
	Flags  []string // sorted, without \Recent
	Date   time.Time
	Octets []byte
}

var (
	heldUID   = regexp.MustCompile(`[( ]UID (\d+)`)
	heldFlags = regexp.MustCompile(`[( ]FLAGS \(([^)]*)\)`)
	heldDate  = regexp.MustCompile(`[( ]INTERNALDATE "([^"]*)"`)
)

// Messages reads a whole mailbox, by its name in UTF-8, with EXAMINE.
func (w *Witness) Messages(mailbox string) ([]Held, error) {
	if _, err := w.Do("EXAMINE " + Quote(EncodeName(mailbox))); err != nil {
		return nil, err
	}
	w.conn.SetDeadline(time.Now().Add(hangLimit))
	w.tags++
	tag := fmt.Sprintf("W%d", w.tags)
	if _, err := io.WriteString(w.conn, tag+" UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n"); err != nil {
		return nil, err
	}
	var out []Held
	for {
		text, literals, err := w.response()
		if err != nil {
			return nil, err
		}
		if rest, ok := strings.CutPrefix(text, tag+" "); ok {
			if !strings.HasPrefix(rest, "OK") {
				return nil, fmt.Errorf("cannot read %s: server said %s", mailbox, rest)
			}
			slices.SortFunc(out, func(a, b Held) int { return int(a.UID) - int(b.UID) })
			return out, nil
		}
		if len(literals) == 1 {
			out = append(out, held(strings.Replace(text, string(literals[0]), "", 1), literals[0]))
		}
	}
}

func held(text string, octets []byte) Held {
	h := Held{Octets: octets}
	if m := heldUID.FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseUint(m[1], 10, 32) // digits by the pattern
		h.UID = uint32(n)
	}
	if m := heldFlags.FindStringSubmatch(text); m != nil {
		for f := range strings.FieldsSeq(m[1]) {
			if f != `\Recent` {
				h.Flags = append(h.Flags, f)
			}
		}
		sort.Strings(h.Flags)
	}
	if m := heldDate.FindStringSubmatch(text); m != nil {
		h.Date, _ = time.Parse("_2-Jan-2006 15:04:05 -0700", m[1]) // zero when odd
	}
	return h
}

// String is a line for comparisons: UID, flags, INTERNALDATE, size, digest.
func (h Held) String() string {
	return fmt.Sprintf("%d (%s) %s %d %x", h.UID, strings.Join(h.Flags, " "), h.Date.UTC().Format(time.RFC3339), len(h.Octets), sha256.Sum256(h.Octets))
}
