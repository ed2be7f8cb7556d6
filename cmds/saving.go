package cmds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/fetch"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
	"github.com/imapknife/imapknife/output"
)

// statusSaved and statusExists are the statuses of attachments besides
// result.Missing.
const (
	statusSaved  = "saved"
	statusExists = "refused"
)

// saving is a run of attachments save.
type saving struct {
	s       *session.Session
	to      *saver
	emit    func(*result.MessageAttachment) error
	taken   map[string]bool // names given in this run, folded
	missing fetch.Missing
	refusal error // the server's first NO or BAD to a part
	saved   int
	exist   int // files that exist
}

func runSave(ctx context.Context, s *session.Session, out *output.Printer, o attachmentsOptions) error {
	to, err := newSaver(o.dir, o.in.flagged("overwrite"))
	if err != nil {
		return err
	}
	defer to.close()
	sv := &saving{s: s, to: to, taken: map[string]bool{}, emit: func(row *result.MessageAttachment) error {
		if row.Status == statusSaved && !o.in.json() { // plain output has no column for them
			for _, text := range row.Warnings {
				o.in.say("message %d, part %s: %s", row.UID, row.Part, text)
			}
		}
		return out.Row(row)
	}}
	there := 0
	err = o.sel.each(ctx, s, func(p *picked) error {
		n, err := sv.mailbox(ctx, p, &o)
		there += n
		return err
	})
	files := sv.saved + sv.exist
	whole := files + there - sv.missing.Lacking()
	err = outcome(err, unwritten(sv.exist, files, o.dir), sv.refused(whole), sv.missing.Err(whole))
	return empty(err, o.failEmpty, uint64(out.Rows()))
}

// refused is the server's refusal, in part where something came.
func (sv *saving) refused(whole int) error {
	if sv.refusal == nil || whole == 0 {
		return sv.refusal
	}
	return &fault.Error{Kind: fault.Partial, Op: "some parts were refused", Err: sv.refusal}
}

// mailbox saves from the messages picked in one mailbox, some at a time, and
// returns how many of them are there.
func (sv *saving) mailbox(ctx context.Context, p *picked, o *attachmentsOptions) (there int, err error) {
	if p.direct {
		if err := resolve(ctx, sv.s, p); err != nil {
			return 0, err
		}
	}
	p.missing(sv.s, &sv.missing, p.set, nil)
	type work struct {
		m    result.Message
		list []result.Attachment
	}
	for uids := range batches(p) {
		var todo []work
		err := o.each(ctx, sv.s, &picked{set: query.MakeSet(uids...)}, &sv.missing, func(m *result.Message, list []result.Attachment) error {
			there++
			todo = append(todo, work{result.Message{Place: m.Place, UID: m.UID, Warnings: m.Warnings}, list})
			return nil
		})
		for _, w := range todo {
			for _, a := range w.list {
				if err == nil {
					err = sv.attachment(ctx, &w.m, a)
				}
			}
		}
		if err != nil {
			return there, err
		}
	}
	return there, nil
}

// attachment saves one, streamed from the server to its file. Its row comes with
// the file, whatever becomes of the connection behind that.
func (sv *saving) attachment(ctx context.Context, m *result.Message, a result.Attachment) error {
	row := &result.MessageAttachment{Place: m.Place, UID: m.UID, Attachment: a, Warnings: slices.Clone(m.Warnings)}
	name := message.SafeName(a.Name, a.Type, func(folded string) bool { return sv.taken[folded] })
	sv.taken[message.FoldName(name)] = true
	var lost query.Builder
	done, err := sv.s.Fetch(ctx, session.FetchRequest{Set: query.MakeSet(m.UID), Items: []string{"BODY.PEEK[" + a.Part + "]"}, Lost: &lost,
		Body: func(_ *session.Fetched, _ string, r io.Reader, _ int64) error {
			if err := sv.file(row, name, r); err != nil {
				return err
			}
			return sv.emit(row)
		}})
	refused := fault.ServerOf(err) != nil && !sv.s.Broken()
	if refused && sv.refusal == nil {
		sv.refusal = fault.Wrap(fault.Refused, err, "cannot save part %s of message %d", a.Part, m.UID)
	}
	switch {
	case err != nil && !refused:
		return fault.Wrap(fault.Local, err, "cannot save part %s of message %d", a.Part, m.UID)
	case row.Status != "":
		return nil
	}
	row.Status = result.Missing
	set, why, what := query.MakeSet(m.UID), fetch.Gone, ""
	switch {
	case refused:
		row.Warnings = append(row.Warnings, err.Error())
	case done.Empty():
		row.Warnings = append(row.Warnings, "the message has been removed")
	default:
		why, what = fetch.Withheld, "part "+a.Part
		row.Warnings = append(row.Warnings, "the server did not send this part")
	}
	if !refused {
		sv.missing.Add(why, m.Mailbox, what, set)
	}
	return sv.emit(row)
}

// file writes the file of an attachment, and into its row what came of that.
func (sv *saving) file(row *result.MessageAttachment, name string, r io.Reader) error {
	body := message.Decode(r, row.Encoding)
	saved, n, err := sv.to.write(name, body)
	switch {
	case errors.Is(err, fs.ErrExist):
		sv.exist++
		row.Status = statusExists
		row.Warnings = append(row.Warnings, fmt.Sprintf("%q exists", name))
		return nil
	case err != nil:
		return err
	}
	sv.saved++
	octets := uint64(n)
	row.Status, row.Path, row.Octets = statusSaved, saved, &octets
	row.Warnings = append(row.Warnings, faults(body)...)
	return nil
}
