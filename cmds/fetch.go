package cmds

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

type fetchOptions struct {
	in        *input
	sel       *selection
	want      want
	stream    stream // what is written as it is, in plain output
	dir       string
	failEmpty bool
}

func newFetch() *verb {
	return &verb{
		name: "fetch", group: groupMessages, args: "SET",
		summary: "read messages, or what is known of them",
		about: `Tells what is asked for of each message in the set, by flags and by --fields, a
row each, ascending; without either, envelope, flags, size and internal date.
Nothing is marked as read. --text, --html, --body, --raw or --part alone, of one
message, is written to standard output as it is; of several with --dir, a file
each, or in rows with --json and --jsonl. A UID of the set that is not there
makes the exit status 1, or 9 when others are; so does a part, or the HTML, that
is not there, and a message that is removed by then. What is there but does not
come from the server is a warning on its row, and makes it 10, or 9 when others
came. What criteria, --limit or --newest leave out is not missing.`,
		examples: []example{
			{"subjects of all messages", "imapknife fetch 1: --fields uid,subject"},
			{"a message as it is", "imapknife fetch 42 --raw >42.eml"},
			{"the text of the newest", "imapknife fetch last --text"},
			{"all of a sender's, a file each", "imapknife fetch --from ci@ --raw --dir mails"},
		},
		flags: append(lookup("envelope", "flags", "size", "internal-date", "structure", "headers", "text", "html", "body", "raw", "part", "decode", "range",
			"modseq", "preview", "savedate", "email-id", "thread-id", "gmail", "dir", "overwrite"), selectionFlags()...),
		row:   result.Message{},
		setup: setupFetch,
	}
}

// setArgs takes the set from the arguments. Without a set there must be
// criteria: reading everything has to be asked for, as 1: or all of it.
func (in *input) setArgs(c *connection) (*selection, error) {
	set := ""
	switch len(in.args) {
	case 0:
	case 1:
		set = in.args[0]
	default:
		return nil, in.hintValue(fault.New(fault.Usage, "%s takes one SET, not %q and %q", in.verb.path, in.args[0], in.args[1]).
			Hint("join UIDs by commas: 1,5,7:9; a search program goes into --query"), in.args[1])
	}
	sel, err := in.selection(c, set, nil)
	if err != nil {
		return nil, err
	}
	if set == "" && sel.node == nil && !sel.tailed && !sel.limited && sel.since == nil {
		return nil, fault.New(fault.Usage, "%s needs messages: a SET or criteria", in.verb.path).
			Hint("for example 42, 1:5, last, --unseen, --newest 10; 1: is all of them")
	}
	return sel, nil
}

// stream is a part of a message that is written as it is.
type stream struct {
	kind    string // text, html or section; empty for rows
	section string
	partial string
	decode  bool
}

var partNumber = regexp.MustCompile(fmt.Sprintf(`(?i)^[1-9][0-9]{0,4}(\.[1-9][0-9]{0,4}){0,%d}(\.(MIME|HEADER|TEXT))?$`, message.MaxDepth-1))

func setupFetch(in *input) (runner, error) {
	c, err := in.connection()
	if err != nil {
		return nil, err
	}
	o := fetchOptions{in: in, dir: in.last("dir"), failEmpty: in.flagged("fail-empty")}
	if o.sel, err = in.setArgs(c); err != nil {
		return nil, err
	}
	if err := o.read(in); err != nil {
		return nil, err
	}
	plain := !in.json() && !in.flagged("jq") && !in.flagged("template") && !in.flagged("fields")
	switch {
	case o.stream.kind == "" && o.dir != "":
		return nil, fault.New(fault.Usage, "--dir goes with exactly one of --raw, --body, --part, --text, --html")
	case o.dir != "":
		return func(ctx context.Context) error { return runFetchDir(ctx, c, o) }, nil
	case o.stream.kind != "" && plain:
		if o.sel.given && !o.sel.seq && len(o.sel.sets) == 1 && o.sel.sets[o.sel.boxes[0]].Explicit.Len() > 1 && o.sel.node == nil && !o.sel.limited && !o.sel.tailed {
			return nil, fault.New(fault.Usage, "several messages cannot be written to standard output as they are").
				Hint("--dir DIR writes a file each; --json and --jsonl print rows")
		}
		return func(ctx context.Context) error { return runFetchStream(ctx, c, o) }, nil
	case o.stream.decode:
		return nil, fault.New(fault.Usage, "--decode writes octets: it goes with --dir or plain output, not with rows")
	}
	spec := output.Spec{Row: result.Message{}, Columns: o.columns()}
	return func(ctx context.Context) error {
		return c.with(ctx, spec, func(s *session.Session, out *output.Printer) error { return runFetch(ctx, s, out, o) })
	}, nil
}

// read fills in what is wanted.
func (o *fetchOptions) read(in *input) error {
	w := &o.want
	w.maxBytes, w.seq = in.number("max-bytes"), o.sel.seq
	w.flags, w.size, w.date = in.flagged("flags"), in.flagged("size"), in.flagged("internal-date")
	w.structure, w.modseq = in.flagged("structure"), in.flagged("modseq")
	w.text, w.html = in.flagged("text"), in.flagged("html")
	if in.flagged("envelope") {
		w.envelope = message.AllFields
	}
	for _, x := range [...]struct{ flag, items string }{
		{"preview", "PREVIEW"}, {"savedate", "SAVEDATE"}, {"email-id", "EMAILID"}, {"thread-id", "THREADID"},
		{"gmail", gmailItems},
	} {
		if in.flagged(x.flag) {
			w.extension = append(w.extension, strings.Fields(x.items)...)
		}
	}
	if in.flagged("headers") {
		w.headers, w.names = true, in.list("headers")
		for _, n := range w.names {
			if strings.ContainsFunc(n, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`:()"{}\`, r) }) {
				return fault.New(fault.Usage, "--headers: %q is not a header field name", n)
			}
		}
	}
	if err := o.readContent(in); err != nil {
		return err
	}
	rows := w.envelope != 0 || w.flags || w.size || w.date || w.structure || w.headers || w.modseq || len(w.extension) > 0
	kinds := 0
	for _, on := range []bool{w.text, w.html, w.content != nil} {
		if on {
			kinds++
		}
	}
	switch {
	case !rows && kinds == 0 && !in.flagged("fields"):
		w.envelope, w.flags, w.size, w.date = message.AllFields, true, true, true
	case !rows && kinds == 1:
		o.stream.kind = map[bool]string{true: "section", false: map[bool]string{true: "text", false: "html"}[w.text]}[w.content != nil]
		o.stream.section, o.stream.partial = w.section, w.partial
	}
	err := w.addFields(in)
	w.htmlByName = !in.flagged("html")
	return err
}

// readContent reads --raw, --body, --part, --decode and --range.
func (o *fetchOptions) readContent(in *input) error {
	w := &o.want
	given := 0
	for _, name := range []string{"raw", "body", "part"} {
		if in.flagged(name) {
			given++
		}
	}
	if given > 1 {
		return fault.New(fault.Usage, "--raw, --body and --part exclude each other")
	}
	switch {
	case in.flagged("raw"):
		w.content = func(m *result.Message) **result.Content { return &m.Raw }
	case in.flagged("body"):
		w.section, w.content = "TEXT", func(m *result.Message) **result.Content { return &m.Body }
	case in.flagged("part"):
		w.section = strings.ToUpper(in.last("part"))
		if !partNumber.MatchString(w.section) {
			return fault.New(fault.Usage, "--part: %q is not a part number such as 2 or 1.2", in.last("part")).
				Hint("fetch SET --structure --json tells the part numbers")
		}
		w.part = strings.TrimRight(w.section, ".ACDEHIMRTX")
		w.content = func(m *result.Message) **result.Content { return &m.Part }
	}
	if o.stream.decode = in.flagged("decode"); o.stream.decode && (!in.flagged("part") || strings.ContainsAny(w.section, "HMT")) {
		return fault.New(fault.Usage, "--decode goes with --part N")
	}
	if !in.flagged("range") {
		return nil
	}
	if given == 0 || o.stream.decode {
		return fault.New(fault.Usage, "--range goes with --raw, --body or --part, without --decode")
	}
	from, length, ok := strings.Cut(in.last("range"), ":")
	a, err1 := strconv.ParseUint(from, 10, 32)
	b, err2 := strconv.ParseUint(length, 10, 32)
	if !ok || err1 != nil || err2 != nil || b == 0 {
		return fault.New(fault.Usage, "--range: %q is not OFFSET:LENGTH in octets", in.last("range"))
	}
	w.partial = fmt.Sprintf("<%d.%d>", a, b)
	return nil
}

// columns are the plain columns of what is wanted.
func (o *fetchOptions) columns() []output.Column {
	w, loc := &o.want, o.in.location()
	var cols []output.Column
	add := func(on bool, c output.Column) {
		if on {
			cols = append(cols, c)
		}
	}
	add(o.sel.many(), output.Column{Field: "mailbox"})
	add(w.seq, output.Column{Field: "seq", Right: true})
	add(true, output.Column{Field: "uid", Title: "UID", Right: true})
	add(w.envelope != 0, output.Column{Field: "date", Format: localTime(loc)})
	add(w.envelope != 0, output.Column{Field: "from", Format: shortFrom, Flex: true})
	add(w.envelope != 0, output.Column{Field: "to", Format: shortFrom, Flex: true})
	add(w.envelope != 0, output.Column{Field: "subject", Flex: true})
	add(w.flags, output.Column{Field: "flags", Format: shortFlags})
	add(w.size, output.Column{Field: "size", Right: true, Format: humanSize})
	add(w.date, output.Column{Field: "internal_date", Title: "RECEIVED", Format: localTime(loc)})
	add(w.modseq, output.Column{Field: "modseq", Right: true})
	add(w.headers, output.Column{Field: "headers", Flex: true})
	add(w.structure, output.Column{Field: "structure", Flex: true})
	for _, x := range w.extension {
		name := map[string]string{"PREVIEW": "preview", "SAVEDATE": "save_date", "EMAILID": "email_id", "THREADID": "thread_id", "X-GM-MSGID": "gmail"}[x]
		add(name != "", output.Column{Field: name, Flex: true})
	}
	add(w.text, output.Column{Field: "text", Flex: true})
	add(w.html, output.Column{Field: "html", Flex: true})
	if w.content != nil {
		name := "raw"
		if w.section == "TEXT" {
			name = "body"
		} else if w.section != "" {
			name = "part"
		}
		add(true, output.Column{Field: name + ".data", Title: strings.ToUpper(name), Flex: true})
	}
	return slices.Clip(cols)
}

func runFetch(ctx context.Context, s *session.Session, out *output.Printer, o fetchOptions) error {
	var missing fetch.Missing
	cut := cuts{in: o.in}
	defer func() { cut.tell(o.want.limit()) }()
	o.sel.light = !o.want.text && !o.want.html && o.want.content == nil
	err := o.sel.each(ctx, s, func(p *picked) error {
		rd := &reading{s: s, w: &o.want, missing: &missing, emit: func(m *result.Message) error {
			return o.sel.inOrder(m, func() error {
				cut.see(m)
				return out.Row(m)
			})
		}}
		_, err := rd.read(ctx, p)
		return err
	})
	return empty(outcome(err, missing.Err(out.Rows()-missing.Lacking())), o.failEmpty, uint64(out.Rows()))
}
