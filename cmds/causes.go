package cmds

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imapknife/imapknife/internal/fault"
)

// maxCauses is how many of an error's causes are told.
const maxCauses = 10

// causes are several errors as the cause of one. The first stands for all
// where only one can: its hints, and what the server said.
type causes []error

func (c causes) Error() string {
	var texts []string
	for _, err := range c[:min(len(c), maxCauses)] {
		texts = append(texts, err.Error())
	}
	if more := len(c) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}

func (c causes) Unwrap() error { return c[0] }

// together makes one error of those that are not nil; its kind is the first's.
func together(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	e := &fault.Error{Kind: fault.KindOf(errs[0]), Err: causes(errs)}
	for _, err := range errs[1:] {
		e.Hints = append(e.Hints, fault.Hints(err)...)
	}
	return e
}

// outcome joins err with what else went wrong, where err does not end
// everything: it is nil, or told of a part.
func outcome(err error, more ...error) error {
	if err != nil && fault.KindOf(err) != fault.Partial {
		return err
	}
	return together(append([]error{err}, more...)...)
}
