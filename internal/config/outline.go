package config

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// outline is a TOML document as lines, and what begins on which.
type outline struct {
	lines []string // without their line ends
	items []item
}

// item is a table's header or a key with its value.
type item struct {
	table bool
	path  []string // in full, the table's names in front of a key
	line  int      // index into lines
	depth int      // for a key: how many of path are the table's
}

// newOutline reads a document that is known to be TOML.
func newOutline(data []byte) *outline {
	o := &outline{lines: strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")}
	if len(data) == 0 {
		o.lines = nil
	}
	var p unstable.Parser
	p.Reset(data)
	var table []string
	for p.NextExpression() {
		e := p.Expression()
		var path []string
		line := -1
		for keys := e.Key(); keys.Next(); {
			if line < 0 {
				line = bytes.Count(data[:keys.Node().Raw.Offset], []byte("\n"))
			}
			path = append(path, string(keys.Node().Data))
		}
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = path
			o.items = append(o.items, item{table: true, path: path, line: line})
		case unstable.KeyValue:
			o.items = append(o.items, item{path: append(slices.Clone(table), path...), line: line, depth: len(table)})
		}
	}
	return o
}

// find is the index of the item with the path, -1 for none.
func (o *outline) find(table bool, path ...string) int {
	return slices.IndexFunc(o.items, func(i item) bool { return i.table == table && slices.Equal(i.path, path) })
}

// line is the number of the line, from 1, on which the path begins: its own,
// or else that of the longest part of it that has one.
func (o *outline) line(path ...string) int {
	for n := len(path); n > 0; n-- {
		for _, i := range o.items {
			if len(i.path) >= n && slices.Equal(i.path[:n], path[:n]) {
				return i.line + 1
			}
		}
	}
	return 1
}

// valueEnd is the index of the line behind a key's value, which may take
// several.
func (o *outline) valueEnd(key item) int {
	for end := key.line + 1; end < len(o.lines); end++ {
		if isTOML(o.lines[key.line:end]) {
			return end
		}
	}
	return len(o.lines)
}

func isTOML(lines []string) bool {
	var any map[string]any
	return toml.Unmarshal([]byte(strings.Join(lines, "\n")), &any) == nil
}

// tableEnd is the index of the line behind a table's last key, or behind its
// header where it has none.
func (o *outline) tableEnd(at int) int {
	end := o.items[at].line + 1
	for _, i := range o.items[at+1:] {
		if i.table {
			break
		}
		end = o.valueEnd(i)
	}
	return end
}

// block is the range of lines of a table with the comments directly above its
// header and the blank lines in front of these.
func (o *outline) block(at int) (from, to int) {
	from, to = o.items[at].line, o.tableEnd(at)
	for from > 0 && strings.HasPrefix(strings.TrimSpace(o.lines[from-1]), "#") {
		from--
	}
	for from > 0 && strings.TrimSpace(o.lines[from-1]) == "" {
		from--
	}
	return from, to
}

// comment is what stands behind the value on the last line of a key.
func (o *outline) comment(key item) string {
	line := o.lines[key.line]
	for i := range len(line) {
		if line[i] == '#' && isTOML([]string{line[:i]}) {
			return " " + line[i:]
		}
	}
	return ""
}
