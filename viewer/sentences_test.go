package viewer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
)

func TestEverySentinelHasASentence(t *testing.T) {
	for _, s := range sentences {
		what, next, details := explain(fmt.Errorf("package: circumstances: %w", s.err))
		if what != s.what.String() || next != s.next.String() {
			t.Errorf("%v is told as %q", s.err, what)
		}
		for _, text := range []string{what, next, details} {
			if !strings.HasSuffix(text, ".") || strings.ToUpper(text[:1]) != text[:1] {
				t.Errorf("%v: %q is no sentence", s.err, text)
			}
		}
		if !strings.HasPrefix(details, "Circumstances: ") {
			t.Errorf("details %q", details)
		}
	}
}

func TestUnknownErrorsKeepTheirWords(t *testing.T) {
	what, next, details := explain(errors.New("disk on fire"))
	if what == "" || next == "" || details != "Disk on fire." {
		t.Errorf("%q %q %q", what, next, details)
	}
}

func TestTheMostSpecificSentenceWins(t *testing.T) {
	what, _, _ := explain(fmt.Errorf("%w: %w", exam.ErrUnreadable, exam.ErrNoImages))
	if what != "No images were found here." {
		t.Errorf("told as %q", what)
	}
	what, _, _ = explain(fmt.Errorf("inference: %w", modelcard.ErrCard))
	if what != "The file is not a Bayeslice model." {
		t.Errorf("told as %q", what)
	}
}
