package bashline

import (
	"slices"
	"testing"
)

func TestRead(t *testing.T) {
	const breaks = " \t\n\"'><=;|&(:"
	for _, tt := range []struct {
		line  string
		words []string
		value string // completed to …
		want  string // … is this in the place of the word; empty where it cannot be
	}{
		{`imapknife sta`, []string{"sta"}, "status", `status`},
		{`imapknife `, []string{""}, "list", `list`},
		{`imapknife`, []string{"imapknife"}, "imapknife", `imapknife`},
		{`imapknife status Sent`, []string{"status", "Sent"}, "Sent Items", `Sent\ Items`},
		{`imapknife status Sent\ It`, []string{"status", "Sent It"}, "Sent Items", `Sent\ Items`},
		{`imapknife status 'Sent It`, []string{"status", "Sent It"}, "Sent Items", `Sent Items`},
		{`imapknife status 'Sent It`, []string{"status", "Sent It"}, "Sent It's", ``},
		{`imapknife status "Sent It`, []string{"status", "Sent It"}, "Sent It's $x", `Sent It's \$x`},
		{`imapknife status "a!`, []string{"status", "a!"}, "a!b", ``},
		{`imapknife status `, []string{"status", ""}, "$(touch x)`y`;#", "\\$\\(touch\\ x\\)\\`y\\`\\;\\#"},
		{`imapknife status -m=Se`, []string{"status", "-m=Se"}, "-m=Sent", `Sent`},
		{`imapknife status --mailbox='Se`, []string{"status", "--mailbox=Se"}, "--mailbox=Sent Items", `Sent Items`},
		{`imapknife --url imaps://a b`, []string{"--url", "imaps://a", "b"}, "bc", `bc`},
		{`imapknife --url imaps://a`, []string{"--url", "imaps://a"}, "imaps://ab", `//ab`},
		{`cd x; A=1 | imapknife st`, []string{"st"}, "status", `status`},
		{`imapknife a "b c" 'd"e' f\"g \`, []string{"a", "b c", `d"e`, `f"g`, ""}, "x", `x`},
		{`imapknife status Größe`, []string{"status", "Größe"}, "Größe XL", `Größe\ XL`},
		{`imapknife status ~x`, []string{"status", "~x"}, "~xy", `\~xy`},
	} {
		got := Read(tt.line, breaks)
		if !slices.Equal(got.Words, tt.words) {
			t.Errorf("%s: %q, want %q", tt.line, got.Words, tt.words)
		}
		if text, ok := got.Quote(tt.value); ok != (tt.want != "") || ok && text != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.line, text, ok, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{`imapknife a 'b`, `x "\$`, `a\`, `;|&`, "imapknife \x00"} {
		f.Add(s, "value $(x)")
	}
	f.Fuzz(func(t *testing.T, line, value string) {
		got := Read(line, " =:")
		if len(got.Words) == 0 {
			t.Fatal("no word")
		}
		text, ok := got.Quote(value)
		if !ok || got.open != 0 || got.cut != 0 {
			return
		}
		// What is inserted reads as the value, wherever it stands.
		if back := Read("imapknife "+text, ""); len(back.Words) != 1 || back.Words[0] != value {
			t.Fatalf("%q is read as %q", text, back.Words)
		}
	})
}
