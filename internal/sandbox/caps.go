package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
)

// backendCaps are the capabilities that imapserver advertises because we have
// what they need. It adds its own: SASL-IR, LITERAL-, UNSELECT, ENABLE, IDLE,
// UTF8=ACCEPT, AUTH=PLAIN, APPENDLIMIT.
var backendCaps = [...]imap.Cap{
	imap.CapIMAP4rev1, imap.CapIMAP4rev2, imap.CapNamespace, imap.CapUIDPlus, imap.CapESearch, imap.CapSearchRes,
	imap.CapListExtended, imap.CapListStatus, imap.CapMove, imap.CapStatusSize, imap.CapBinary, imap.CapChildren,
	imap.CapSpecialUse, imap.CapCreateSpecialUse, imap.CapLiteralPlus, imap.CapUnauthenticate,
}

// use is a capability and the command lines, without their tags, that use it.
type use struct {
	cap   imap.Cap
	lines *regexp.Regexp
}

// commandsOf tells which commands use a capability; one of a hidden capability
// is refused. Only tests hide any, so that it is made when first asked for.
var commandsOf = sync.OnceValue(func() []use {
	return []use{
		{imap.CapMove, regexp.MustCompile(`(?i)^(UID )?MOVE\b`)},
		{imap.CapIdle, regexp.MustCompile(`(?i)^IDLE\b`)},
		{imap.CapUnselect, regexp.MustCompile(`(?i)^UNSELECT\b`)},
		{imap.CapEnable, regexp.MustCompile(`(?i)^ENABLE\b`)},
		{imap.CapNamespace, regexp.MustCompile(`(?i)^NAMESPACE\b`)},
		{imap.CapUnauthenticate, regexp.MustCompile(`(?i)^UNAUTHENTICATE\b`)},
		{imap.CapUIDPlus, regexp.MustCompile(`(?i)^UID EXPUNGE\b`)},
		{imap.CapESearch, regexp.MustCompile(`(?i)^(UID )?SEARCH RETURN\b`)},
		{imap.CapSearchRes, regexp.MustCompile(`(?i)^(UID )?SEARCH RETURN \([^)]*SAVE`)},
		{imap.CapListExtended, regexp.MustCompile(`(?i)^LIST (\(|.* RETURN \()`)},
		{imap.CapListStatus, regexp.MustCompile(`(?i)^LIST .* RETURN \(.*STATUS \(`)},
		{imap.CapStatusSize, regexp.MustCompile(`(?i)^STATUS .* \([^)]*\bSIZE\b[^)]*\)$`)},
		{imap.CapSpecialUse, regexp.MustCompile(`(?i)^LIST (\([^)]*SPECIAL-USE|.* RETURN \(.*SPECIAL-USE)`)},
		{imap.CapCreateSpecialUse, regexp.MustCompile(`(?i)^CREATE .* \(USE `)},
		{imap.CapBinary, regexp.MustCompile(`(?i)^(UID )?FETCH .*\bBINARY(\.PEEK|\.SIZE)?\[`)},
	}
})

// rev2Includes reports that IMAP4rev2 includes c: without it a server
// cannot call itself so. CapSet.Has knows most of them.
func rev2Includes(c imap.Cap) bool {
	rev2 := imap.CapSet{imap.CapIMAP4rev2: {}}
	return c != imap.CapIMAP4rev1 && rev2.Has(c) || c == imap.CapBinary || c == imap.CapSpecialUse
}

// capabilities is what this server offers and what it was told to hide.
type capabilities struct {
	available imap.CapSet // for imapserver
	hidden    imap.CapSet
}

func newCapabilities(hide []string) capabilities {
	c := capabilities{available: imap.CapSet{}, hidden: imap.CapSet{}}
	for _, name := range hide {
		hidden := canonicalCap(name)
		c.hidden[hidden] = struct{}{}
		if rev2Includes(hidden) {
			c.hidden[imap.CapIMAP4rev2] = struct{}{}
		}
	}
	for _, backend := range backendCaps {
		if c.has(backend) {
			c.available[backend] = struct{}{}
		}
	}
	return c
}

// canonicalCap spells a capability as this server does, so that NoCaps may be
// in any case.
func canonicalCap(name string) imap.Cap {
	for _, c := range []imap.Cap{imap.CapIMAP4rev1, imap.CapIMAP4rev2} {
		if strings.EqualFold(name, string(c)) {
			return c
		}
	}
	return imap.Cap(strings.ToUpper(name))
}

// has reports that a capability is not hidden. APPENDLIMIT stands for
// APPENDLIMIT=n.
func (c capabilities) has(name imap.Cap) bool {
	base, _, _ := strings.Cut(string(name), "=")
	_, whole := c.hidden[name]
	_, prefix := c.hidden[imap.Cap(base)]
	return !whole && !(prefix && base == string(imap.CapAppendLimit))
}

// refuses reports that a command line, without its tag, needs a capability
// that is hidden.
func (c capabilities) refuses(command string) bool {
	if len(c.hidden) == 0 {
		return false
	}
	for _, e := range commandsOf() {
		if !c.has(e.cap) && e.lines.MatchString(command) {
			return true
		}
	}
	return false
}

// capList finds the capabilities in a greeting, an untagged CAPABILITY or a
// tagged OK.
var capList = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\* CAPABILITY|\S+ (?:OK|PREAUTH) \[CAPABILITY)((?: [^ \]\r\n]+)*)`)
})

// filter takes what is hidden out of a line that lists capabilities, and
// LITERAL- out of one that has LITERAL+, which exclude each other (RFC 7888,
// section 5).
func (c capabilities) filter(line []byte) []byte {
	m := capList().FindSubmatchIndex(line)
	if m == nil {
		return line
	}
	names := strings.Fields(string(line[m[4]:m[5]]))
	plus := slices.Contains(names, string(imap.CapLiteralPlus))
	names = slices.DeleteFunc(names, func(n string) bool {
		return !c.has(imap.Cap(n)) || plus && n == string(imap.CapLiteralMinus)
	})
	return slices.Concat(line[:m[4]], []byte(" "+strings.Join(names, " ")), line[m[5]:])
}
