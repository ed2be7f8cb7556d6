// Package mark is a point in the life of mailboxes, written as one word: what
// comes later has a higher UID. It must not know how mailboxes are looked at.
package mark

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
)

// prefix says what a word is, and in which form.
const prefix = "ikm1:"

// Token is the state of some mailboxes of an account.
type Token struct {
	Account string // its digest, as rows carry it
	Boxes   []Box  // in the order in which they were named
}

// Box is the state of one mailbox.
type Box struct {
	Name     string
	Validity result.UIDValidity // UIDVALIDITY, empty where the server has none
	Next     uint32             // the first UID that a later message can have
	Modseq   uint64             // HIGHESTMODSEQ, 0 where the server has none
}

// Check compares what is known of a mailbox with what it says of itself now;
// modseq is 0 where it says none. Another UIDVALIDITY (RFC 9051 section 2.3.1.1)
// or a lower HIGHESTMODSEQ (RFC 7162 section 3.1.2.1) is an error of kind Stale.
func (b Box) Check(validity result.UIDValidity, modseq uint64) error {
	switch {
	case validity != b.Validity:
		return fault.New(fault.Stale, "the mailbox %q has UIDVALIDITY %s, not %s: it was made anew", b.Name, validity, b.Validity)
	case modseq > 0 && modseq < b.Modseq:
		return b.lower("HIGHESTMODSEQ", modseq, b.Modseq)
	}
	return nil
}

// Rewound returns the error of kind Stale about a mailbox whose UIDNEXT is lower
// than it was.
func (b Box) Rewound(next uint32) error { return b.lower("UIDNEXT", uint64(next), uint64(b.Next)) }

func (b Box) lower(what string, now, was uint64) error {
	return fault.New(fault.Stale, "the mailbox %q has %s %d, and had %d: it was put back to an earlier state, and its UIDs may mean other messages now", b.Name, what, now, was)
}

// String writes the token as a word of letters, digits and : , = . / % - _ so
// that no shell needs it quoted: ikm1:ACCOUNT:INBOX=7.42.1001,Sent=7.3.0
func (t Token) String() string {
	var b strings.Builder
	b.WriteString(prefix + t.Account + ":")
	for i, box := range t.Boxes {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s=%s.%d.%d", escape(box.Name), box.Validity, box.Next, box.Modseq)
	}
	return b.String()
}

// Box finds a mailbox. INBOX is INBOX however it is spelt.
func (t Token) Box(name string) (Box, bool) {
	i := slices.IndexFunc(t.Boxes, func(b Box) bool {
		return b.Name == name || strings.EqualFold(name, "INBOX") && strings.EqualFold(b.Name, name)
	})
	if i < 0 {
		return Box{}, false
	}
	return t.Boxes[i], true
}

// Parse reads a token. The error is of kind Usage.
func Parse(text string) (Token, error) {
	var t Token
	bad := func(why string) (Token, error) {
		return Token{}, fault.New(fault.Usage, "%.80q is no mark: %s", text, why).Hint("imapknife mark prints one")
	}
	rest, ok := strings.CutPrefix(text, prefix)
	switch {
	case text == "":
		return Token{}, fault.New(fault.Usage, "the mark is empty").Hint("the command that was to print it has failed, or a variable has another name")
	case !ok:
		return bad("it does not begin with " + prefix)
	}
	account, boxes, ok := strings.Cut(rest, ":")
	if t.Account = account; !ok || account == "" || strings.Trim(account, "0123456789abcdef") != "" {
		return bad("it names no account")
	}
	for part := range strings.SplitSeq(boxes, ",") {
		name, numbers, _ := strings.Cut(part, "=")
		box, err := parseBox(name, strings.Split(numbers, "."))
		if err != nil {
			return bad(err.Error())
		}
		if _, twice := t.Box(box.Name); twice {
			return bad("it names a mailbox twice")
		}
		t.Boxes = append(t.Boxes, box)
	}
	return t, nil
}

func parseBox(name string, numbers []string) (Box, error) {
	var b Box
	var err error
	if b.Name, err = unescape(name); err != nil || b.Name == "" {
		return b, fmt.Errorf("a mailbox has no name that can be read")
	}
	if len(numbers) != 3 {
		return b, fmt.Errorf("it is cut off")
	}
	for _, number := range numbers { // each has one spelling
		if _, ok := result.ParseUIDValidity(number); !ok || len(number) > 1 && number[0] == '0' {
			return b, fmt.Errorf("%q is not a number of a mailbox", number)
		}
	}
	b.Validity, _ = result.ParseUIDValidity(numbers[0])
	next, err := strconv.ParseUint(numbers[1], 10, 32)
	switch {
	case err != nil:
		return b, fmt.Errorf("%q is not a UID", numbers[1])
	case next == 0:
		return b, fmt.Errorf("UIDs begin at 1")
	}
	b.Next = uint32(next)
	if b.Modseq, err = strconv.ParseUint(numbers[2], 10, 63); err != nil {
		return b, fmt.Errorf("%q is not a modification sequence", numbers[2])
	}
	return b, nil
}

// plain are the octets that stand for themselves in a name.
const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_/"

func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func unescape(text string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '%' && i+2 < len(text):
			n, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				return "", err
			}
			b.WriteByte(byte(n))
			i += 2
		case strings.IndexByte(plain, c) >= 0:
			b.WriteByte(c)
		default:
			return "", fmt.Errorf("%q is not allowed", c)
		}
	}
	return b.String(), nil
}
