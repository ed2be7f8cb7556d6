package message

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// TestSafeNameOfMessages: an attached message is a file of its kind, however it
// is called.
func TestSafeNameOfMessages(t *testing.T) {
	for in, want := range map[string]string{
		"": "part.eml", "Re: your order no. 12": "Re_ your order no. 12.eml", "a.eml": "a.eml", "a.msg": "a.msg", "...": "part.eml",
	} {
		if got := SafeName(in, "Message/RFC822", nil); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSafeName(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct{ in, want string }{
		// ordinary
		{"report.pdf", "report.pdf"},
		{"Quarterly report (final).pdf", "Quarterly report (final).pdf"},
		{"Größe 報告.pdf", "Größe 報告.pdf"},
		{"a.tar.gz", "a.tar.gz"},
		{"no extension", "no extension"},
		{"_private.txt", "_private.txt"},
		{"it's 100% & $5 #1.txt", "it's 100% & $5 #1.txt"},
		// directories
		{"../../etc/passwd", "passwd"},
		{"../../../../../../tmp/x.sh", "x.sh"},
		{"/etc/passwd", "passwd"},
		{"//server/share/x.txt", "x.txt"},
		{`\\server\share\x.txt`, "x.txt"},
		{`C:\Windows\System32\cmd.exe`, "cmd.exe"},
		{`C:x.txt`, "C_x.txt"},
		{`..\..\x.txt`, "x.txt"},
		{`..\../x.txt`, "x.txt"},
		{"a/b/c.txt", "c.txt"},
		{"dir/", "dir"},
		{"dir/..", "part.pdf"},
		{"./x.txt", "x.txt"},
		{".", "part.pdf"},
		{"..", "part.pdf"},
		{"...", "part.pdf"},
		{"/", "part.pdf"},
		{`\`, "part.pdf"},
		{"///", "part.pdf"},
		{"a/\u202e/", "a"},
		{".\u200b./x", "x"},
		{".\u200b.", "part.pdf"},
		{"%2e%2e%2fx.txt", "%2e%2e%2fx.txt"},
		{"~/x.txt", "x.txt"},
		{"~root", "root"},
		{"file:///etc/passwd", "passwd"},
		// empty
		{"", "part.pdf"},
		{" ", "part.pdf"},
		{"\t\r\n", "part.pdf"},
		{"\u200b\u200e", "part.pdf"},
		{"\u3164", "part.pdf"},
		{"???", "part.pdf"},
		{"\x00", "part.pdf"},
		{"-", "part.pdf"},
		// in front
		{".bashrc", "bashrc"},
		{".htaccess", "htaccess"},
		{"..x", "x"},
		{"-rf", "rf"},
		{"--checkpoint-action=exec=sh x", "checkpoint-action=exec=sh x"},
		{"  x.txt", "x.txt"},
		{". .x", "x"},
		// at the end
		{"x.txt.", "x.txt"},
		{"x.txt. . .", "x.txt"},
		{"x.txt ", "x.txt"},
		{"x.txt\u00a0", "x.txt"},
		{"x.exe\u2003.", "x.exe"},
		// control characters
		{"a\x00.exe", "a_.exe"},
		{"a.txt\x00.exe", "a.txt_.exe"},
		{"a\nb.txt", "a b.txt"},
		{"a\r\nb\tc.txt", "a b c.txt"},
		{"\x1b[31mred\x1b[0m.txt", "_[31mred_[0m.txt"},
		{"\x1b]0;title\x07.txt", "_]0;title_.txt"},
		{"a\x7fb.txt", "a_b.txt"},
		{"a\u0085b\u009b.txt", "a b_.txt"},
		{"a\u2028b\u2029.txt", "a b .txt"},
		{"a\ufffe.txt", "a_.txt"},
		{"a\ue000.txt", "a_.txt"},
		// bidi and invisible
		{"invoice\u202excod.exe", "invoicexcod.exe"},
		{"\u2067x\u2069.txt", "x.txt"},
		{"a\u200db\u200c\ufeff\u00ad.txt", "ab.txt"},
		{"a\U000e0041.txt", "a.txt"},
		// Windows
		{"CON", "_CON"},
		{"con.txt", "_con.txt"},
		{"Aux.c", "_Aux.c"},
		{"NUL.tar.gz", "_NUL.tar.gz"},
		{"nul .txt", "_nul .txt"},
		{"COM1", "_COM1"},
		{"com0.log", "_com0.log"},
		{"LPT9.x", "_LPT9.x"},
		{"COM¹.txt", "_COM¹.txt"},
		{"CONIN$", "_CONIN$"},
		{"PRN.", "_PRN"},
		{"console.txt", "console.txt"},
		{"com10.txt", "com10.txt"},
		{"x.txt:evil.exe", "x.txt_evil.exe"},
		{"x.txt::$DATA", "x.txt__$DATA"},
		{`<x>|"y"?*.txt`, "_x___y___.txt"},
		// invalid UTF-8 and normalisation
		{"caf\xe9.txt", "caf_.txt"},
		{"\xff\xfe", "part.pdf"},
		{"cafe\u0301.txt", "caf\u00e9.txt"},
		{"\u212b.txt", "\u00c5.txt"},
		// length
		{long, long[:MaxSafeName]},
		{long + ".pdf", long[:MaxSafeName-4] + ".pdf"},
		{long + ".tar.gz", long[:MaxSafeName-7] + ".tar.gz"},
		{strings.Repeat("ü", 200) + ".pdf", strings.Repeat("ü", 98) + ".pdf"},
		{strings.Repeat("报", 100) + ".pdf", strings.Repeat("报", 65) + ".pdf"},
		{"x." + long, ("x." + long)[:MaxSafeName]},
		{strings.Repeat("x", 195) + ". y.pdf", strings.Repeat("x", 195) + ".pdf"},
		{strings.Repeat("q", 194) + "e\u0323\u0302\u0303.pdf", strings.Repeat("q", 194) + ".pdf"},
		{strings.Repeat("../", 100_000) + "x", "part.pdf"},
	}
	if len(tests) < 74 {
		t.Errorf("%d names only", len(tests))
	}
	for _, tt := range tests {
		got := SafeName(tt.in, "application/pdf", nil)
		if got != tt.want {
			t.Errorf("SafeName(%q) = %q, want %q", tt.in, got, tt.want)
		}
		checkSafe(t, got)
		if again := SafeName(got, "application/pdf", nil); again != got {
			t.Errorf("SafeName(%q) = %q, not itself", got, again)
		}
	}
}

// Marks without a letter leave no good place to cut.
func TestSafeNameMarks(t *testing.T) {
	for _, name := range []string{strings.Repeat("\u0301", 300), "." + strings.Repeat("\u0301", 300) + ".txt"} {
		checkSafe(t, SafeName(name, "", nil))
	}
}

// checkSafe tests what SafeName promises.
func checkSafe(t *testing.T, name string) {
	t.Helper()
	switch {
	case name == "" || len(name) > MaxSafeName:
		t.Errorf("%q has %d octets", name, len(name))
	case !filepath.IsLocal(name) || filepath.Base(name) != name || strings.ContainsAny(name, "/\\:\x00"):
		t.Errorf("%q is no plain file name", name)
	case !utf8.ValidString(name) || !norm.NFC.IsNormalString(name):
		t.Errorf("%q is not in NFC", name)
	case strings.ContainsAny(name[:1], ".-~ ") || strings.ContainsAny(name[len(name)-1:], ". "):
		t.Errorf("%q has a bad start or end", name)
	case isDevice(name):
		t.Errorf("%q is a device", name)
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Bidi_Control, r) {
			t.Errorf("%q holds %U", name, r)
		}
	}
}

func TestSafeNameDefault(t *testing.T) {
	for typ, want := range map[string]string{
		"application/pdf": "part.pdf", "IMAGE/JPEG": "part.jpg", "text/plain; charset=utf-8": "part.txt", "message/rfc822": "part.eml",
		"": "part.bin", "x/../../y": "part.bin",
	} {
		if got := SafeName("", typ, nil); got != want {
			t.Errorf("%s: %s, want %s", typ, got, want)
		}
	}
}

func TestSafeNameTwins(t *testing.T) {
	used := map[string]bool{}
	var got []string
	for _, name := range []string{"a.txt", "a.txt", "A.TXT", "dir/a.txt", "b.tar.gz", "B.tar.gz", "stra\u00dfe", "STRASSE", "caf\u00e9", "cafe\u0301", "", "",
		strings.Repeat("x", 300) + ".pdf", strings.Repeat("x", 300) + ".pdf", "\u212a", "k"} {
		s := SafeName(name, "application/pdf", func(f string) bool { return used[f] })
		used[FoldName(s)] = true
		got = append(got, s)
	}
	want := []string{"a.txt", "a-2.txt", "A-3.TXT", "a-4.txt", "b.tar.gz", "B-2.tar.gz", "straße", "STRASSE-2", "café", "café-2", "part.pdf", "part-2.pdf",
		strings.Repeat("x", 196) + ".pdf", strings.Repeat("x", 194) + "-2.pdf", "K", "k-2"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestSafeNameManyTwins(t *testing.T) {
	used := map[string]bool{}
	start := time.Now()
	for range 10_000 {
		s := FoldName(SafeName("a.txt", "", func(f string) bool { return used[f] }))
		if used[s] {
			t.Fatalf("%s twice", s)
		}
		used[s] = true
	}
	if d := time.Since(start); d > time.Minute {
		t.Errorf("took %v", d)
	}
}

// The names must be good on the file system the tests run on, and stay in
// the directory.
func TestSafeNameOnDisk(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, name := range []string{"../../x", "/etc/passwd", "a\x00b", "con", strings.Repeat("ü", 500), "..", "\u202ex", "x."} {
		f, err := root.OpenFile(SafeName(name, "", nil), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil && !os.IsExist(err) {
			t.Errorf("%q: %v", name, err)
			continue
		}
		f.Close()
	}
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"../x", "CON.txt", "a\u202eb", "x. .", "~-.x", "e\u0301", strings.Repeat("é", 150) + ".tar.gz", "\u0344\u0301/"} {
		f.Add(s, "text/plain")
	}
	f.Fuzz(func(t *testing.T, name, typ string) {
		s := SafeName(name, typ, nil)
		checkSafe(t, s)
		twin := SafeName(name, typ, func(folded string) bool { return folded == FoldName(s) })
		checkSafe(t, twin)
		if FoldName(twin) == FoldName(s) {
			t.Errorf("%q is a twin of %q", twin, s)
		}
	})
}
