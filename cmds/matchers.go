package cmds

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
	"github.com/imapknife/imapknife/internal/message"
	"github.com/imapknife/imapknife/internal/query"
	"github.com/imapknife/imapknife/internal/result"
	"github.com/imapknife/imapknife/internal/session"
)

// matchers are the conditions that no server decides: regular expressions over
// decoded content. Different ones are AND, one repeated is OR, as for criteria.
type matchers struct {
	all     []matcher
	want    want
	verdict map[spot]verdict
	in      *input
	texts   *session.TextCache
}

// verdict is what a message fails, empty for nothing. It is not final while the
// message is so new that it may still be in the writing.
type verdict struct {
	fails string
	final bool
}

// spot is a message of a mailbox.
type spot struct {
	mailbox string
	uid     uint32
}

// matcher is one condition.
type matcher struct {
	flag    string
	texts   func(*result.Message) []string // what is looked at
	any     []*regexp.Regexp
	shown   []string
	headers []string // --header-regex: the field of each of any
	auth    *authResults
}

// authResults is what --auth-result asks for.
type authResults struct {
	authserv string
	any      []message.AuthResult
}

// authResult reads --auth-result, nil without it.
func (in *input) authResult() (*authResults, error) {
	if !in.flagged("auth-result") {
		if in.flagged("trust-authserv") {
			return nil, fault.New(fault.Usage, "--trust-authserv is of use with --auth-result only")
		}
		return nil, nil
	}
	a := &authResults{authserv: strings.ToLower(in.last("trust-authserv"))}
	if a.authserv == "" {
		return nil, fault.New(fault.Usage, "--auth-result needs --trust-authserv ID: anybody can write that field into a mail").
			Hint("imapknife fetch last --headers=Authentication-Results shows what stands first in those of your server")
	}
	for _, text := range in.all("auth-result") {
		method, value, ok := strings.Cut(strings.ToLower(text), "=")
		if !ok || method == "" || value == "" {
			return nil, fault.New(fault.Usage, "--auth-result: %q is not METHOD=RESULT, such as dkim=pass", text)
		}
		a.any = append(a.any, message.AuthResult{Method: method, Result: value})
	}
	return a, nil
}

// holds looks at the uppermost field of the server that tells of a method:
// those below it were there when the mail came in, and anybody can have written
// them.
func (a *authResults) holds(row *result.Message) bool {
	told := map[string]bool{}
	for _, h := range deref(row.Headers) {
		if !strings.EqualFold(h.Name, "Authentication-Results") {
			continue
		}
		id, results := message.AuthResults(h.Value)
		if id != a.authserv {
			continue
		}
		for _, r := range results {
			if !told[r.Method] && slices.Contains(a.any, r) {
				return true
			}
		}
		for _, r := range results {
			told[r.Method] = true
		}
	}
	return false
}

// matchers reads the flags.
func (in *input) matchers() (*matchers, error) {
	m := &matchers{verdict: map[spot]verdict{}, in: in, texts: &session.TextCache{}}
	for _, x := range [...]struct {
		flag  string
		texts func(*result.Message) []string
		needs func(*want)
	}{
		{"subject-regex", func(r *result.Message) []string { return some(r.Subject) }, func(w *want) { w.envelope |= message.FieldSubject }},
		{"from-regex", func(r *result.Message) []string { return addresses(r.From) }, func(w *want) { w.envelope |= message.FieldFrom }},
		{"to-regex", func(r *result.Message) []string { return append(addresses(r.To), addresses(r.Cc)...) }, func(w *want) { w.envelope = message.AllFields }},
		{"text-regex", func(r *result.Message) []string { return some(r.Text) }, func(w *want) { w.text = true }},
		{"header-regex", nil, func(w *want) { w.headers = true }},
	} {
		if !in.flagged(x.flag) {
			continue
		}
		one := matcher{flag: x.flag, texts: x.texts}
		for _, text := range in.all(x.flag) {
			expr := text
			if x.flag == "header-regex" {
				name, rest, ok := strings.Cut(text, ":")
				if !ok || name == "" {
					return nil, fault.New(fault.Usage, "--header-regex: %q is not NAME:REGEX", text)
				}
				one.headers, expr = append(one.headers, name), strings.TrimPrefix(rest, " ")
			}
			re, err := regexp.Compile(expr)
			if err != nil {
				return nil, fault.New(fault.Usage, "--%s: %v", x.flag, err).Hint("the syntax is that of RE2: https://github.com/google/re2/wiki/Syntax")
			}
			one.any, one.shown = append(one.any, re), append(one.shown, text)
		}
		x.needs(&m.want)
		m.all = append(m.all, one)
	}
	auth, err := in.authResult()
	if auth != nil {
		m.want.headers = true
		m.all = append(m.all, matcher{flag: "auth-result", auth: auth, shown: in.all("auth-result")})
	}
	return m, err
}

// some is a text that may be missing.
func some(text *string) []string {
	if text == nil {
		return nil
	}
	return []string{*text}
}

// addresses are the names and addresses of a header field, as people write
// them.
func addresses(list *[]result.Address) []string {
	var out []string
	for _, a := range deref(list) {
		out = append(out, strings.TrimSpace(a.Name+" <"+a.Address+">"))
	}
	return out
}

// holds reports whether the condition does.
func (m *matcher) holds(row *result.Message) bool {
	if m.auth != nil {
		return m.auth.holds(row)
	}
	for i, re := range m.any {
		texts := []string{}
		if m.headers == nil {
			texts = m.texts(row)
		} else {
			for _, h := range deref(row.Headers) {
				if strings.EqualFold(h.Name, m.headers[i]) {
					texts = append(texts, h.Value)
				}
			}
		}
		if slices.ContainsFunc(texts, re.MatchString) {
			return true
		}
	}
	return false
}

// keep takes away from what is picked, in the open mailbox, what does not
// match. Each message is read once.
func (m *matchers) keep(ctx context.Context, s *session.Session, p *picked) error {
	box := s.Opened()
	mailbox := box.Name
	settled := map[uint32]bool{}
	var unknown query.Builder
	for uid := range p.uids() {
		settled[uid] = m.texts.Settled(mailbox, box.Validity(), uid, m.in.p.Now())
		if v, known := m.verdict[spot{mailbox, uid}]; !known || !v.final {
			unknown.Add(uid, uid)
		}
	}
	rd := &reading{s: s, w: &m.want, emit: func(row *result.Message) error {
		m.verdict[spot{row.Mailbox, row.UID}] = verdict{m.fails(row), settled[row.UID]}
		return nil
	}}
	if set := unknown.Set(); !set.Empty() {
		if _, err := rd.read(ctx, &picked{set: set}); err != nil {
			return err
		}
	}
	var gone query.Builder
	for uid := range p.uids() {
		if v, known := m.verdict[spot{mailbox, uid}]; !known || v.fails != "" {
			gone.Add(uid, uid)
		}
	}
	p.without(gone.Set())
	return nil
}

// fails is the first condition that a message does not fulfil.
func (m *matchers) fails(row *result.Message) string {
	for _, one := range m.all {
		if !one.holds(row) {
			return one.String()
		}
	}
	return ""
}

// String is the condition as it was asked for.
func (m *matcher) String() string { return "--" + m.flag + " " + strings.Join(m.shown, " or ") }

// conditions are all that a message must fulfil, for people.
func (m *matchers) conditions(sel *selection) []string {
	var out []string
	if sel.node != nil {
		out = append(out, sel.node.String())
	}
	for _, one := range m.all {
		out = append(out, one.String())
	}
	return out
}

// forget drops what is known of messages that nobody asks about again.
func (m *matchers) forget() {
	clear(m.verdict)
	*m.texts = session.TextCache{}
}

// failure is what is known of a message's failure.
func (m *matchers) failure(mailbox string, uid uint32) string {
	return m.verdict[spot{mailbox, uid}].fails
}
