package message

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// SafeName makes a file name of one that a sender chose. The result is one
// path component on every system: not empty, no separators, no characters
// that steer a terminal or hide (controls, bidi marks, invisible ones) or that
// Windows forbids, no dot, dash, tilde or blank in front, no dot or blank at
// the end, not the name of a Windows device, at most MaxSafeName octets with
// the extension kept, Unicode in NFC. Of a path only the last component
// counts. Where nothing is left the name is "part" with the extension of the
// media type; an attached message without an extension gets ".eml".
//
// taken is asked whether a name is in use; it gets FoldName's form, so that
// names that differ in case or normalisation only are twins. A twin gets a
// number: "a.txt", "a-2.txt". nil means that no name is in use.
func SafeName(name, mediaType string, taken func(folded string) bool) string {
	stem, ext := splitExtension(cleanName(name))
	if stem == "" {
		stem, ext = "part", defaultExtension(mediaType)
	}
	if ext == "" && isMessage(mediaType) { // its name is mostly a subject
		ext = defaultExtension(mediaType)
	}
	numbered := func(n int) string {
		suffix := ext
		if n > 1 {
			suffix = "-" + strconv.Itoa(n) + ext
		}
		return cutName(stem, MaxSafeName-len(suffix)) + suffix
	}
	free := func(n int) bool { return taken == nil || !taken(FoldName(numbered(n))) }
	// Ten thousand twins must not be tried one by one for each of them: a free
	// number is found by doubling, the lowest one below it by halving.
	low, high := 0, 1
	for !free(high) && high < 1<<30 {
		low, high = high, high*2
	}
	for low+1 < high {
		if mid := (low + high) / 2; free(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return numbered(high)
}

// FoldName is the form of a file name under which file systems that ignore
// case and normalisation find it.
func FoldName(name string) string {
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
}

// maxRawName is the number of octets of a sender's name that are looked at.
const maxRawName = 16 << 10

func cleanName(name string) string {
	name = strings.ToValidUTF8(name[:min(len(name), maxRawName)], "_")
	// Characters that vanish can make separators of what is left, so they go
	// first. So does normalisation: it must not make a forbidden character.
	name = norm.NFC.String(strings.Map(visible, name))
	name = strings.TrimRight(name, `/\ `)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Join(strings.Fields(strings.Map(allowed, name)), " ")
	name = strings.TrimRight(strings.TrimLeft(name, ".-~ "), ". ")
	if strings.Trim(name, "_") == "" {
		return ""
	}
	if isDevice(name) {
		name = "_" + name
	}
	return name
}

// visible drops what cannot be seen: format characters (bidi marks, zero
// widths, tags) and the letters that are drawn as nothing.
func visible(r rune) rune {
	switch r {
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x2800, 0x3164, 0xffa0:
		return -1
	}
	if unicode.Is(unicode.Cf, r) {
		return -1
	}
	return r
}

// allowed replaces what must not be in a file name.
func allowed(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Co, r), strings.ContainsRune(`<>:"|?*/\`, r), r == utf8.RuneError, r&0xfffe == 0xfffe, 0xfdd0 <= r && r <= 0xfdef:
		return '_'
	case unicode.Is(unicode.Z, r):
		return ' '
	}
	return r
}

// isDevice tells whether Windows takes name for a device, whatever extension
// it has.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(name), ".")
	base = strings.TrimRight(base, " ")
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	if port, ok := strings.CutPrefix(base, "COM"); ok {
		return isPort(port)
	}
	port, ok := strings.CutPrefix(base, "LPT")
	return ok && isPort(port)
}

func isPort(s string) bool {
	return len(s) == 1 && '0' <= s[0] && s[0] <= '9' || s == "¹" || s == "²" || s == "³"
}

// maxExtension is the longest text behind a dot that is an extension, with
// the dot, in octets.
const maxExtension = 17

// splitExtension splits at the last dot; ".tar" in front of it belongs to the
// extension.
func splitExtension(name string) (stem, ext string) {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || len(name)-i > maxExtension || strings.Contains(name[i:], " ") {
		return name, ""
	}
	if stem, found := strings.CutSuffix(name[:i], ".tar"); found && stem != "" {
		i = len(stem)
	}
	return name[:i], name[i:]
}

// cutName shortens s to at most n octets, at a character that starts a new
// one on the screen, without leaving a dot or blank at the end.
func cutName(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	whole := n
	for whole > 0 && combines(s[whole:]) {
		_, size := utf8.DecodeLastRuneInString(s[:whole])
		whole -= size
	}
	if short := strings.TrimRight(s[:whole], ". "); short != "" {
		return short
	}
	return s[:n] // nothing but combining characters
}

func combines(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.Is(unicode.M, r)
}

// extensions are those of the media types that come without a name.
var extensions = map[string]string{
	"text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/vcard": ".vcf", "text/x-vcard": ".vcf",
	"text/directory": ".vcf", "text/csv": ".csv", "text/css": ".css", "text/xml": ".xml", "text/rtf": ".rtf",
	"text/markdown": ".md", "text/x-patch": ".patch", "text/x-diff": ".diff", "text/rfc822-headers": ".txt",
	"image/jpeg": ".jpg", "image/jpg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp",
	"image/svg+xml": ".svg", "image/tiff": ".tiff", "image/bmp": ".bmp", "image/heic": ".heic", "image/avif": ".avif",
	"audio/mpeg": ".mp3", "audio/ogg": ".ogg", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/mp4": ".m4a",
	"video/mp4": ".mp4", "video/quicktime": ".mov", "video/webm": ".webm", "video/mpeg": ".mpg",
	"application/pdf": ".pdf", "application/zip": ".zip", "application/x-zip-compressed": ".zip", "application/gzip": ".gz",
	"application/x-gzip": ".gz", "application/x-tar": ".tar", "application/x-7z-compressed": ".7z", "application/json": ".json",
	"application/xml": ".xml", "application/rtf": ".rtf", "application/msword": ".doc", "application/vnd.ms-excel": ".xls",
	"application/vnd.ms-powerpoint": ".ppt", "application/vnd.oasis.opendocument.text": ".odt",
	"application/vnd.oasis.opendocument.spreadsheet":                            ".ods",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   ".docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         ".xlsx",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
	"application/pgp-signature":                                                 ".asc", "application/pgp-keys": ".asc", "application/pgp-encrypted": ".asc",
	"application/pkcs7-signature": ".p7s", "application/x-pkcs7-signature": ".p7s", "application/pkcs7-mime": ".p7m",
	"application/x-pkcs7-mime": ".p7m", "application/ms-tnef": ".dat", "application/ics": ".ics",
	"message/rfc822": ".eml", "message/global": ".eml", "message/delivery-status": ".txt",
}

// isMessage reports the media type of an attached message.
func isMessage(mediaType string) bool {
	return strings.EqualFold(mediaType, "message/rfc822") || strings.EqualFold(mediaType, "message/global")
}

func defaultExtension(mediaType string) string {
	typ, _, _ := strings.Cut(mediaType, ";")
	if ext, ok := extensions[strings.ToLower(trim(typ))]; ok {
		return ext
	}
	return ".bin"
}
