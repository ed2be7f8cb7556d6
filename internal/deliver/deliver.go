// Package deliver appends messages to a mailbox, each of them once: several to
// a command or several commands to a flight where the server allows it. When
// the connection is lost behind an APPEND, it looks on a new one which of the
// messages have arrived; only what was not sent to its end is sent again. Every
// message gets a row that is true. It must not know where messages come from, hold one in memory,
// or know how rows are printed.
package deliver

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// What one batch holds at most, which bounds what a lost connection leaves
// open and what a refusal of MULTIAPPEND has sent again. A larger message is a
// batch of its own.
const (
	maxTogether = 50      // messages of one MULTIAPPEND
	maxFlight   = 16      // APPENDs in flight
	maxOctets   = 8 << 20 // of all of them
)

// maxTries is how often one message is sent when the connection is lost each
// time and it has not arrived.
const maxTries = 3

// Message is one message to append.
type Message struct {
	// Row is told in the end. The caller fills in Source, Number, MessageID,
	// Size and Converted; Size is the number of octets.
	Row   result.Appended
	Flags []string  // as sent
	Date  time.Time // zero leaves it to the server
	// Open begins to read the octets; it may be called several times.
	Open func() (io.ReadCloser, error)
	// Problem is why the message must not be sent; nil if it may.
	Problem error
	// Skip is why the message is left out though nothing is wrong with it;
	// empty if it is not.
	Skip string

	state   state
	tries   int
	since   uint32 // the baseline's UID when the message was confirmed
	refusal error
}

// state is how far a message has got.
type state int

const (
	todo state = iota // not sent, or known not to have arrived
	sent              // all of it was sent, and there is no answer
	over              // the row is final
)

func (m *Message) end(status, reason string, refusal error) {
	m.state, m.Row.Status, m.Row.Reason, m.refusal = over, status, reason, refusal
}

func (m *Message) refuse(err error) { m.end(result.Refused, err.Error(), err) }

func (m *Message) unsent(why error) { m.end(result.Refused, "not sent: "+why.Error(), why) }

// mode is how much is sent before answers are waited for.
type mode int

const (
	allInOne mode = iota // MULTIAPPEND
	inFlight             // a command for each message, without waiting
	oneByOne
)

// Delivery appends over one session, and over others when that is lost.
type Delivery struct {
	// Session is the one in use. The Delivery closes lost ones; the last one is
	// the caller's to close.
	Session *session.Session
	// Reopen opens another session to the same account, in place of a lost one.
	Reopen func(context.Context) (*session.Session, error)
	// Emit gets each row in the order of the messages, and for refused ones the
	// reason as an error.
	Emit func(row *result.Appended, refusal error) error

	// Say gets what there is to know besides; may be nil.
	Say func(format string, args ...any)

	Mailbox string
	Create  bool // make the mailbox where it is missing
	DryRun  bool // send nothing that writes

	place   result.Place
	base    baseline
	usual   mode       // what a batch begins with
	mode    mode       // of this batch
	split   []*Message // of the MULTIAPPEND that was refused, and is sent one by one
	careful bool       // nothing is sent ahead, until the mailbox has taken a message
	ahead   *Message   // taken from the messages, for the next batch
	others  int        // connections since a message was taken, besides the one then in use
	stopped error      // why nothing more is sent
}

// Run appends the messages and emits a row for each. Its error is the
// context's, that of messages or of Emit, or that of the session before
// anything was sent; what else went wrong stands in rows.
func (d *Delivery) Run(ctx context.Context, messages iter.Seq2[*Message, error]) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	next, stop := iter.Pull2(messages)
	defer stop()
	for {
		batch, err := d.take(next)
		if len(batch) > 0 {
			d.batch(ctx, batch)
		}
		for _, m := range batch {
			if eerr := d.Emit(&m.Row, m.refusal); eerr != nil {
				return eerr
			}
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || len(batch) == 0:
			return err
		}
	}
}

// begin finds out what has to be known before the first message is sent.
func (d *Delivery) begin(ctx context.Context) error {
	missing, err := d.survey(ctx)
	if err == nil && missing != nil && d.Create && !d.DryRun {
		// That the mailbox cannot be looked at need not mean that it is missing:
		// APPEND will tell what a refusal to create it leaves open.
		if _, refused, cerr := d.Session.Create(ctx, d.Mailbox, ""); cerr != nil || refused != nil {
			err = cerr
		} else {
			missing, err = d.survey(ctx)
		}
	}
	if err != nil {
		return err
	}
	if d.careful = missing != nil; fault.CodeOf(missing) == "NOPERM" && d.Say != nil {
		d.Say("warning: %v; after a lost connection nobody can look there what has arrived", missing)
	}
	if d.DryRun {
		if missing != nil && !d.Create {
			d.stopped = hint(missing, true)
		}
		return nil
	}
	multi, err := d.Session.HasNow(ctx, "MULTIAPPEND")
	if d.usual = inFlight; multi {
		d.usual = allInOne
	}
	return err
}

// take gathers the next batch. err is that of the messages, behind the batch.
func (d *Delivery) take(next func() (*Message, error, bool)) (batch []*Message, err error) {
	limit := maxFlight
	switch {
	case d.careful:
		limit = 1
	case d.usual == allInOne:
		limit = maxTogether
	}
	octets := uint64(0)
	for len(batch) < limit {
		m := d.ahead
		d.ahead = nil
		if m == nil {
			var ok bool
			if m, err, ok = next(); !ok || err != nil {
				return batch, err
			}
		}
		if octets += m.Row.Size; octets > maxOctets && len(batch) > 0 {
			d.ahead = m
			return batch, nil
		}
		batch = append(batch, m)
	}
	return batch, nil
}

// batch brings every message of the batch to its end.
func (d *Delivery) batch(ctx context.Context, batch []*Message) {
	for _, m := range batch {
		d.judge(m)
	}
	if d.mode = d.usual; d.careful {
		d.mode = oneByOne
	}
	err := d.refresh(ctx, batch)
	for d.stopped == nil {
		if err != nil {
			if err = d.recover(ctx, batch, err); err != nil {
				d.stop(err)
			}
			continue
		}
		open := in(batch, todo)
		if len(open) == 0 {
			d.plain()
			return
		}
		err = d.send(ctx, open)
	}
	for _, m := range in(batch, todo) {
		m.unsent(d.stopped)
	}
	for _, m := range in(batch, sent) {
		m.end(result.Unknown, "it was sent, and there was no answer: "+d.stopped.Error(), nil)
	}
}

// plain gives MULTIAPPEND up, on this server, where it was refused and the server
// has taken each of its messages alone.
func (d *Delivery) plain() {
	if d.split == nil {
		return
	}
	if !slices.ContainsFunc(d.split, func(m *Message) bool { return m.Row.Status != result.Done }) {
		d.usual = inFlight
		d.Session.NoteRefused("MULTIAPPEND")
	}
	d.split = nil
}

// in lists the messages in a state.
func in(batch []*Message, want state) (out []*Message) {
	for _, m := range batch {
		if m.state == want {
			out = append(out, m)
		}
	}
	return out
}

func (d *Delivery) stop(err error) {
	if d.stopped == nil {
		d.stopped = err
	}
}

// judge begins a message's row and ends it where nothing is to be sent.
func (d *Delivery) judge(m *Message) {
	m.Row.Place, m.Row.Action, m.Row.DryRun = d.place, "append", d.DryRun
	if len(m.Flags) > 0 {
		m.Row.Flags = &m.Flags
	}
	switch limit := d.base.limit; {
	case m.Skip != "":
		m.end(result.Skipped, m.Skip, nil)
	case m.Problem != nil:
		m.refuse(m.Problem)
	case limit != nil && *limit > 0 && m.Row.Size > *limit: // some announce 0 and take any
		m.refuse(fault.New(fault.Refused, "the message has %d octets, and the server takes at most %d (APPENDLIMIT)", m.Row.Size, *limit))
	case d.stopped != nil:
		m.unsent(d.stopped)
	case d.DryRun:
		m.end(result.Planned, "", nil)
	}
}

// flight is an APPEND under way.
type flight struct {
	messages []*Message
	appended *session.Appending
}

// send sends the messages and takes the answers. An error means that the
// session is lost.
func (d *Delivery) send(ctx context.Context, messages []*Message) error {
	if err := d.Session.Ready(ctx); err != nil {
		return err
	}
	var flying []flight
	for len(messages) > 0 && d.stopped == nil {
		n := 1
		if d.mode == allInOne {
			n = len(messages)
		}
		f, err := d.start(ctx, messages[:n])
		if err != nil {
			d.answered(ctx, flying)
			return err
		}
		if f != nil {
			flying = append(flying, *f)
		}
		messages = messages[n:]
		if len(messages) == 0 || len(flying) == maxFlight || d.mode == oneByOne || !d.Session.Unasked(int64(messages[0].Row.Size)) {
			if err := d.land(ctx, flying); err != nil {
				return err
			}
			flying = nil
		}
	}
	return nil
}

// start sends one APPEND. Messages that cannot be read are over; f is nil where
// none is left.
func (d *Delivery) start(ctx context.Context, group []*Message) (f *flight, err error) {
	var letters []session.Letter
	var bodies []*body
	defer func() {
		for _, b := range bodies {
			b.Close()
		}
	}()
	f = &flight{}
	for _, m := range group {
		r, err := m.Open()
		if err != nil {
			m.refuse(err)
			continue
		}
		b := &body{ReadCloser: r, name: m.Row.Source}
		bodies = append(bodies, b)
		f.messages = append(f.messages, m)
		letters = append(letters, session.Letter{Flags: m.Flags, Date: m.Date, Body: b, Size: int64(m.Row.Size)})
		m.tries++
	}
	if len(letters) == 0 {
		return nil, nil
	}
	if f.appended, err = d.Session.StartAppend(ctx, d.Mailbox, letters...); err != nil {
		for i, b := range bodies {
			if b.err != nil { // it is the file's fault, not the connection's
				f.messages[i].refuse(b.err)
			}
		}
		return nil, err
	}
	for _, m := range f.messages {
		m.state = sent
	}
	return f, nil
}

// body remembers that it could not be read to its end.
type body struct {
	io.ReadCloser
	name string
	err  error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF): // nobody reads on where all is there
		b.err = fault.New(fault.Local, "%q has changed meanwhile", b.name)
	case err != nil:
		b.err = fault.Wrap(fault.Local, err, "cannot read %q", b.name)
	}
	return n, err
}

// answered takes the answers that have come before the session was lost.
func (d *Delivery) answered(ctx context.Context, flying []flight) {
	for _, f := range flying {
		if f.appended.Answered() {
			d.land(ctx, []flight{f})
		}
	}
}

// land waits for the answers.
func (d *Delivery) land(ctx context.Context, flying []flight) error {
	for i, f := range flying {
		res, err := f.appended.Finish(ctx)
		if err != nil {
			d.answered(ctx, flying[i+1:])
			return err
		}
		if res.Refusal != nil {
			d.refused(f.messages, res.Refusal)
		} else {
			d.done(f.messages, res)
		}
	}
	return nil
}

// done ends messages that the server has confirmed.
func (d *Delivery) done(messages []*Message, res *session.AppendResult) {
	d.careful, d.others = false, 0
	warning := res.Warning
	if warning == "" && res.UIDs == nil {
		warning = "the server does not tell the UID"
	}
	d.base.stale = res.UIDs == nil
	for i, m := range messages {
		m.end(result.Done, "", nil)
		m.since = d.base.next
		if res.UIDs == nil {
			m.Row.Warnings = append(m.Row.Warnings, warning)
			continue
		}
		m.Row.UID, m.Row.UIDValidity = res.UIDs[i], res.Validity
		d.base.told(res.Validity, res.UIDs[i])
	}
}

// refused ends the message that the server refuses. A MULTIAPPEND does all or
// nothing: its messages are sent again one by one, so that only the bad one is
// refused.
func (d *Delivery) refused(messages []*Message, refusal error) {
	refusal = hint(refusal, d.careful)
	code := fault.CodeOf(refusal)
	futile := code == "TRYCREATE" || code == "OVERQUOTA" && len(messages) == 1
	if len(messages) > 1 && (code == "" || code == "CANNOT" || code == "CLIENTBUG") {
		d.split = messages
	}
	for _, m := range messages {
		if len(messages) > 1 && !futile {
			m.state, d.mode = todo, inFlight
			continue
		}
		m.refuse(refusal)
	}
	if futile { // every other message would fare the same
		d.stop(refusal)
	}
}

// hint says what helps where the mailbox is missing, or may be.
func hint(err error, missing bool) error {
	if e, ok := errors.AsType[*fault.Error](err); ok && missing {
		e.HintUnlessCode("--create makes the mailbox; imapknife list shows those there are")
	}
	return err
}
