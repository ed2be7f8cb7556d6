package message

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func TestDecode(t *testing.T) {
	tests := []struct{ name, encoding, in, want, warning string }{
		{"base64", "base64", "SGVsbG8sIHdvcmxk\r\nIQ==\r\n", "Hello, world!", ""},
		{"upper case", " BASE64 (yes); x=y", "SGVsbG8=", "Hello", ""},
		{"no padding", "base64", "SGVsbG8", "Hello", ""},
		{"padding in the middle", "base64", "YQ==\r\nYg==", "ab", ""},
		{"line ends anywhere", "base64", "S\nG\nV\ns\nb\nG\n8\n=", "Hello", ""},
		{"junk", "base64", "SGV*s-bG8=", "Hello", "do not belong"},
		{"cut", "base64", "SGVsbG8gd", "Hello ", "cut"},
		{"footer behind padding", "base64", "R3LDvMOfZQo=\r\n--\r\nSent to you by list@example.org\r\n", "Grüße\n", "text in it"},
		{"one word behind padding", "base64", "aGVsbG8=\r\n\r\nDisclaimer\r\n", "hello", "text in it"},
		{"sentence behind padding", "base64", "aGVsbG8=\n\nThis mail was scanned by Example", "hello", "text in it"},
		{"footer without padding", "base64", "SGVsbG8h\r\n_______________\r\nlists mailing list\r\nlists@example.org\r\n", "Hello!", "text in it"},
		{"sentence without padding", "base64", "SGVsbG8h\nThis mail was scanned by Example\nlists\n", "Hello!", "text in it"},
		{"text in front", "base64", "Please see the attached data:\nSGVsbG8h\nSGVsbG8h\n", "Hello!Hello!", "text in it"},
		{"pasted together", "base64", "YQ==\nSGVsbG8h\nSGVsbG8=\n\nYg==", "aHello!Hellob", ""},
		{"pasted together on a line", "base64", "YQ==Yg==\n", "ab", ""},
		{"blanks in the data", "base64", "SGVs bG8s IHdv cmxk IQ==", "Hello, world!", ""},
		{"blanks anywhere", "base64", "SGVsbG8sIHdvcmxk ISBIZWxsbywgd29ybGQhIEhlbGxv", "Hello, world! Hello, world! Hello", ""},
		{"encoded-word for the encoding", "=?utf-8?Q?quoted-printable?=", "a=62", "ab", ""},
		{"quoted encoding", `"Base64";`, "YQ==", "a", ""},
		{"quoted-printable", "Quoted-Printable", "caf=C3=A9 =3D=\r\n soft", "café = soft", ""},
		{"lower case escapes", "quoted-printable", "caf=c3=a9", "café", ""},
		{"soft break with blanks", "quoted-printable", "a= \t\r\nb=\nc", "abc", ""},
		{"soft break at the end", "quoted-printable", "a=", "a", ""},
		{"soft break and blanks at the end", "quoted-printable", "a= \r\n", "a", ""},
		{"blanks at the line end", "quoted-printable", "a \t\r\nb  c \nd ", "a\r\nb  c\nd", ""},
		{"bad escapes", "quoted-printable", "50=ZZ a=3 =\rx =4", "50=ZZ a=3 =\rx =4", "bad escapes"},
		{"raw 8-bit", "quoted-printable", "caf\xc3\xa9", "café", ""},
		{"uuencode", "x-uuencode", "text\nbegin 644 a.txt\n%2&5L;&\\\n`\nend\nmore\n", "Hello", ""},
		{"uuencode CRLF", "uuencode", "begin 644 a.txt\r\n%2&5L;&\\\r\n \r\nend\r\n", "Hello", ""},
		{"uuencode, blanks cut", "x-uue", "begin 644 a\n#  0\n#\nend\n", "\x00\x04\x00\x00\x00\x00", "damaged"},
		{"uuencode, cut", "x-uue", "begin 644 a\n%2&5L;&\\\n", "Hello", "damaged"},
		{"uuencode, none", "x-uue", "nothing here", "", "no uuencoded"},
		{"7bit", "7BIT", "a=3D", "a=3D", ""},
		{"none", "", "a=3D", "a=3D", ""},
		{"binary", "binary", "\x00\xff", "\x00\xff", ""},
		{"unknown", "x-gzip64", "a=3D", "a=3D", "unknown content transfer encoding"},
	}
	for _, tt := range tests {
		for _, read := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			d := Decode(read(strings.NewReader(tt.in)), tt.encoding)
			got, err := io.ReadAll(d)
			warnings := strings.Join(d.Warnings(), "|")
			if string(got) != tt.want || err != nil || (tt.warning == "") != (warnings == "") || !strings.Contains(warnings, tt.warning) {
				t.Errorf("%s: %q, %v, warnings %q, want %q", tt.name, got, err, warnings, tt.want)
			}
		}
	}
}

// What the standard library encodes must come back, across all buffers.
func TestDecodeRoundTrip(t *testing.T) {
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	var qp bytes.Buffer
	w := quotedprintable.NewWriter(&qp)
	w.Binary = true
	w.Write(data)
	w.Close()
	b64 := base64.StdEncoding.EncodeToString(data)
	var lines strings.Builder
	for len(b64) > 0 {
		n := min(76, len(b64))
		lines.WriteString(b64[:n] + "\r\n")
		b64 = b64[n:]
	}
	for encoding, in := range map[string]string{"quoted-printable": qp.String(), "base64": lines.String()} {
		for _, read := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader} {
			got, err := io.ReadAll(Decode(read(strings.NewReader(in)), encoding))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d octets of %d, %v", encoding, len(got), len(data), err)
			}
		}
	}
}

// A literal cut by a lost connection must not look like the end of the data.
func TestDecodeErrors(t *testing.T) {
	for _, encoding := range []string{"base64", "quoted-printable", "x-uuencode", "8bit", "x-none"} {
		cut := io.MultiReader(strings.NewReader("begin 644 a\nYWJj"), iotest.ErrReader(io.ErrUnexpectedEOF))
		if _, err := io.ReadAll(Decode(cut, encoding)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error %v", encoding, err)
		}
		text, _ := DecodeCharset(io.MultiReader(strings.NewReader("caf\xe9"), iotest.ErrReader(io.ErrUnexpectedEOF)), "utf-8")
		if got, err := io.ReadAll(text); !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "café" {
			t.Errorf("text %q, error %v", got, err)
		}
	}
}

// Runs that a codec would like to see whole must not grow its memory or stop
// it.
func TestDecodeLongRuns(t *testing.T) {
	const n = 5 * streamBuffer
	for _, in := range []string{strings.Repeat(" ", n) + "x", "=" + strings.Repeat(" ", n) + "x", strings.Repeat("\r", n) + "x", strings.Repeat("=", n), strings.Repeat("=\r", n), strings.Repeat("M", n)} {
		for _, encoding := range []string{"base64", "quoted-printable", "x-uuencode"} {
			got, err := io.ReadAll(Decode(strings.NewReader(in), encoding))
			if err != nil || len(got) > len(in) {
				t.Errorf("%s: %d octets, %v", encoding, len(got), err)
			}
		}
	}
}

func TestDecodeCharset(t *testing.T) {
	tests := []struct {
		charset, in, want string
		known             bool
		warning           string
	}{
		{"utf-8", "Grüße\r\n你好\n", "Grüße\n你好\n", true, ""},
		{"utf-8", "\xef\xbb\xbfa\ufeffb", "a\ufeffb", true, ""},
		{"utf-8", "a\r\r\nb\rc\r", "a\r\nb\rc\r", true, ""},
		{"utf-8", "café, na\xefve", "café, na\ufffdve", true, "replaced"},
		{"utf-8", "caf\xe9 cr\xe8me", "café crème", true, "guessed"},
		{"utf-8", "aé\ufffd", "aé\ufffd", true, ""},
		{"utf-8", "cut \xe4\xbd\xa0\xe5\xa5", "cut 你\ufffd\ufffd", true, "replaced"},
		{"iso-8859-1", "Gr\xfc\xdfe", "Grüße", true, ""},
		{"windows-1252", "\x80 \x81", "€ \ufffd", true, "replaced"},
		{"us-ascii", "abc", "abc", true, ""},
		{"us-ascii", "café", "café", true, "guessed"},
		{"us-ascii", "caf\xe9", "café", true, "guessed"},
		{"", "café", "café", true, ""},
		{"", "caf\xe9", "café", true, "guessed"},
		{"", "abc \x1b$B$3$s\x1b(B\r\nd", "abc こん\nd", true, "guessed"},
		{"", "\x1b[1mbold\x1b[0m \x1b", "\x1b[1mbold\x1b[0m \x1b", true, ""},
		{"", "\x1b[1m caf\xe9", "\x1b[1m café", true, "guessed"},
		{"x-unknown", "caf\xe9", "café", false, "unknown charset"},
		{"x-unknown", "abc", "abc", false, "unknown charset"},
		{"gb2312", "\xc4\xe3\xba\xc3\r\n", "你好\n", true, ""},
		{"big5", "\xa7\x41\xa6\x6e", "你好", true, ""},
		{"shift_jis", "\x82\xb1\x82\xf1", "こん", true, ""},
		{"iso-2022-jp", "\x1b$B$3$s\x1b(B\r\n", "こん\n", true, ""},
		{"euc-kr", "\xbe\xc8\xb3\xe7", "안녕", true, ""},
		{"koi8-r", "\xf0\xf2\xe9\xf7\xe5\xf4", "ПРИВЕТ", true, ""},
		{"windows-1256", "\xe3\xd1\xcd\xc8\xc7", "مرحبا", true, ""},
		{"utf-16", "\xff\xfea\x00\r\x00\n\x00\xe9\x00", "a\né", true, ""},
		{"utf-7", "caf+AOk-\r\n", "café\n", true, ""},
		{"gb18030", "\x81", "\ufffd", true, "replaced"},
		{"utf-8", "", "", true, ""},
	}
	for _, tt := range tests {
		for _, read := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
			text, known := DecodeCharset(read(strings.NewReader(tt.in)), tt.charset)
			got, err := io.ReadAll(text)
			warnings := strings.Join(text.Warnings(), "|")
			if string(got) != tt.want || err != nil || known != tt.known || (tt.warning == "") != (warnings == "") || !strings.Contains(warnings, tt.warning) {
				t.Errorf("%s: %q gives %q, %v, %v, warnings %q, want %q", tt.charset, tt.in, got, known, err, warnings, tt.want)
			}
		}
	}
}

// Characters that are cut by a buffer's end must stay whole.
func TestDecodeCharsetBuffers(t *testing.T) {
	for _, tt := range []struct{ charset, unit, want string }{
		{"utf-8", "é你😀\r\n", "é你😀\n"},
		{"gb18030", "\xc4\xe3a\r\n", "你a\n"},
		{"iso-2022-jp", "\x1b$B$3\x1b(Ba\r\n", "こa\n"},
		{"utf-7", "+2D3eAA-a\r\n", "😀a\n"},
		{"utf-16le", "\xe9\x00a\x00", "éa"},
		{"", "é\r\n", "é\n"},
	} {
		const n = 10_000
		for shift := range 5 {
			pad := strings.Repeat("x", shift)
			if tt.charset == "utf-16le" {
				pad = strings.Repeat("x\x00", shift)
			}
			text, _ := DecodeCharset(strings.NewReader(pad+strings.Repeat(tt.unit, n)), tt.charset)
			got, err := io.ReadAll(text)
			if err != nil || string(got) != strings.Repeat("x", shift)+strings.Repeat(tt.want, n) || len(text.Warnings()) > 0 {
				t.Errorf("%s, shifted by %d: %d octets, %v, %q", tt.charset, shift, len(got), err, text.Warnings())
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range []string{"base64", "quoted-printable", "x-uuencode", "8bit"} {
		f.Add([]byte("begin 644 a\n%2&5L;&\\\n`\nend\n=C3= \r\nYWJj=="), e, "utf-8")
	}
	f.Add([]byte("\x1b$B$3\r\n\xff"), "", "")
	f.Add([]byte("R3LDvMOfZQo=\r\n--\r\nSent to you by a@b\r\nYWJj\r\nYWJjZA"), "base64", "")
	f.Add([]byte("SGVs bG8h\n____\nlists\n==\n=\nYQ==Yg==\n\n"), "=?utf-8?q?base64?=", "gbk")
	f.Add([]byte("=\r=\r"), "quoted-printable", "utf-7")
	f.Fuzz(func(t *testing.T, raw []byte, encoding, charset string) {
		whole, err := io.ReadAll(Decode(bytes.NewReader(raw), encoding))
		if err != nil || len(whole) > 32*len(raw) { // uuencode may leave blanks out
			t.Fatalf("%d octets of %d, %v", len(whole), len(raw), err)
		}
		// In pieces it must come out the same.
		pieces, err := io.ReadAll(Decode(iotest.OneByteReader(bytes.NewReader(raw)), encoding))
		if err != nil || !bytes.Equal(whole, pieces) {
			t.Fatalf("%q whole, %q in pieces, %v", whole, pieces, err)
		}
		text, _ := DecodeCharset(bytes.NewReader(raw), charset)
		got, err := io.ReadAll(text)
		if err != nil || !utf8.Valid(got) {
			t.Fatalf("%q, %v", got, err)
		}
		text, _ = DecodeCharset(iotest.OneByteReader(bytes.NewReader(raw)), charset)
		again, err := io.ReadAll(text)
		if err != nil || !bytes.Equal(got, again) {
			t.Fatalf("%q whole, %q in pieces, %v", got, again, err)
		}
	})
}

func benchmarkDecode(b *testing.B, encoding, in string) {
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.Copy(io.Discard, Decode(strings.NewReader(in), encoding)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeBase64(b *testing.B) {
	benchmarkDecode(b, "base64", strings.Repeat(strings.Repeat("SGVsbG8s", 9)+"SGVs\r\n", 20_000))
}

func BenchmarkDecodeQP(b *testing.B) {
	benchmarkDecode(b, "quoted-printable", strings.Repeat("Gr=C3=BC=C3=9Fe aus Wien, und noch mehr Text in der Zeile, damit es lang=\r\n", 20_000))
}

func BenchmarkDecodeCharset(b *testing.B) {
	in := strings.Repeat("Grüße aus Wien, und noch mehr Text in der Zeile, damit es lang wird\r\n", 20_000)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		t, _ := DecodeCharset(strings.NewReader(in), "utf-8")
		if _, err := io.Copy(io.Discard, t); err != nil {
			b.Fatal(err)
		}
	}
}
