package output

import (
	"bufio"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

const (
	tableRows  = 100  // rows that decide the widths of a table's columns
	tableCell  = 4096 // octets of a value that a table looks at
	tableGap   = 2    // blanks between columns
	narrowFlex = 8    // columns below which a Flex column is not shrunk
)

// column is a Column with its path.
type column struct {
	Column
	path
}

// columns are the chosen fields, else those of the verb, else every member.
func columns(s Spec, row reflect.Type, chosen []path) ([]column, error) {
	given := map[string]Column{}
	var own []path
	for _, c := range s.Columns {
		p, known := newPath(row, c.Field)
		if known != nil {
			return nil, fmt.Errorf("column %q is no field of %s", c.Field, row)
		}
		given[c.Field] = c
		own = append(own, p)
	}
	switch {
	case chosen != nil:
	case own != nil:
		chosen = own
	default:
		chosen = allPaths(row)
	}
	var out []column
	for _, p := range chosen {
		c, ok := given[p.name]
		if !ok {
			kind := p.leaf.Kind()
			number := kind >= reflect.Int && kind <= reflect.Float64 || p.leaf == validityType
			c = Column{Field: p.name, Right: number && !p.list, Flex: !number && p.leaf != timeType}
		}
		if c.Title == "" {
			c.Title = strings.ToUpper(strings.NewReplacer("_", " ", ".", " ").Replace(p.name))
		}
		out = append(out, column{c, p})
	}
	return out, nil
}

func newPlain(out *bufio.Writer, o Options, s Spec, row reflect.Type, chosen []path) (renderer, error) {
	cols, err := columns(s, row, chosen)
	if err != nil {
		return nil, err
	}
	isTable := o.Format == Table || o.Format == Auto && o.TTY && !o.Zero
	switch {
	case !isTable || s.Bare:
		t := &tsv{out: out, cols: cols, breaks: breaksLine, end: recordEnd(o.Zero), tty: o.TTY, single: s.Single}
		if o.Zero {
			t.breaks = breaksZero
		}
		return t, nil
	case s.Single:
		return &vertical{out: out, cols: cols, color: o.Color}, nil
	}
	return &table{out: out, cols: cols, limit: o.Width, color: o.Color}, nil
}

// tsv is tab-separated values: no heading, nothing cut; a single row is one
// line a field.
type tsv struct {
	out    *bufio.Writer
	cols   []column
	breaks string
	end    byte
	tty    bool
	single bool
	buf    []byte
}

func (t *tsv) add(row reflect.Value) error {
	b := t.buf[:0]
	for i, c := range t.cols {
		switch {
		case t.single:
			b = append(append(b, c.name...), '\t')
		case i > 0:
			b = append(b, '\t')
		}
		start := len(b)
		b = appendPlain(b, c.get(row), c.sep, false)
		blank(b[start:], t.breaks)
		if t.tty {
			b = append(b[:start], Visible(string(b[start:]))...)
		}
		if t.single {
			b = append(b, t.end)
		}
	}
	if !t.single {
		b = append(b, t.end)
	}
	t.buf = b
	if cap(b) > spoolMemory {
		t.buf = nil // one large row must not cost memory for ever
	}
	_, err := t.out.Write(b)
	return err
}

func (t *tsv) flush() error      { return nil }
func (t *tsv) finish(bool) error { return nil }

// cell is c's value in row as one line that is fit for a terminal.
func (c column) cell(row reflect.Value) string {
	v := c.get(row)
	if !v.IsValid() {
		return ""
	}
	var b []byte
	if c.Format != nil {
		b = []byte(c.Format(v.Interface()))
	} else {
		b = appendPlain(nil, v, c.sep, true)
	}
	if len(b) > tableCell {
		n := tableCell
		for n > tableCell-utf8.UTFMax && !utf8.RuneStart(b[n]) {
			n--
		}
		b = append(b[:n], "…"...)
	}
	blank(b, breaksLine)
	return Visible(string(b))
}

// vertical shows a single row as one line a field; a field that the row lacks
// has none.
type vertical struct {
	out   *bufio.Writer
	cols  []column
	color bool
}

func (t *vertical) add(row reflect.Value) error {
	width := 0
	for _, c := range t.cols {
		width = max(width, cells.StringWidth(c.Title))
	}
	for _, c := range t.cols {
		text := c.cell(row)
		if text == "" {
			continue
		}
		title := cells.FillRight(c.Title, width)
		if t.color {
			title = bold + title + colorOff
		}
		t.out.WriteString(title)
		t.out.WriteString("  ")
		t.out.WriteString(text)
		t.out.WriteByte('\n')
	}
	return nil // bufio keeps an error for Flush
}

func (t *vertical) flush() error      { return nil }
func (t *vertical) finish(bool) error { return nil }

// table is an aligned table. Its first rows are kept back until they have
// decided the widths.
type table struct {
	out    *bufio.Writer
	cols   []column
	limit  int // columns of the terminal, 0 when not known
	color  bool
	first  [][]string
	widths []int // nil until they are decided
}

func (t *table) add(row reflect.Value) error {
	line := make([]string, len(t.cols))
	for i, c := range t.cols {
		line[i] = c.cell(row)
	}
	if t.widths != nil {
		return t.line(line, false)
	}
	if t.first = append(t.first, line); len(t.first) < tableRows {
		return nil
	}
	return t.flush()
}

func (t *table) finish(bool) error { return t.flush() }

// flush decides the widths, if there is a row to decide by, and writes what
// was kept back.
func (t *table) flush() error {
	if len(t.first) == 0 {
		return nil
	}
	titles := make([]string, len(t.cols))
	for i, c := range t.cols {
		titles[i] = c.Title
	}
	t.widths = make([]int, len(t.cols))
	for _, line := range append(t.first, titles) {
		for i, text := range line {
			t.widths[i] = max(t.widths[i], cells.StringWidth(text))
		}
	}
	t.shrink()
	if err := t.line(titles, true); err != nil {
		return err
	}
	for _, line := range t.first {
		if err := t.line(line, false); err != nil {
			return err
		}
	}
	t.first = nil
	return nil
}

// shrink takes columns from the widest Flex column until the table fits.
func (t *table) shrink() {
	if t.limit <= 0 {
		return
	}
	over := tableGap*(len(t.cols)-1) - t.limit
	for _, w := range t.widths {
		over += w
	}
	for ; over > 0; over-- {
		widest := -1
		for i, c := range t.cols {
			if c.Flex && t.widths[i] > narrowFlex && (widest < 0 || t.widths[i] > t.widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		t.widths[widest]--
	}
}

// line writes one line; the last column ends where its text ends, and may use
// what is left of the terminal.
func (t *table) line(line []string, heading bool) error {
	var b strings.Builder
	used := 0
	for i, text := range line {
		c, width := t.cols[i], t.widths[i]
		last := i == len(line)-1
		if last && !c.Right {
			width = max(width, t.limit-used)
		}
		w := cells.StringWidth(text)
		if c.Flex && w > width && (!last || t.limit > 0) {
			text = cells.Truncate(text, width, "…")
			w = cells.StringWidth(text)
		}
		pad := strings.Repeat(" ", max(0, width-w))
		switch {
		case c.Right:
			text = pad + text
		case !last:
			text += pad
		}
		if i > 0 {
			b.WriteString(strings.Repeat(" ", tableGap))
		}
		b.WriteString(text)
		used += max(w, width) + tableGap
	}
	text := strings.TrimRight(b.String(), " ")
	if heading && t.color {
		text = bold + text + colorOff
	}
	t.out.WriteString(text)
	return t.out.WriteByte('\n')
}

// cells measures text in a terminal's cells, in the same way in every locale.
var cells = &runewidth.Condition{StrictEmojiNeutral: true}
