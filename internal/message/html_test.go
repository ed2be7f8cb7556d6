package message

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"
)

func TestHTMLToText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"words", "  a \r\n b\t<b>c</b>d ", "a b cd\n"},
		{"paragraphs", "<p>a</p><p>b</p>", "a\n\nb\n"},
		{"paragraphs without ends", "<p>a<p>b", "a\n\nb\n"},
		{"br", "a<br>b<br/><br>c<br><br><br><br>d</br>e", "a\nb\n\nc\n\nd\ne\n"},
		{"br at the end of a block", "<div>a<br></div><div>b</div>", "a\nb\n"},
		{"empty lines of web mailers", "<div>a</div><div><br></div><div>b</div>", "a\n\nb\n"},
		{"divs", "<div>a<div>b</div></div>c", "a\nb\nc\n"},
		{"headings", "x<h1>One</h1>a<h2>Two</h2>b", "x\n\nOne\n\na\n\nTwo\n\nb\n"},
		{"hr", "a<hr>b", "a\n----------\nb\n"},
		{"entities", "a &amp; b &lt;c&gt; &eacute;&#233;&#xe9; &nbsp;&nbsp; &unknown; &copy", "a & b <c> ééé &unknown; ©\n"},
		{"bad entities", "&#xD800;&#0;&#99999999;", "\ufffd\ufffd\ufffd\n"},
		{"invisible", "a\u200bb\u00adc \u200c \u200c\u200d x", "abc x\n"},
		{"joiners", "می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻\n"},
		{"list", "x<ul><li>a</li><li>b</ul>y", "x\n\n- a\n- b\n\ny\n"},
		{"numbers", "<ol start=9><li>a<li>b</ol>", "9. a\n10. b\n"},
		{"numbers of items", "<ol><li value=7>c<li>d<li value=x>e<li value=0>f</ol>", "7. c\n8. d\n9. e\n0. f\n"},
		{"nested lists", "<ul><li>a<ul><li>b<li>c</ul><li>d</ul>", "- a\n  - b\n  - c\n- d\n"},
		{"lines in items", "<ul><li>a<br>b<li><p>c</p></ul>", "- a\n  b\n- c\n"},
		{"empty items", "<ul><li><li>a<li></ul>b", "- a\n\nb\n"},
		{"item without a list", "<li>a<li>b", "- a\n- b\n"},
		{"definitions", "<dl><dt>a<dd>b<dt>c<dd>d</dl>e", "a\n  b\nc\n  d\ne\n"},
		{"quote", "a<blockquote>b<br>c<p>d</blockquote>e", "a\n\n> b\n> c\n>\n> d\n\ne\n"},
		{"nested quotes", "<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b\n"},
		{"quotes not closed", "<blockquote>a<blockquote>b", "> a\n>\n> > b\n"},
		{"link", `see <a href="https://example.org/x?a=1&amp;b=2">this page</a>.`, "see this page <https://example.org/x?a=1&b=2>.\n"},
		{"link as text", `<a href="https://example.org/">https://example.org</a> <a href="mailto:a@x">A@x</a> <a href='http://example.org'>example.org/</a>`,
			"https://example.org A@x example.org/\n"},
		{"links to nowhere", `<a href="#top">up</a> <a href="javascript:x()">b</a> <a href="data:a">c</a> <a name=x>d</a> <a href="cid:i">e</a> <a href="page.html">f</a>`, "up b c d e f\n"},
		{"link around an image", `<a href="https://x/"><img alt="Logo"></a> <a href="https://y/"><img></a>`, "Logo <https://x/> <https://y/>\n"},
		{"link around a block", `<a href="https://x/"><div>Go</div></a><div>b</div>`, "Go <https://x/>\nb\n"},
		{"link not closed", `<a href="https://x/">a<a href="https://y/">b`, "a <https://x/>b <https://y/>\n"},
		{"link with blanks and brackets", "<a href=' https://x/a b>\n<c'>l</a>", "l <https://x/a%20b%3E%3Cc>\n"},
		{"misleading link", `<a href="https://evil/">https://bank/</a>`, "https://bank/ <https://evil/>\n"},
		{"too long a link", `<a href="https://x/` + strings.Repeat("y", 5000) + `">a</a>`, "a\n"},
		{"image", `a <img src="cid:x" alt="a cat"> b<img src=y>c`, "a a cat bc\n"},
		{"table", "x<table><tr><th>Name<th>Size</tr><tr><td>a.txt</td><td> 12 </td></tr></table>y", "x\nName  Size\na.txt  12\ny\n"},
		{"table with paragraphs", "<table><tr><td><p>a</p></td><td><p>b</p></td></tr><tr><td><p>c</p></td><td><p>d</p></td></tr></table>", "a  b\nc  d\n"},
		{"table with empty cells", "<table><tr><td></td><td>a</td><td></td><td>b</td></tr><tr><td>&nbsp;</td><td>c</td></tr></table>", "a  b\nc\n"},
		{"table for layout", "<table><tr><td>a<br>b</td><td>c</td></tr></table>", "a\nb\nc\n"},
		{"tables in tables", "<table><tr><td><table><tr><td>a</td><td>b</td></tr></table></td></tr><tr><td>c</td><td>d</td></tr></table>", "a  b\nc  d\n"},
		{"table without ends", "<table><tr><td>a<td>b<tr><td>c<td>d", "a  b\nc  d\n"},
		{"stray end tags in cells", "<table><tr><td>a</div></blockquote></td><td>b</td></tr></table>", "a  b\n"},
		{"pre", "x<pre>\na  b\n\n  c\td\n</pre>y", "x\na  b\n\n  c\td\ny\n"},
		{"textarea", "<textarea>a\nb</textarea>", "a\nb\n"},
		{"head, script, style", "<html><head><title>T</title><style>p{}</style><script>x<p>y</script></head><body>a</body></html>", "a\n"},
		{"no end of head", "<head><title>T</title><p>a", "a\n"},
		{"comments", "a<!-- b --><!DOCTYPE x><?php c ?><![CDATA[d]]>e<!--[if mso]>f<![endif]-->g", "aeg\n"},
		{"hidden", `a<div style="color:red; DISPLAY : none">b<p>c<br></div><span hidden>d</span><p style="visibility:hidden">e<p>f`, "a\n\nf\n"},
		{"preheaders", `<div style="max-height:0;overflow:hidden">a</div><span style="opacity: 0.0">b</span><p style="font-size:0px">c</p>` +
			`<div style="mso-hide:all;display:none!important">d</div><div style="max-height:100px;opacity:0.5;font-size:0.5em">e</div>`, "e\n"},
		{"hidden from one program only", `<a href="https://example.org/v" style="mso-hide:all">Open</a>`, "Open <https://example.org/v>\n"},
		{"size 0 around sizes", `<div style="font-size:0">a<div>b</div><div style="font-size:14px">c<p>d<p>e</div>f<div>g</div><img alt=h></div>i`, "c\n\nd\n\ne\n\nh\ni\n"},
		{"size 0 and relative sizes", `<div style="font-size:0">a<b style="font-size:200%">b</b><b style="font-size:1rem">c</b></div>`, "c\n"},
		{"links of size 0", `<p style="font-size:0"><a href="https://example.org/1">a</a></p><a href="https://example.org/2">b</a>`, "b <https://example.org/2>\n"},
		{"nested hidden", `<div hidden>a<div>b</div>c</div>d`, "d\n"},
		{"hidden cell", `<table><tr><td style="display:none">a<td>b</table>c`, "b\nc\n"},
		{"hidden image and br", `a<img hidden alt=b><br hidden>c`, "ac\n"},
		{"hidden, not closed", "<div><span hidden>a</div>b", "b\n"},
		{"noscript, svg, select", "a<noscript>b</noscript><svg><text>c</text></svg><select><option>d</select>e", "ae\n"},
		{"unknown elements", "<o:p>a</o:p><x-y hidden>b</x-y>c", "ac\n"},
		{"end tags of nothing", "</p></div></td></html>a</a></blockquote></ul>b", "a\nb\n"},
		{"overlapping", "<b>a<blockquote>b</b>c</blockquote>d", "a\n\n> bc\n\nd\n"},
		{"no markup", "1 < 2 > 0 & <", "1 < 2 > 0 & <\n"},
		{"cut inside a tag", "a<a href='x", "a\n"},
		{"attributes", `a<P ALIGN=x style='' hidden="">b</P>c`, "ac\n"},
		{"invalid UTF-8", "a\xffb <img alt='\xff'>", "a\ufffdb \ufffd\n"},
		{"Outlook", "<p class=MsoNormal>Hi,<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>Bye<o:p></o:p></p>", "Hi,\n\nBye\n"},
	}
	for _, tt := range tests {
		got, err := HTMLToText(strings.NewReader(tt.in), 0)
		if got != tt.want || err != nil {
			t.Errorf("%s: %q gives\n%q, %v, want\n%q", tt.name, tt.in, got, err, tt.want)
		}
	}
}

func TestHTMLToTextLimits(t *testing.T) {
	got, err := HTMLToText(strings.NewReader("<p>Grüße aus Wien"), 3)
	if got != "Gr" || !errors.Is(err, ErrCut) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err = HTMLToText(strings.NewReader("<p>abc"), 4); got != "abc\n" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	cut := io.MultiReader(strings.NewReader("<p>abc"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if got, err = HTMLToText(cut, 0); got != "abc\n" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, %v", got, err)
	}
}

// Tags, comments and texts larger than what is held are no end.
func TestHTMLToTextLarge(t *testing.T) {
	big := strings.Repeat("x ", maxToken)
	for _, in := range []string{
		"a<img src='data:" + big + "'>b", "a<!--" + big + "-->b", "a<script>" + big + "</script>b", "a<style>" + big + "</style>b",
		"a<p style='" + big + "' " + big + ">b", "a</p " + big + ">b",
	} {
		got, err := HTMLToText(strings.NewReader(in), 100)
		if strings.Join(strings.Fields(got), "") != "ab" || err != nil {
			t.Errorf("%.20q: %q, %v", in, got, err)
		}
	}
	text := strings.Repeat("ü", maxToken+7)
	for _, shift := range []string{"", "a"} {
		got, err := HTMLToText(strings.NewReader("<p>"+shift+text), 0)
		if got != shift+text+"\n" || err != nil {
			t.Errorf("%d octets of %d, %v", len(got), len(text), err)
		}
	}
}

// Depth and unclosed elements must not cost quadratic time, or memory.
func TestHTMLToTextLinear(t *testing.T) {
	for _, s := range []string{"<div>", "<blockquote>", "<ul><li>", "<table><tr><td>", "<div hidden>", "</div>", "<a href=http://x>", "<pre>\n", "<p hidden><b>",
		"<td>", "<b", "<!--", "<!-", "&", "<svg>", "<a ", "<select><option>", "<blockquote></p>", "<x></y>", "a\u200c", "<ol><dd>x<dt>"} {
		start := time.Now()
		_, err := HTMLToText(strings.NewReader(strings.Repeat(s, 256<<10/len(s))), 1<<20)
		if d := time.Since(start); d > 10*time.Second || err != nil && !errors.Is(err, ErrCut) {
			t.Errorf("%q took %v, %v", s, d, err)
		}
	}
}

func FuzzHTMLToText(f *testing.F) {
	for _, s := range []string{"<table><tr><td>a<td><p>b</table>", "<ul><li>a<ol><li>b</ul>", "<div hidden><p>a</div>b", "<a href=http://x>y</a>", "<pre>\n a\n</pre>",
		"<p style='font-size:0'>a<table><tr><td style='font-size:1px'><ol><li value=7>b</ol></p><p>c</div>", "<blockquote>a<li>b<dd>c", "\u200c\xff&#xD800;", "<td></table><tr><a><th></tr>"} {
		f.Add(s, 100)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		text, err := HTMLToText(strings.NewReader(s), max)
		if !utf8.ValidString(text) || max > 0 && len(text) > max || err != nil && !errors.Is(err, ErrCut) {
			t.Errorf("%q, %v", text, err)
		}
	})
}

func BenchmarkHTMLToText(b *testing.B) {
	in := "<html><body><table>" + strings.Repeat(`<tr><td style="font-family:Arial;color:#333333"><p class="x">Some text with <b>bold</b> words</p></td>`+
		`<td><a href="https://example.org/path?x=1">a link</a></td></tr>`, 1000) + "</table>"
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := HTMLToText(strings.NewReader(in), 0); err != nil {
			b.Fatal(err)
		}
	}
}
