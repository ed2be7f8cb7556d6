package message

import "strings"

// style is what a style attribute says about whether text is seen.
type style struct {
	hidden bool // the element and all inside is not seen
	tiny   bool // its text is of size 0; elements inside may have a size again
	sized  bool // its text has a size
}

// read takes the declarations of a style attribute. Preheaders, the text that
// fills up a preview, are hidden by any of them. mso-hide says nothing: it is
// for one mail program, and hides buttons from it that all others show.
func (s *style) read(text string) {
	text = strings.ToLower(strings.Join(strings.Fields(text), ""))
	for declaration := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(declaration, ":")
		value = strings.TrimSuffix(value, "!important")
		switch name {
		case "display":
			s.hidden = s.hidden || value == "none"
		case "visibility":
			s.hidden = s.hidden || value == "hidden" || value == "collapse"
		case "max-height", "opacity":
			s.hidden = s.hidden || isZero(value)
		case "font-size":
			s.tiny = isZero(value)
			s.sized = value != "" && !s.tiny && !strings.HasSuffix(value, "%") && !strings.HasSuffix(value, "em") || strings.HasSuffix(value, "rem")
		}
	}
}

// isZero reports a CSS number of 0, with or without a unit.
func isZero(value string) bool {
	number := strings.TrimRight(value, "abcdefghijklmnopqrstuvwxyz%")
	return strings.Contains(number, "0") && strings.Trim(number, "0.") == ""
}
