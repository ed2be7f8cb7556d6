package query

import "strings"

// BaseSubject reduces a subject, already decoded from RFC 2047, to the base
// that RFC 5256 section 2.1 sorts and threads by: without Re:, Fwd:, (fwd),
// [list] and such. The second result tells whether any of these marked the
// message as a reply or a forward; [list] does not. It takes linear time.
func BaseSubject(decoded string) (base string, isReplyOrForward bool) {
	s := strings.Join(strings.FieldsFunc(decoded, isFolding), " ") // step 1
	for {
		for { // step 2
			rest, ok := cutSuffixFold(s, "(fwd)")
			if !ok {
				break
			}
			s, isReplyOrForward = strings.TrimRight(rest, " "), true
		}
		for { // steps 3 to 5
			s = strings.TrimLeft(s, " ")
			rest, ok := cutReply(skipBlobs(s))
			if !ok {
				break
			}
			s, isReplyOrForward = rest, true
		}
		s = dropBlobs(s)
		inner, ok := cutForward(s) // step 6
		if !ok {
			return s, isReplyOrForward
		}
		s, isReplyOrForward = strings.Trim(inner, " "), true
	}
}

func isFolding(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// cutBlob takes "subj-blob" off the front.
func cutBlob(s string) (rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return s, false
	}
	end := strings.IndexAny(s[1:], "[]")
	if end < 0 || s[1+end] == '[' {
		return s, false
	}
	return strings.TrimLeft(s[1+end+1:], " "), true
}

func skipBlobs(s string) string {
	for {
		rest, ok := cutBlob(s)
		if !ok {
			return s
		}
		s = rest
	}
}

// dropBlobs takes blobs off the front as long as something is left.
func dropBlobs(s string) string {
	for {
		rest, ok := cutBlob(s)
		if !ok || rest == "" {
			return s
		}
		s = rest
	}
}

// cutReply takes "subj-refwd" off the front.
func cutReply(s string) (rest string, ok bool) {
	for _, mark := range [...]string{"re", "fwd", "fw"} {
		if len(s) < len(mark) || !strings.EqualFold(s[:len(mark)], mark) {
			continue
		}
		rest, _ = cutBlob(strings.TrimLeft(s[len(mark):], " "))
		return strings.CutPrefix(rest, ":")
	}
	return s, false
}

// cutForward takes "subj-fwd-hdr" and "subj-fwd-trl" off.
func cutForward(s string) (inner string, ok bool) {
	const header = "[fwd:"
	if len(s) <= len(header) || !strings.EqualFold(s[:len(header)], header) || s[len(s)-1] != ']' {
		return s, false
	}
	return s[len(header) : len(s)-1], true
}

func cutSuffixFold(s, suffix string) (rest string, ok bool) {
	n := len(s) - len(suffix)
	if n < 0 || !strings.EqualFold(s[n:], suffix) {
		return s, false
	}
	return s[:n], true
}
