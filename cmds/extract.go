package cmds

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imapknife/imapknife/internal/extract"
	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/output"
)

// extractor takes one value out of the messages that were found.
type extractor struct {
	in    *input
	what  string // as --extract says it
	want  want
	find  func(context.Context, *result.Message) ([]string, error)
	first bool
	dir   string // attachment: where to
	globs []string
}

// candidate is a value that was found, and for attachments the part.
type candidate struct {
	result.Extracted
	part result.Attachment
}

// extractor reads --extract, nil without it.
func (in *input) extractor() (*extractor, error) {
	if !in.flagged("extract") {
		if in.flagged("first") {
			return nil, fault.New(fault.Usage, "--first is of use with --extract only")
		}
		return nil, nil
	}
	if len(in.all("extract")) > 1 {
		return nil, fault.New(fault.Usage, "--extract prints one value: it goes once")
	}
	e := &extractor{in: in, what: in.last("extract"), first: in.flagged("first")}
	kind, value, has := strings.Cut(e.what, "=")
	bad := func(format string, args ...any) (*extractor, error) {
		return nil, fault.New(fault.Usage, "--extract: "+format, args...).Hint("--extract otp, otp=6, link, link=REGEX, regex=REGEX, header=NAME or attachment=DIR")
	}
	re := (*regexp.Regexp)(nil)
	if has && (kind == "link" || kind == "regex") {
		var err error
		if re, err = regexp.Compile(value); err != nil {
			return bad("%v", err)
		}
	}
	e.want = want{envelope: message.FieldSubject, text: true, html: true, htmlByName: true}
	switch {
	case kind == "otp":
		length := uint64(0)
		if has {
			var err error
			if length, err = strconv.ParseUint(value, 10, 8); err != nil || length == 0 {
				return bad("%q is not the length of a code", value)
			}
		}
		e.find = func(ctx context.Context, m *result.Message) ([]string, error) {
			return extract.OTP(ctx, mail(m), int(length))
		}
	case kind == "link":
		e.find = func(ctx context.Context, m *result.Message) ([]string, error) { return extract.Links(ctx, mail(m), re) }
	case kind == "regex" && value != "":
		e.find = func(ctx context.Context, m *result.Message) ([]string, error) { return extract.Regex(ctx, mail(m), re) }
	case kind == "header" && value != "":
		e.want = want{headers: true, names: []string{value}}
		e.find = func(_ context.Context, m *result.Message) ([]string, error) { return fieldValues(m, value), nil }
	case kind == "attachment" && value != "":
		e.want, e.dir = want{attachments: true, alternatives: true}, value
		e.globs = in.all("has-attachment")
	default:
		return bad("%q is nothing to look for", e.what)
	}
	return e, nil
}

// mail is a message as package extract reads it.
func mail(m *result.Message) extract.Mail {
	var out extract.Mail
	for _, x := range [...]struct {
		to   *string
		from *string
	}{{&out.Subject, m.Subject}, {&out.Text, m.Text}, {&out.HTML, m.HTML}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	return out
}

// fieldValues are the values of a header field, each once.
func fieldValues(m *result.Message, name string) []string {
	var out []string
	if m.Headers != nil {
		for _, h := range *m.Headers {
			if strings.EqualFold(h.Name, name) && !slices.Contains(out, h.Value) {
				out = append(out, h.Value)
			}
		}
	}
	return out
}

// spec is how the value is shown: bare, or as a row.
func (e *extractor) spec() output.Spec {
	return output.Spec{Row: result.Extracted{}, Single: e.in.structured(), Columns: []output.Column{{Field: "value"}}, Bare: !e.in.structured()}
}

// wait waits until a message that matches has a value: a sign-up often sends a
// welcome first and the code in a mail of its own. In vain is a no.
func (e *extractor) wait(ctx context.Context, v *vigil, o *waitOptions) error {
	over := fault.New(fault.Negative, "--extract %s: the time was over before every message was looked at", e.what)
	reading, cancel := context.WithDeadlineCause(ctx, v.end.Add(lastLook), over)
	defer cancel()
	read := map[result.Place]query.Set{} // without a value
	now := e.in.p.Now
	for {
		var fresh []*picked
		late := !now().Before(v.end)
		found, ok, err := v.until(ctx, func(found []*picked) bool {
			fresh = unread(found, read)
			return total(found) >= o.matches && total(fresh) > 0
		})
		switch {
		case err != nil:
			return err
		case !ok && total(found) < o.matches:
			return v.unmet(ctx, total(found), fmt.Sprintf("within %v", o.timeout))
		}
		var all []*candidate
		if ok {
			v.settle(fresh, read)
			all, err = e.candidates(reading, v, fresh)
		}
		switch {
		case err != nil:
			return err
		case len(all) > 0:
			return e.print(ctx, v, all)
		case !ok || late:
			return fault.New(fault.Negative, "%s matched within %v, and --extract %s finds nothing there", messages(total(found)), o.timeout, e.what).
				Hint("imapknife show prints what the message says")
		}
		if err := v.rest(ctx); err != nil && (!v.s.Broken() || ctx.Err() != nil) {
			return err
		}
	}
}

// settle notes the messages that need not be read again: those that have been
// known for so long that nothing is still being written to them.
func (v *vigil) settle(fresh []*picked, read map[result.Place]query.Set) {
	for _, p := range fresh {
		done := v.match.texts.Settled(p.place.Mailbox, p.place.UIDValidity, p.set, v.c.in.p.Now())
		read[p.place] = read[p.place].Union(done.Intersect(p.set))
	}
}

// print prints the value that is meant, and saves an attachment before.
func (e *extractor) print(ctx context.Context, v *vigil, all []*candidate) error {
	if err := e.choose(all); err != nil {
		return err
	}
	if e.dir != "" {
		if err := v.steadily(ctx, func() error { return e.save(ctx, v, all[0]) }); err != nil {
			return err
		}
	}
	return v.out.Row(&all[0].Extracted)
}

// unread is what of the messages found has not been read.
func unread(found []*picked, read map[result.Place]query.Set) (fresh []*picked) {
	for _, p := range found {
		rest := *p
		rest.order = slices.Clone(p.order)
		rest.without(read[p.place])
		if rest.count() > 0 {
			fresh = append(fresh, &rest)
		}
	}
	return fresh
}

// candidates reads messages, and lists the values in them, each once.
func (e *extractor) candidates(ctx context.Context, v *vigil, found []*picked) (all []*candidate, err error) {
	has := map[string]bool{}
	err = v.read(ctx, found, &e.want, func(m *result.Message) error {
		add := func(value string, part result.Attachment) {
			all = append(all, &candidate{result.Extracted{Place: m.Place, UID: m.UID, Extract: e.what, Value: value}, part})
		}
		if e.dir != "" {
			for _, a := range deref(m.Attachments) {
				if query.LikeAttachment(e.globs, query.Attachment{Name: a.Name, Type: a.Type, Alternative: a.Disposition == message.Alternative}) {
					add(a.Name, a)
				}
			}
			return nil
		}
		values, err := e.find(ctx, m)
		for _, value := range values {
			if !has[value] {
				has[value] = true
				add(value, result.Attachment{})
			}
		}
		return err
	})
	return all, err
}

// choose returns an error where there are several values and nothing says which
// one is meant.
func (e *extractor) choose(all []*candidate) error {
	if len(all) == 1 || e.first {
		return nil
	}
	var shown []string
	for _, x := range all[:min(len(all), maxShown)] {
		value := strconv.Quote(x.Value)
		if e.dir != "" {
			value += fmt.Sprintf(" (UID %d, part %s, %d octets)", x.UID, x.part.Part, x.part.Size)
		}
		shown = append(shown, value)
	}
	last := all[len(all)-1]
	hint := "--first takes the first; otp=LENGTH, link=REGEX and regex=REGEX say more"
	switch {
	case last.UID != all[0].UID || last.Place != all[0].Place:
		hint = "--newest 1 looks at the newest message only; --first takes the first value, which is mostly the oldest"
	case e.dir != "":
		hint = "--first takes the first; --has-attachment='*.pdf' says which"
	}
	count := strconv.Itoa(len(all))
	if len(all) >= extract.MaxValues {
		count = "at least " + count
	}
	return fault.New(fault.Ambiguous, "--extract %s finds %s different values: %s", e.what, count, strings.Join(shown, ", ")).Hint("%s", hint)
}

// save puts an attachment into the directory; its value is the path then.
func (e *extractor) save(ctx context.Context, v *vigil, one *candidate) error {
	if err := v.open(ctx, one.Place); err != nil {
		return err
	}
	to, err := newSaver(e.dir, false)
	if err != nil {
		return err
	}
	defer to.close()
	var row *result.MessageAttachment
	sv := &saving{s: v.s, to: to, taken: map[string]bool{}, emit: func(saved *result.MessageAttachment) error {
		row = saved
		return nil
	}}
	err = sv.attachment(ctx, &result.Message{Place: one.Place, UID: one.UID}, one.part)
	switch {
	case err != nil:
		return err
	case row.Status == statusExists:
		return fault.New(fault.Safety, "%s in %q", row.Warnings[len(row.Warnings)-1], e.dir).Hint("save into an empty directory")
	case row.Status != statusSaved:
		return together(sv.refusal, sv.missing.Err(0))
	}
	for _, text := range row.Warnings {
		e.in.say("message %d, part %s: %s", row.UID, row.Part, text)
	}
	one.Value = row.Path
	return nil
}

// maxShown is how many values an error tells.
const maxShown = 5
