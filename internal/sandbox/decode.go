package sandbox

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// decoded undoes the content transfer encoding. ok is false when it is none
// that is known. Damaged data gives what could be read.
func (p *part) decoded() (data []byte, ok bool) {
	switch p.encoding {
	case "", "7bit", "8bit", "binary":
		return p.body, true
	case "base64":
		return decodeBase64(p.body), true
	case "quoted-printable":
		data, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(p.body)))
		return data, err == nil || errors.Is(err, io.ErrUnexpectedEOF)
	}
	return nil, false
}

// notBase64 tells what belongs into no base64 data.
func notBase64(r rune) bool {
	return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n", r)
}

// decodeBase64 ignores what is not of the alphabet, as RFC 2045, section 6.8
// asks, and stops at the padding.
func decodeBase64(b []byte) []byte {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		if c == '=' {
			break
		}
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean)
	return out[:n]
}

// text is a text part's body in UTF-8.
func (p *part) text() string {
	data, ok := p.decoded()
	if !ok {
		data = p.body
	}
	return toUTF8(data, p.params["charset"])
}

// charset finds an encoding by its MIME name, nil when unknown.
func charset(name string) encoding.Encoding {
	if e, err := ianaindex.MIME.Encoding(name); err == nil && e != nil {
		return e
	}
	if e, err := htmlindex.Get(name); err == nil {
		return e
	}
	return nil
}

// toUTF8 decodes text of a charset; what claims to be ASCII or nothing may be
// UTF-8, and is Windows-1252 else.
func toUTF8(b []byte, name string) string {
	switch strings.ToLower(name) {
	case "", "us-ascii", "ascii", "utf-8", "utf8":
		if utf8.Valid(b) {
			return string(b)
		}
	default:
		if e := charset(name); e != nil {
			if out, err := e.NewDecoder().Bytes(b); err == nil {
				return string(out)
			}
		}
	}
	out, _ := charmap.Windows1252.NewDecoder().Bytes(b) // maps every octet
	return string(out)
}

// decodeWords decodes encoded-words (RFC 2047) in a field's text; one of an
// unknown charset stays.
func decodeWords(s string) string {
	dec := mime.WordDecoder{CharsetReader: func(name string, r io.Reader) (io.Reader, error) {
		e := charset(name)
		if e == nil {
			return nil, errors.New("unknown charset")
		}
		return e.NewDecoder().Reader(r), nil
	}}
	s = toUTF8([]byte(s), "")
	if out, err := dec.DecodeHeader(s); err == nil {
		return out
	}
	return s
}
