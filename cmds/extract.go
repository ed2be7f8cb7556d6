package cmds

import (
	"context"
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
	find  func(*result.Message) []string
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
		e.find = func(m *result.Message) []string { return extract.OTP(mail(m), int(length)) }
	case kind == "link":
		e.find = func(m *result.Message) []string { return extract.Links(mail(m), re) }
	case kind == "regex" && value != "":
		e.find = func(m *result.Message) []string { return extract.Regex(mail(m), re) }
	case kind == "header" && value != "":
		e.want = want{headers: true, names: []string{value}}
		e.find = func(m *result.Message) []string { return fieldValues(m, value) }
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

// run takes the value out of what was found. None is a no; several different
// ones are ambiguous.
func (e *extractor) run(ctx context.Context, v *vigil, found []*picked) error {
	var all []*candidate
	looked := 0
	add := func(m *result.Message, value string, part result.Attachment) {
		all = append(all, &candidate{result.Extracted{Place: m.Place, UID: m.UID, Extract: e.what, Value: value}, part})
	}
	err := v.read(ctx, found, &e.want, func(m *result.Message) error {
		looked++
		if e.dir != "" {
			for _, a := range deref(m.Attachments) {
				if query.LikeAttachment(e.globs, query.Attachment{Name: a.Name, Type: a.Type, Alternative: a.Disposition == message.Alternative}) {
					add(m, a.Name, a)
				}
			}
			return nil
		}
		for _, value := range e.find(m) {
			if !slices.ContainsFunc(all, func(x *candidate) bool { return x.Value == value }) {
				add(m, value, result.Attachment{})
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(all) == 0:
		return fault.New(fault.Negative, "%s matched, and --extract %s finds nothing there", messages(uint64(looked)), e.what).
			Hint("imapknife show tells what the message says")
	case len(all) > 1 && !e.first:
		var values []string
		for _, x := range all[:min(len(all), maxShown)] {
			values = append(values, strconv.Quote(x.Value))
		}
		hint := "--first takes the first; otp=LENGTH, link=REGEX and regex=REGEX say more"
		if e.dir != "" {
			hint = "--first takes the first; --has-attachment='*.pdf' says which"
		}
		return fault.New(fault.Ambiguous, "--extract %s finds %d different values: %s", e.what, len(all), strings.Join(values, ", ")).Hint("%s", hint)
	}
	if e.dir != "" {
		if err := v.steadily(ctx, func() error { return e.save(ctx, v, all[0]) }); err != nil {
			return err
		}
	}
	return v.out.Row(&all[0].Extracted)
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
	sv := &saving{s: v.s, to: to, taken: map[string]bool{}}
	row, err := sv.attachment(ctx, &result.Message{Place: one.Place, UID: one.UID}, one.part)
	switch {
	case err != nil:
		return err
	case row.Status == "refused":
		return fault.New(fault.Safety, "%s in %q", row.Warnings[len(row.Warnings)-1], e.dir).Hint("save into an empty directory")
	case row.Status != "saved":
		return fault.New(fault.Protocol, "%s", row.Warnings[len(row.Warnings)-1])
	}
	for _, text := range row.Warnings {
		e.in.say("message %d, part %s: %s", row.UID, row.Part, text)
	}
	one.Value = row.Path
	return nil
}

// maxShown is how many values an error tells.
const maxShown = 5
