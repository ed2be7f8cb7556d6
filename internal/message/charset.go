package message

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// class says how a charset name is to be taken.
type class int

const (
	classUnknown class = iota // no such charset: guess
	classASCII                // US-ASCII, declared or by default
	classUTF8
	classOther // there is a decoder
)

// charsetOf finds what a charset name stands for. The names are IANA's, the
// WHATWG's (whose supersets senders mean: windows-1252 for ISO-8859-1, CP949
// for EUC-KR), and those of careless mailers. A decoder is returned for
// classOther only; it is for one text.
func charsetOf(name string) (transform.Transformer, class) {
	switch { // without allocating, for nearly all mail
	case strings.EqualFold(name, "utf-8"):
		return nil, classUTF8
	case strings.EqualFold(name, "us-ascii"):
		return nil, classASCII
	}
	name = strings.ToLower(strings.Trim(name, " \t\r\n\"'"))
	if t, c := namedCharset(name); c != classUnknown {
		return t, c
	}
	// "x-windows-1251", "iso_8859_1", "windows1252", "cp-1250", "latin-1"
	name = strings.ReplaceAll(strings.TrimPrefix(name, "x-"), "_", "-")
	for _, p := range [...][2]string{{"cp-", "cp"}, {"windows-cp", "cp"}, {"windows", "cp"}, {"win-", "cp"}, {"win", "cp"},
		{"latin-", "latin"}, {"iso-8859", "iso8859"}, {"iso8859", "iso-8859-"}, {"ibm-", "ibm"}, {"ms", "cp"}} {
		if rest, found := strings.CutPrefix(name, p[0]); found {
			if t, c := namedCharset(p[1] + strings.TrimLeft(rest, "-")); c != classUnknown {
				return t, c
			}
		}
	}
	return namedCharset(name)
}

func namedCharset(name string) (transform.Transformer, class) {
	var e encoding.Encoding
	switch name {
	case "", "x-user-defined":
		return nil, classUnknown
	case "ascii", "ansi_x3.4-1968", "ansi_x3.4-1986", "iso646-us", "iso-ir-6", "us", "cp367", "ibm367", "csascii", "646", "usascii":
		return nil, classASCII
	case "utf8", "utf-8-sig", "utf_8", "unicode-1-1-utf-8", "utf-8mb4", "utf8mb4", "cp65001", "65001":
		return nil, classUTF8
	case "utf-7", "utf7", "unicode-1-1-utf-7", "csunicode11utf7", "unicode-2-0-utf-7", "cp65000":
		return &utf7{}, classOther
	case "utf-16", "utf16", "csutf16", "ucs-2", "unicode", "iso-10646-ucs-2":
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case "utf-32", "utf32", "ucs-4", "iso-10646-ucs-4", "csucs4":
		e = utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	case "utf-32be", "utf32be":
		e = utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case "utf-32le", "utf32le":
		e = utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	case "gb2312", "gb_2312-80", "gb_2312", "gbk", "gb-2312", "cp936", "ms936", "windows-936", "x-gbk", "euc-cn", "euccn", "x-euc-cn", "chinese", "csgb2312", "gb18030", "gb-18030":
		e = simplifiedchinese.GB18030 // a superset of the others
	case "hz-gb-2312", "hz", "hz-gb2312":
		e = simplifiedchinese.HZGB2312
	case "cp949", "949", "uhc", "x-windows-949", "ks_c_5601", "ks-c-5601-1987", "ks_c-5601-1987", "euckr", "5601":
		e = korean.EUCKR
	case "cp932", "932", "ms932", "x-ms-cp932", "x-sjis-jp", "shift_jis-2004", "shiftjis", "cp943", "ibm943":
		e = japanese.ShiftJIS
	case "cp51932", "eucjp", "eucjp-ms", "euc-jp-ms":
		e = japanese.EUCJP
	case "iso-2022-jp", "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-jp-2004", "iso-2022-jp-ms", "csiso2022jp", "csiso2022jp2",
		"cp50220", "cp50221", "cp50222", "iso-2022-kr", "csiso2022kr", "iso-2022-cn", "iso-2022-cn-ext":
		return newISO2022(), classOther
	case "iso-8859-6-i", "iso-8859-6-e":
		e = charmap.ISO8859_6
	case "iso-8859-8-i", "iso-8859-8-e", "logical", "visual":
		e = charmap.ISO8859_8
	case "cp850", "850":
		e = charmap.CodePage850
	case "437":
		e = charmap.CodePage437
	case "koi8r":
		e = charmap.KOI8R
	case "big5-eten", "cp950", "950", "big-5":
		e, _ = htmlindex.Get("big5")
	default:
		e = indexed(name)
	}
	if e == nil {
		return nil, classUnknown
	}
	return e.NewDecoder(), classOther
}

// indexed looks a name up in the indexes of golang.org/x/text, nil for none.
func indexed(name string) encoding.Encoding {
	if e, err := htmlindex.Get(name); err == nil && e != encoding.Replacement {
		return e
	}
	for _, x := range [...]*ianaindex.Index{ianaindex.MIME, ianaindex.IANA, ianaindex.MIB} {
		if e, err := x.Encoding(name); err == nil && e != nil {
			return e
		}
	}
	return nil
}

// decodeOctets decodes octets of a declared charset. ok is false when the
// charset is not known or does not fit.
func decodeOctets(s, charset string) (text string, ok bool) {
	t, c := charsetOf(charset)
	switch c {
	case classOther:
		text, _, err := transform.String(t, s)
		if err == nil && utf8.ValidString(text) {
			return text, !strings.ContainsRune(text, utf8.RuneError)
		}
	case classUTF8:
		if utf8.ValidString(s) && strings.IndexByte(s, 0x1b) < 0 {
			return s, true
		}
	}
	if isASCII(s) && strings.IndexByte(s, 0x1b) < 0 {
		return s, c != classUnknown
	}
	text, sure := guess(s)
	return text, sure && (c == classUTF8 || isASCII(s) && c != classUnknown)
}

// guess decodes octets of no declared charset: as ISO-2022-JP where its
// escape sequences occur, as UTF-8 where at least half of what is not ASCII
// is that, else as windows-1252. sure is true for valid UTF-8 only.
func guess(s string) (text string, sure bool) {
	if strings.Contains(s, "\x1b$") && isASCII(s) {
		if text, _, err := transform.String(newISO2022(), s); err == nil && !strings.ContainsRune(text, utf8.RuneError) {
			return text, false
		}
	}
	if utf8.ValidString(s) {
		return s, true
	}
	if looksUTF8(s) {
		return strings.ToValidUTF8(s, string(utf8.RuneError)), false
	}
	text, err := charmap.Windows1252.NewDecoder().String(s)
	if err != nil {
		return strings.ToValidUTF8(s, string(utf8.RuneError)), false
	}
	return text, false
}

// looksUTF8 tells whether s has valid UTF-8 sequences of several octets, and
// not fewer than pieces that belong to none.
func looksUTF8[T string | []byte](s T) bool {
	good, bad := 0, 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
		i += n
		if r != utf8.RuneError || n > 1 {
			good++
			continue
		}
		bad++
		for i < len(s) && !utf8.RuneStart(s[i]) { // the rest of a cut sequence
			i++
		}
	}
	return good > 0 && good >= bad
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
