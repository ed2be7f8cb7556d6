package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/imapknife/imapknife/cmds"
	"github.com/imapknife/imapknife/internal/imaptest/limited"
	"github.com/imapknife/imapknife/internal/imaptest/terminal"
)

// pictured are the commands of docs/session.svg. Nothing that they print may
// differ from one run to the next, such as a UIDVALIDITY of the sandbox.
var pictured = []string{
	`imapknife search UNSEEN --long`,
	`imapknife show last`,
	`imapknife fetch last --text --jq '.[].text | capture("code is (?<code>[0-9]+)")'`,
	`imapknife search --from ci@ --fields uid,subject --jsonl`,
	`imapknife move --from ci@ Archive`,
}

// pictureWidth is the terminal's, in columns.
const pictureWidth = 92

// play is imapknife, as which this program runs itself in the picture's session.
func play() {
	limited.Main(func() int {
		return cmds.Main(&cmds.Process{
			Args: os.Args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Now: limited.Now(),
		})
	})
}

// picture runs the commands on a terminal beside a sandbox, and draws what it
// shows.
func picture() ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	home, err := os.MkdirTemp("", "imapknife-picture-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	cmd := exec.Command(self)
	cmd.Args = []string{"imapknife", "sandbox", "--", "bash", "-c"}
	cmd.Dir, cmd.Env = home, terminal.Env(home, "PAGER=cat")
	shown, err := terminal.Run(cmd, pictureWidth, pictured)
	if err != nil {
		return nil, err
	}
	var lines []string
	for i, s := range shown {
		if s.Status != 0 {
			return nil, fmt.Errorf("%s: exit status %d: %s", s.Command, s.Status, s.Output)
		}
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, promptColor+"$"+colorOff+" "+s.Command)
		lines = append(lines, strings.Split(strings.TrimSuffix(s.Output, "\n"), "\n")...)
	}
	return draw(lines)
}

const (
	promptColor = "\x1b[1;32m"
	colorOff    = "\x1b[0m"
)

// The picture's measures in pixels: of a character cell, of the margin, and of
// the bar above.
const (
	cellWidth, cellHeight = 8.4, 19.0
	margin, bar           = 18.0, 36.0
)

// span is text of one style that begins in a column.
type span struct {
	column, width int
	class         string
	text          string
}

// draw makes an SVG of lines with the escapes of colours.
func draw(lines []string) ([]byte, error) {
	width := 2*margin + pictureWidth*cellWidth
	height := bar + float64(len(lines))*cellHeight + margin
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 %[1]g %[2]g" width="%[1]g" height="%[2]g" role="img" aria-label="A terminal session with imapknife">
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace; fill: #d7dce2; white-space: pre; }
.b { font-weight: bold; fill: #fff; } .p { font-weight: bold; fill: #56d364; } .k { font-weight: bold; fill: #79b8ff; } .s { fill: #7ee2a8; } .d { fill: #8b949e; }
</style>
<rect width="%[1]g" height="%[2]g" rx="10" fill="#11161d"/>
<circle cx="22" cy="19" r="6" fill="#ff5f57"/><circle cx="42" cy="19" r="6" fill="#febc2e"/><circle cx="62" cy="19" r="6" fill="#28c840"/>
<text class="d" x="%[3]g" y="24" text-anchor="middle">imapknife sandbox -- bash</text>
`, width, height, width/2)
	for i, line := range lines {
		spans, err := styled(line)
		if err != nil {
			return nil, err
		}
		if len(spans) == 0 {
			continue
		}
		fmt.Fprintf(&b, `<text y="%g">`, bar+float64(i)*cellHeight+14)
		for _, r := range spans {
			class := ""
			if r.class != "" {
				class = fmt.Sprintf(` class="%s"`, r.class)
			}
			// The length holds the columns in line, whatever font there is.
			fmt.Fprintf(&b, `<tspan x="%.4g" textLength="%.4g"%s>`, margin+float64(r.column)*cellWidth, float64(r.width)*cellWidth, class)
			if err := xml.EscapeText(&b, []byte(r.text)); err != nil {
				return nil, err
			}
			b.WriteString("</tspan>")
		}
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes(), nil
}

// classes are the styles of the escapes that output writes, and of the prompt.
var classes = map[string]string{"0": "", "1": "b", "1;32": "p", "1;34": "k", "32": "s", "2": "d"}

// styled takes a line apart into spans: at escapes, at gaps, and at wide
// characters, which fonts do not hold to two columns.
func styled(line string) ([]span, error) {
	var out []span
	class, column, wide := "", 0, false
	fresh := true // the next character begins a run
	for len(line) > 0 {
		if rest, ok := strings.CutPrefix(line, "\x1b["); ok {
			code, after, ok := strings.Cut(rest, "m")
			c, known := classes[code]
			if !ok || !known {
				return nil, fmt.Errorf("an escape that the picture does not know: %q", line)
			}
			class, line, fresh = c, after, true
			continue
		}
		r, n := utf8.DecodeRuneInString(line)
		if r < ' ' {
			return nil, fmt.Errorf("a control character in the picture: %q", line)
		}
		w := runewidth.RuneWidth(r)
		switch {
		case r == ' ' && (fresh || wide || strings.HasPrefix(line[n:], " ")):
			fresh = true // a gap is not drawn
		default:
			if fresh || wide != (w > 1) {
				out = append(out, span{column: column, class: class})
			}
			last := &out[len(out)-1]
			last.text += line[:n]
			last.width += w
			fresh, wide = false, w > 1
		}
		column += w
		line = line[n:]
	}
	return out, nil
}
