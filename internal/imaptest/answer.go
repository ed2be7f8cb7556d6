package imaptest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// answer gives the default answer to the command in p.last.
func (p *player) answer() error {
	name, args, _ := strings.Cut(p.last, " ")
	name = strings.ToUpper(name)
	uid := name == "UID"
	if uid {
		name, args, _ = strings.Cut(args, " ")
		name = strings.ToUpper(name)
	}
	switch name {
	case "FETCH":
		return p.fetch(args, uid)
	case "SEARCH":
		return p.search(args, uid)
	case "LOGIN":
		return p.login(args)
	case "AUTHENTICATE":
		return p.authenticate(args)
	case "IDLE":
		return p.idle()
	case "LOGOUT":
		p.send("* BYE logging out\r\n" + p.tagged("OK", "LOGOUT done"))
		p.close()
		return errEnd
	}
	if lines, ok := p.simple(name, args); ok {
		return p.send(lines + p.tagged("OK", name+" done"))
	}
	return p.send(p.tagged("BAD", "unknown command"))
}

func (p *player) tagged(status, text string) string {
	return p.vars["tag"] + " " + status + " " + text + "\r\n"
}

// simple is the untagged part of an answer that ends in OK.
func (p *player) simple(name, args string) (string, bool) {
	s := p.script
	switch name {
	case "CAPABILITY":
		return "* CAPABILITY " + s.capability + "\r\n", true
	case "ID":
		return "* ID (\"name\" \"imaptest\")\r\n", true
	case "ENABLE":
		return "* ENABLED " + args + "\r\n", true
	case "NAMESPACE":
		return "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n", true
	case "LIST", "LSUB":
		if strings.HasSuffix(args, ` ""`) {
			return "* " + name + " (\\Noselect) \"/\" \"\"\r\n", true
		}
		return "* " + name + " (\\HasNoChildren) \"/\" INBOX\r\n* " + name + " (\\HasNoChildren) \"/\" Archive\r\n", true
	case "STATUS":
		return p.status(args), true
	case "SELECT", "EXAMINE":
		return p.selected(name), true
	case "NOOP", "CHECK", "UNSELECT", "CLOSE", "STORE", "COPY", "MOVE", "EXPUNGE", "APPEND",
		"CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE":
		return "", true
	}
	return "", false
}

func (p *player) selected(name string) string {
	access := ""
	if name == "EXAMINE" {
		access = "* OK [PERMANENTFLAGS ()] none\r\n"
	}
	return fmt.Sprintf("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n%s* %d EXISTS\r\n* 0 RECENT\r\n"+
		"* OK [UIDVALIDITY 1] valid\r\n* OK [UIDNEXT %d] next\r\n", access, p.script.messages, p.script.messages+1)
}

func (p *player) status(args string) string {
	n := p.script.messages
	values := map[string]uint32{
		"MESSAGES": n, "UIDNEXT": n + 1, "UIDVALIDITY": 1, "UNSEEN": n - (n+2)/3, "RECENT": 0, "DELETED": 0, "SIZE": n * 512,
	}
	open := strings.LastIndex(args, "(")
	if open < 0 {
		return ""
	}
	var items []string
	for _, item := range strings.Fields(strings.Trim(args[open:], "()")) {
		if v, ok := values[strings.ToUpper(item)]; ok {
			items = append(items, fmt.Sprintf("%s %d", strings.ToUpper(item), v))
		}
	}
	return "* STATUS " + strings.TrimSpace(args[:open]) + " (" + strings.Join(items, " ") + ")\r\n"
}

func (p *player) login(args string) error {
	if pass := p.script.password; pass != "" {
		words := loginWords(args)
		if len(words) != 2 || words[1] != pass {
			return p.send(p.tagged("NO", "[AUTHENTICATIONFAILED] wrong password"))
		}
	}
	return p.send(p.tagged("OK", "[CAPABILITY "+p.script.capability+"] logged in"))
}

// loginWords reads the two strings of LOGIN as a Command spells them.
func loginWords(s string) []string {
	var out []string
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		var word string
		switch s[0] {
		case '"':
			var b strings.Builder
			i := 1
			for ; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
				b.WriteByte(s[min(i, len(s)-1)])
			}
			word, s = b.String(), s[min(i+1, len(s)):]
		case '{':
			var n int
			head, rest, _ := strings.Cut(s, "}")
			fmt.Sscanf(head, "{%d", &n)
			n = min(n, len(rest))
			word, s = rest[:n], rest[n:]
		default:
			word, s, _ = strings.Cut(s, " ")
		}
		out = append(out, word)
	}
	return out
}

// authenticate believes every credential but a wrong PLAIN password.
func (p *player) authenticate(args string) error {
	mechanism, initial, _ := strings.Cut(args, " ")
	rounds := 1
	switch strings.ToUpper(mechanism) {
	case "PLAIN", "OAUTHBEARER", "XOAUTH2":
	case "LOGIN":
		rounds = 2
	default:
		return p.send(p.tagged("NO", "unknown mechanism"))
	}
	tag := p.vars["tag"]
	var answers []string
	if initial != "" {
		answers = append(answers, initial)
	}
	for len(answers) < rounds {
		prompt := ""
		if rounds == 2 {
			prompt = base64.StdEncoding.EncodeToString([]byte([]string{"User Name", "Password"}[len(answers)]))
		}
		if err := p.send("+ " + prompt + "\r\n"); err != nil {
			return err
		}
		line, err := p.command(nil)
		if err != nil {
			return err
		}
		if line == "*" {
			return p.send(p.tagged("BAD", "cancelled"))
		}
		answers = append(answers, line)
	}
	p.vars["tag"] = tag
	if !p.authentic(strings.ToUpper(mechanism), answers[len(answers)-1]) {
		return p.send(p.tagged("NO", "[AUTHENTICATIONFAILED] wrong password"))
	}
	return p.send(p.tagged("OK", "[CAPABILITY "+p.script.capability+"] logged in"))
}

func (p *player) authentic(mechanism, answer string) bool {
	want := p.script.password
	if want == "" || mechanism != "PLAIN" && mechanism != "LOGIN" {
		return true
	}
	got, err := base64.StdEncoding.DecodeString(answer)
	words := strings.Split(string(got), "\x00")
	return err == nil && words[len(words)-1] == want
}

func (p *player) idle() error {
	tag := p.vars["tag"]
	if err := p.send("+ idling\r\n"); err != nil {
		return err
	}
	line, err := p.command(nil)
	if err != nil {
		return err
	}
	p.vars["tag"] = tag
	if !strings.EqualFold(line, "DONE") {
		return p.send(p.tagged("BAD", "want DONE"))
	}
	return p.send(p.tagged("OK", "IDLE done"))
}

// search finds every UID, or those of a set that leads the criteria.
func (p *player) search(args string, uid bool) error {
	esearch, all := false, true
	var options []string
	if rest, ok := cutPrefixFold(args, "RETURN ("); ok {
		esearch = true
		inside, after, _ := strings.Cut(rest, ")")
		options, args = strings.Fields(strings.ToUpper(inside)), strings.TrimSpace(after)
	}
	if rest, ok := cutPrefixFold(args, "CHARSET "); ok {
		_, args, _ = strings.Cut(rest, " ")
	}
	var set uidSet
	if rest, ok := cutPrefixFold(args, "UID "); ok {
		word, _, _ := strings.Cut(rest, " ")
		set, all = parseSet(word), false
	}
	var found []string
	for n := uint32(1); n <= p.script.messages; n++ {
		if all || set.holds(n, p.script.messages) {
			found = append(found, fmt.Sprint(n))
		}
	}
	if !esearch {
		return p.send(strings.TrimRight("* SEARCH "+strings.Join(found, " "), " ") + "\r\n" + p.tagged("OK", "SEARCH done"))
	}
	return p.send("* ESEARCH (TAG \"" + p.vars["tag"] + "\")" + uidWord(uid) + esearchData(options, found) + "\r\n" + p.tagged("OK", "SEARCH done"))
}

func uidWord(uid bool) string {
	if uid {
		return " UID"
	}
	return ""
}

func esearchData(options, found []string) string {
	var out strings.Builder
	if slices.Contains(options, "COUNT") {
		fmt.Fprintf(&out, " COUNT %d", len(found))
	}
	if len(found) == 0 {
		return out.String()
	}
	if slices.Contains(options, "MIN") {
		out.WriteString(" MIN " + found[0])
	}
	if slices.Contains(options, "MAX") {
		out.WriteString(" MAX " + found[len(found)-1])
	}
	if len(options) == 0 || slices.Contains(options, "ALL") {
		out.WriteString(" ALL " + strings.Join(found, ","))
	}
	return out.String()
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}
