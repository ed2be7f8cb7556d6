//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// report gathers what docs/performance.md says.
type report struct {
	tables  []*table
	targets []target
	leftOut []string
}

type target struct {
	what, limit, measured string
	met                   bool
}

// target notes a promise and whether this run kept it.
func (r *report) target(what, limit string, measured, most float64, format string) {
	r.targets = append(r.targets, target{what, limit, fmt.Sprintf(format, measured), measured > 0 && measured <= most})
}

// table is one case.
type table struct {
	title, intro string
	clients      []*client
	base         *client // what baseColumn compares with
	columns      []column
}

// column is one figure of a client.
type column struct {
	title string
	cell  func(c, base *client) string
}

var (
	wallColumn = column{"time", func(c, _ *client) string { return seconds(c.median(wall)) }}
	cpuColumn  = column{"processor", func(c, _ *client) string { return seconds(c.median(cpu)) }}
	peakColumn = column{"peak memory", func(c, _ *client) string { return fmt.Sprintf("%.1f MB", c.median(peak)) }}
	baseColumn = column{"against the plain socket", func(c, base *client) string { return fmt.Sprintf("%.2f", ratio(c, base, wall)) }}
	// againstColumn compares with imapknife, which is the base.
	againstColumn = column{"against imapknife", func(c, base *client) string { return fmt.Sprintf("%.2f", ratio(c, base, wall)) }}
)

func (r *report) table(t *table) {
	if t.base == nil {
		for _, c := range t.clients {
			if c.name == "imapknife" {
				t.base = c
			}
		}
	}
	for _, c := range t.clients {
		if c.absent != "" {
			r.leftOut = append(r.leftOut, fmt.Sprintf("%s in “%s”: %s", c.name, t.title, strings.ReplaceAll(c.absent, "\n", " ")))
		}
	}
	r.tables = append(r.tables, t)
}

func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.1f ms", s*1000)
	}
	return fmt.Sprintf("%.2f s", s)
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// write writes the report as Markdown.
func (b *bench) write(w io.Writer) {
	fmt.Fprintf(w, `# Performance

Measured side by side, in one run, by

    make bench

which installs what it needs (Debian, as root), starts a Dovecot of its own and writes this page. Every client is a whole
process, started anew each time; the clients take turns, after one run each that is not counted and whose output is
checked. The figures are medians: of %d runs of the shortest commands, %d of the others, %d of the long ones; ratios are medians of
the ratios of runs made side by side. Times are this machine's, and differ on another and with its load; ratios do so much
less. Memory is the peak of resident memory as the kernel counts it.

%s

## Targets

`, shortest*b.runs, b.runs, b.long, machine())
	row(w, "what", "target", "measured", "")
	row(w, "---", "---", "---:", "---")
	for _, t := range b.report.targets {
		met := "met"
		if !t.met {
			met = "**missed**"
		}
		row(w, t.what, t.limit, t.measured, met)
	}
	for _, t := range b.report.tables {
		t.write(w)
	}
	if len(b.report.leftOut) > 0 {
		fmt.Fprint(w, "\n## Left out\n\n")
		for _, what := range b.report.leftOut {
			fmt.Fprintf(w, "- %s\n", what)
		}
	}
}

func (t *table) write(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n\n", t.title, t.intro)
	head, rule := []string{"client"}, []string{"---"}
	for _, col := range t.columns {
		head, rule = append(head, col.title), append(rule, "---:")
	}
	row(w, head...)
	row(w, rule...)
	for _, c := range t.clients {
		if c.absent != "" {
			continue
		}
		cells := []string{c.name}
		for _, col := range t.columns {
			cells = append(cells, col.cell(c, t.base))
		}
		row(w, cells...)
	}
}

func row(w io.Writer, cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }

// machine says where the figures are from.
func machine() string {
	return fmt.Sprintf("Machine: %d processors (%s), Linux, load %s at the end. Versions: %s, %s, %s, %s.",
		runtime.NumCPU(), strings.TrimPrefix(find("/proc/cpuinfo", "model name"), "model name\t: "), strings.Fields(find("/proc/loadavg", ""))[0],
		runtime.Version(), first("curl", "--version"), first("imapfilter", "-V"), first("python3", "--version"))
}

// find is the first line of a file that begins with prefix.
func find(name, prefix string) string {
	f, err := os.Open(name)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if strings.HasPrefix(in.Text(), prefix) {
			return in.Text()
		}
	}
	return "unknown"
}

// first is the beginning of what a command prints.
func first(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil && len(out) == 0 {
		return name + " is not there"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	words := strings.Fields(line)
	return strings.Join(words[:min(2, len(words))], " ")
}
