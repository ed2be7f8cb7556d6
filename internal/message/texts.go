package message

import (
	"errors"
	"io"
	"strings"
)

// Texts reads a whole message for what can be searched in it: its header, as it
// was sent, and the decoded text of each text part, attached ones and
// those of messages inside included, HTML both as it was written and as a
// person reads it. Texts hold at most limit octets together; what is longer is
// cut. Errors are those of r.
func Texts(r io.Reader, limit int) (header []byte, texts []string, err error) {
	first, sibling := true, ""
	add := func(text string) {
		if len(text) > limit {
			text = text[:limit]
		}
		limit -= len(text)
		texts = append(texts, text)
	}
	err = Walk(r, func(p *WalkPart) error {
		if first {
			header, first = p.Header, false
		}
		if p.Body == nil || !strings.EqualFold(p.Structure.Type, "text") || limit <= 0 {
			return nil
		}
		params, _ := params(p.Structure.Params)
		if _, c := charsetOf(params["charset"]); c == classOther && sibling == "" {
			sibling = params["charset"]
		}
		html := strings.EqualFold(p.Structure.Subtype, "html")
		l := &Leaf{HTML: html, Charset: params["charset"], sibling: sibling}
		decoded := l.decodeCharset(Decode(p.Body, p.Structure.Encoding))
		source := &TextBuffer{Max: limit}
		if _, err := io.Copy(source, decoded); err != nil && !errors.Is(err, ErrCut) {
			return err
		}
		add(source.String())
		if html {
			text, err := HTMLToText(strings.NewReader(source.String()), limit)
			if err != nil && !errors.Is(err, ErrCut) {
				return err
			}
			add(text)
		}
		return nil
	})
	return header, texts, err
}
