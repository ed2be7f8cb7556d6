package message

import (
	"errors"
	"io"
	"strings"

	"github.com/imapknife/imapknife/internal/result"
)

// Texts reads a whole message for what can be searched in it: the fields of its
// header, decoded, and the decoded text of each text part, attached ones and
// those of messages inside included, HTML both as it was written and as a
// person reads it. Texts hold at most limit octets together; what is longer is
// cut. Errors are those of r.
func Texts(r io.Reader, limit int) (fields []result.Header, texts []string, err error) {
	first := true
	add := func(text string) {
		if len(text) > limit {
			text = text[:limit]
		}
		limit -= len(text)
		texts = append(texts, text)
	}
	err = Walk(r, func(p *WalkPart) error {
		if first {
			fields, _ = Headers(p.Header)
			first = false
		}
		if p.Body == nil || !strings.EqualFold(p.Structure.Type, "text") || limit <= 0 {
			return nil
		}
		params, _ := params(p.Structure.Params)
		decoded, _ := DecodeCharset(Decode(p.Body, p.Structure.Encoding), params["charset"])
		source := &TextBuffer{Max: limit}
		if _, err := io.Copy(source, decoded); err != nil && !errors.Is(err, ErrCut) {
			return err
		}
		add(source.String())
		if strings.EqualFold(p.Structure.Subtype, "html") {
			text, err := HTMLToText(strings.NewReader(source.String()), limit)
			if err != nil && !errors.Is(err, ErrCut) {
				return err
			}
			add(text)
		}
		return nil
	})
	return fields, texts, err
}
