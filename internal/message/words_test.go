package message

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestDecodeText(t *testing.T) {
	tests := []struct {
		name, raw, want string
		ok              bool
	}{
		{"plain", "Hello = world? no", "Hello = world? no", true},
		{"empty", "", "", true},
		{"q", "=?utf-8?Q?Caf=C3=A9_au_lait?=", "Café au lait", true},
		{"lower case", "=?UTF-8?q?caf=c3=a9?=", "café", true},
		{"b", "=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße", true},
		{"b without padding", "=?utf-8?b?R3LDvMOfZQ?=", "Grüße", true},
		{"b with blanks", "=?utf-8?b?R3LD vMOf ZQ==?=", "Grüße", true},
		{"b pasted together", "=?utf-8?b?YQ==YQ==?=", "aa", true},
		{"language", "=?utf-8*en?q?a?=", "a", true},
		{"mixed with text", "Re: =?iso-8859-1?Q?Gr=FC=DFe?= aus Wien", "Re: Grüße aus Wien", true},
		{"adjacent", "=?utf-8?q?a?= =?utf-8?q?b?=", "ab", true},
		{"adjacent over a fold", "=?utf-8?q?a?=\r\n\t=?utf-8?q?b?=", "ab", true},
		{"not adjacent", "=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b", true},
		{"adjacent without a blank", "=?utf-8?b?YQ==?==?utf-8?b?Yg==?=", "ab", true},
		{"adjacent charsets", "=?utf-8?q?=C3=A9?= =?iso-8859-1?q?=E9?=", "éé", true},
		{"character split, q", "=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "café", true},
		{"character split, b", "=?utf-8?b?Y2Fmww==?= =?UTF-8?b?qQ==?=", "café", true},
		{"character split over q and b", "=?utf-8?q?caf=C3?= =?UTF-8?b?qQ==?=", "café", true},
		{"base64 group split", "=?utf-8?b?R3LDvMO?= =?utf-8?b?fZQ==?=", "Grüße", true},
		{"base64 without padding twice", "=?utf-8?b?YQ?= =?utf-8?b?Yg?=", "ab", true},
		{"blanks in q", "=?utf-8?q?caf=C3=A9 au lait?=", "café au lait", true},
		{"question mark in q", "=?utf-8?q?what?_caf=C3=A9?=", "what? café", true},
		{"question mark and escape in q", "=?utf-8?q?what?=C3=A9?=", "what?é", true},
		{"end followed by digits", "=?utf-8?q?a?=be", "abe", true},
		{"equals sign in front of the end", "=?utf-8?q?a=?=", "a=", true},
		{"bad escape", "=?utf-8?q?50=ZZ_off=4?=", "50=ZZ off=4", true},
		{"empty word", "a =?utf-8?q??= b", "a  b", true},
		{"glued to text", "a=?utf-8?q?=C3=A9?=b", "aéb", true},
		{"in quotes", `"=?utf-8?q?=C3=A9?="`, `"é"`, true},
		{"no end", "=?utf-8?q?abc", "=?utf-8?q?abc", true},
		{"no end, then a word", "=?utf-8?q?abc =?utf-8?q?d?=", "=?utf-8?q?abc d", true},
		{"no such encoding", "=?utf-8?x?abc?=", "=?utf-8?x?abc?=", true},
		{"url", "http://x/?a=?b=?c", "http://x/?a=?b=?c", true},
		{"raw UTF-8", "Grüße 你好", "Grüße 你好", true},
		{"raw Latin-1", "Gr\xfc\xdfe", "Grüße", false},
		{"raw windows-1252", "\x93hi\x94 \x80", "“hi” €", false},
		{"raw UTF-8, cut", "Grüße aus Öster\xc3", "Grüße aus Öster\ufffd", false},
		{"raw ISO-2022-JP", "\x1b$B$3$s$K$A$O\x1b(B", "こんにちは", false},
		{"raw beside a word", "Gr\xfc\xdfe =?utf-8?q?=C3=A9?=", "Grüße é", false},
		{"an escape that is no charset", "a\x1b[31mb", "a\x1b[31mb", true},
		{"an escape in a word", "=?utf-8?q?a=1B[31mb?=", "a\x1b[31mb", true},
		{"wrong charset", "=?utf-8?q?caf=E9?=", "café", false},
		{"8-bit in us-ascii", "=?us-ascii?q?caf=C3=A9?=", "café", false},
		{"no charset name", "=??q?caf=E9?=", "café", false},
		{"unknown charset, ASCII", "=?x-unknown?q?abc?=", "abc", false},
		{"unknown charset, UTF-8", "=?unknown-8bit?q?caf=C3=A9?=", "café", false},
		{"lost sextet", "=?utf-8?b?YWJjZ?=", "abc", false},
		{"gb2312", "=?gb2312?B?xOO6ww==?=", "你好", true},
		{"gb2312 with GBK's characters", "=?gb2312?B?6UY=?=", "镕", true},
		{"big5", "=?Big5?B?p0Gmbg==?=", "你好", true},
		{"koi8-r", "=?KOI8-R?B?8NLJ18XU?=", "Привет", true},
		{"windows-1251", "=?windows-1251?Q?=CF=F0=E8=E2=E5=F2?=", "Привет", true},
		{"shift_jis", "=?Shift_JIS?B?grGC8YLJgr+CzQ==?=", "こんにちは", true},
		{"iso-2022-jp", "=?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは", true},
		{"euc-kr", "=?euc-kr?B?vsiz5w==?=", "안녕", true},
		{"ks_c_5601-1987", "=?ks_c_5601-1987?B?vsiz5w==?=", "안녕", true},
		{"windows-1255", "=?windows-1255?Q?=F9=EC=E5=ED?=", "שלום", true},
		{"iso-8859-8-i", "=?iso-8859-8-i?Q?=F9=EC=E5=ED?=", "שלום", true},
		{"tis-620", "=?tis-620?B?ytfK1A==?=", "สืสิ", true},
		{"iso-8859-15", "=?iso-8859-15?Q?=A4?=", "€", true},
	}
	for _, tt := range tests {
		got, ok := DecodeText([]byte(tt.raw))
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: DecodeText(%q) = %q, %v, want %q, %v", tt.name, tt.raw, got, ok, tt.want, tt.ok)
		}
	}
}

// Each name must give what the octets mean in that charset.
func TestCharsetNames(t *testing.T) {
	tests := []struct{ names, octets, want string }{
		{"utf-8 UTF8 utf_8 \"utf-8\" cp65001 unicode-1-1-utf-8", "é", "é"},
		{"us-ascii ascii ANSI_X3.4-1968 646 iso-ir-6", "e", "e"},
		{"iso-8859-1 ISO8859-1 iso_8859-1 latin1 latin-1 l1 windows-1252 cp1252 x-cp1252 windows1252 win-1252 CP-1252 iso8859_1 cp819", "\xe9", "é"},
		{"iso-8859-2 iso8859_2 latin2 latin-2", "\xb1", "ą"},
		{"windows-1250 cp1250 cp-1250 x-windows-1250 windows_1250", "\xb9", "ą"},
		{"windows-1251 cp1251 windows-cp1251 win1251", "\xc6", "Ж"},
		{"koi8-r koi8r KOI8_R", "\xf6", "Ж"},
		{"koi8-u", "\xa4", "є"},
		{"cp866 ibm866 866", "\x86", "Ж"},
		{"cp437 ibm437", "\x82", "é"},
		{"cp850 ibm850 850", "\x82", "é"},
		{"macintosh mac x-mac-roman", "\x8e", "é"},
		{"cp949 CP949 ms949 ks_c_5601-1987 ks-c-5601-1987 uhc euc-kr euckr x-windows-949", "\xb0\xa1\x81\x41", "가갂"},
		{"cp932 ms932 windows-31j shift_jis sjis x-sjis shiftjis", "\x82\xa0\x87\x40", "あ①"},
		{"euc-jp eucjp x-euc-jp", "\xa4\xa2", "あ"},
		{"gb2312 gbk gb18030 cp936 x-gbk euc-cn gb_2312-80", "\xc4\xe3", "你"},
		{"big5 cn-big5 cp950 big5-hkscs", "\xa7\x41", "你"},
		{"hz-gb-2312", "~{Dc~}", "你"},
		{"utf-7 unicode-1-1-utf-7 UTF7", "caf+AOk- +2D3eAA- 1+-1 a+AGI.", "café 😀 1+1 ab."},
		{"utf-16be", "\x00a\x00\xe9", "aé"},
		{"utf-16le", "a\x00\xe9\x00", "aé"},
		{"utf-16", "\xff\xfea\x00\xe9\x00", "aé"},
		{"utf-16", "\xfe\xff\x00a\x00\xe9", "aé"},
		{"utf-32 utf-32be ucs-4", "\x00\x00\x00a\x00\x00\x00\xe9", "aé"},
		{"utf-32le", "a\x00\x00\x00\xe9\x00\x00\x00", "aé"},
		{"iso-2022-jp csiso2022jp cp50221 iso-2022-jp-2 iso-2022-jp-ms", "a\x1b$B$\"\x1b(Bb", "aあb"},
		{"iso-2022-jp", "\x1b(I12\x1b(B", "ｱｲ"},
		{"iso-2022-jp-2", "\x1b$ADc\x1b(B\x1b$(C0!\x1b(B\x1b$(D0\"\x1b(B\x1b.A\x1bNi\x1b.F\x1bNa", "你가丄éα"},
		{"iso-2022-kr csiso2022kr", "\x1b$)Ca\x0e0!\x0fb", "a가b"},
		{"iso-2022-cn", "\x1b$)A\x0eDc\x0f", "你"},
		{"iso-8859-8-i iso-8859-8 hebrew logical", "\xf9", "ש"},
		{"tis-620 windows-874 iso-8859-11", "\xa1", "ก"},
		{"iso-8859-9 windows-1254", "\xf0", "ğ"},
		{"iso-8859-7 greek", "\xe1", "α"},
	}
	for _, tt := range tests {
		for name := range strings.FieldsSeq(tt.names) {
			if got, ok := decodeOctets(tt.octets, name); got != tt.want || !ok {
				t.Errorf("%s: %q decodes to %q, %v, want %q", name, tt.octets, got, ok, tt.want)
			}
		}
	}
	for _, name := range []string{"", "x-unknown", "unknown-8bit", "x-user-defined", "_autodetect", "cp", "win", "iso-8859-", "utf-9", "default", strings.Repeat("x", 60)} {
		if _, c := charsetOf(name); c != classUnknown {
			t.Errorf("%q is a charset", name)
		}
	}
}

// Texts that are not what their charset says are flagged and still UTF-8.
func TestBrokenCharsets(t *testing.T) {
	for _, tt := range [...][2]string{
		{"utf-7", "+2D0-"}, {"utf-7", "\xff"}, {"utf-7", "+2D0AYQ-"}, {"iso-2022-jp", "\x1b$B$"}, {"iso-2022-jp", "\x1b$B!\x01"},
		{"iso-2022-jp", "\xff"}, {"utf-16be", "\x00"}, {"utf-32", "\xff\xff\xff\xff"}, {"euc-jp", "\xff\xff"}, {"gbk", "\xff\xff"},
		{"windows-1252", "\x81"}, {"us-ascii", "\xff"}, {"utf-8", "\xff"},
	} {
		if got, ok := decodeOctets(tt[1], tt[0]); ok || !utf8.ValidString(got) {
			t.Errorf("%s: %q decodes to %q, %v", tt[0], tt[1], got, ok)
		}
	}
}

// Unfinished words and quotes must not cost quadratic time.
func TestWordsLinear(t *testing.T) {
	for _, s := range []string{"=?", "=?a?q?", "=?a?b?x ", "=?a?q?x?=3", "\"", "(", "<", "=?a?q?\"", "\\\"", "\"\\\"", "<\"", "a@[", "a,", "<a@b", "a@b ", ",\"", ":", "(a", "@,", "x <"} {
		raw := []byte(strings.Repeat(s, MaxHeader/4/len(s)))
		start := time.Now()
		DecodeText(raw)
		Addresses(raw)
		messageIDs(string(raw))
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%q took %v", s, d)
		}
	}
}

func FuzzDecodeText(f *testing.F) {
	for _, s := range []string{"=?utf-8?q?a=C3=A9?= =?utf-8?b?YQ==?=", "=?iso-2022-jp-2?b?GyRBRGM=?=", "=?utf-7?q?+AOk-?=", "\x1b$B$\"\x1b(B", "caf\xe9", "=?a?q?=?=?=", "=?utf-16?b?//5hAA==?="} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, ok := DecodeText(raw)
		if !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		}
		if isPlain(string(raw)) && (!ok || text != string(raw)) {
			t.Errorf("%q became %q, %v", raw, text, ok)
		}
	})
}

func FuzzCharset(f *testing.F) {
	for _, name := range []string{"utf-7", "iso-2022-jp-2", "gb18030", "utf-16", "utf-32", "big5", "x-nothing"} {
		f.Add([]byte("a\x1b$B$\"\x1b(B+AOk-\xff\xfe\x00"), name)
	}
	f.Fuzz(func(t *testing.T, raw []byte, charset string) {
		if text, _ := decodeOctets(string(raw), charset); !utf8.ValidString(text) {
			t.Errorf("%q is not UTF-8", text)
		}
	})
}
