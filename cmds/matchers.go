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
	all    []matcher
	want   want
	judged map[string]*judged // by mailbox
	in     *input
	texts  *session.TextCache
}

// judged are the messages of a mailbox that were looked at, as sets, for there
// may be many: first those that match, then those that fail each condition.
type judged struct {
	final []query.Set
	// open may change: the messages are so new that they may still be being
	// written.
	open []query.Set
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
	m := &matchers{judged: map[string]*judged{}, in: in, texts: &session.TextCache{}}
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
	j := m.judged[box.Name]
	if j == nil {
		j = &judged{final: make([]query.Set, len(m.all)+1)}
		m.judged[box.Name] = j
	}
	settled := m.texts.Settled(box.Name, box.Validity(), p.set, m.in.p.Now())
	unknown := p.set
	for _, set := range j.final {
		unknown = unknown.Subtract(set)
	}
	read := make([]query.Builder, len(j.final))
	rd := &reading{s: s, w: &m.want, emit: func(row *result.Message) error {
		read[m.fails(row)].Add(row.UID, row.UID)
		return nil
	}}
	if !unknown.Empty() {
		if _, err := rd.read(ctx, &picked{set: unknown}); err != nil {
			return err
		}
	}
	j.open = make([]query.Set, len(j.final))
	for i := range read {
		set := read[i].Set()
		j.final[i], j.open[i] = j.final[i].Union(set.Intersect(settled)), set.Subtract(settled)
	}
	p.without(p.set.Subtract(j.final[0].Union(j.open[0])))
	return nil
}

// fails is the first condition that a message does not fulfil, counted from 1;
// 0 for none.
func (m *matchers) fails(row *result.Message) int {
	for i := range m.all {
		if !m.all[i].holds(row) {
			return i + 1
		}
	}
	return 0
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
	clear(m.judged)
	*m.texts = session.TextCache{}
}

// failure is the condition that a message is known to fail, empty for none.
func (m *matchers) failure(mailbox string, uid uint32) string {
	j := m.judged[mailbox]
	if j == nil {
		return ""
	}
	for i := range m.all {
		if j.final[i+1].Contains(uid, 0) || len(j.open) > 0 && j.open[i+1].Contains(uid, 0) {
			return m.all[i].String()
		}
	}
	return ""
}
