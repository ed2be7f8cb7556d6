//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// timeout bounds one run of one client.
const timeout = 10 * time.Minute

// cost is what one run took.
type cost struct {
	Wall time.Duration `json:"wall"`
	CPU  time.Duration `json:"cpu"`
	Peak int64         `json:"peak"` // resident memory, octets
}

// client is one program that does a case's work.
type client struct {
	name   string
	argv   []string
	env    []string
	before func() error          // before each run; may be nil
	check  func(io.Reader) error // judges what the first run printed
	runs   []cost
	absent string // why there are no runs
}

// median of one figure of the client's runs.
func (c *client) median(of func(cost) float64) float64 {
	var all []float64
	for _, r := range c.runs {
		all = append(all, of(r))
	}
	return median(all)
}

func median(all []float64) float64 {
	slices.Sort(all)
	n := len(all)
	if n == 0 {
		return 0
	}
	return (all[(n-1)/2] + all[n/2]) / 2
}

func wall(c cost) float64 { return c.Wall.Seconds() }
func cpu(c cost) float64  { return c.CPU.Seconds() }
func peak(c cost) float64 { return float64(c.Peak) / 1e6 }

// ratio is the median of the ratios of runs that were made side by side: the
// machine's speed may drift, and drifts for both.
func ratio(a, b *client, of func(cost) float64) float64 {
	var all []float64
	for i := range min(len(a.runs), len(b.runs)) {
		all = append(all, of(a.runs[i])/of(b.runs[i]))
	}
	return median(all)
}

// meter runs clients.
type meter struct {
	bin string // folder of the programs
	tmp string
	run func(*exec.Cmd) error
	ran func(*client) // after each counted run; may be nil
}

// compare gives every client one run that is not counted, whose output is
// checked, and then n runs, in turn. A client that fails is left out, with
// the reason.
func (m *meter) compare(n int, clients []*client) {
	for _, c := range clients {
		c.runs = nil
		if err := m.warm(c); err != nil {
			c.absent = err.Error()
			fmt.Fprintf(os.Stderr, "bench: %s is left out: %v\n", c.name, err)
		}
	}
	for range n {
		for _, c := range clients {
			if c.absent != "" {
				continue
			}
			cost, err := m.once(c, os.DevNull)
			if err != nil {
				c.absent = err.Error()
				fmt.Fprintf(os.Stderr, "bench: %s is left out: %v\n", c.name, err)
				continue
			}
			c.runs = append(c.runs, cost)
			if m.ran != nil {
				m.ran(c)
			}
		}
	}
}

func (m *meter) warm(c *client) error {
	name := filepath.Join(m.tmp, "output")
	if _, err := m.once(c, name); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer os.Remove(name)
	defer f.Close()
	if c.check == nil {
		return nil
	}
	return c.check(f)
}

// once runs a client with its output in a file.
func (m *meter) once(c *client, output string) (cost, error) {
	var got cost
	if c.before != nil {
		if err := c.before(); err != nil {
			return got, err
		}
	}
	out, err := os.Create(output)
	if err != nil {
		return got, err
	}
	defer out.Close()
	file := filepath.Join(m.tmp, "cost")
	cmd := exec.Command("timeout", append([]string{fmt.Sprint(timeout.Seconds()), filepath.Join(m.bin, "timed"), file}, c.argv...)...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Stdout = out
	var said strings.Builder
	cmd.Stderr = &said
	if err := m.run(cmd); err != nil {
		return got, fmt.Errorf("%w: %s", err, lastLine(said.String()))
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return got, err
	}
	return got, json.Unmarshal(text, &got)
}

// lastLine is where programs say what ended them.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
