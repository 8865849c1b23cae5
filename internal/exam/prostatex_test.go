package exam

import (
	"context"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

// open opens an exam of the shared test data, or skips.
func open(t *testing.T, o Options, elem ...string) *Exam {
	t.Helper()
	e, err := Open(context.Background(), testenv.Data(t, elem...), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// codes lists the issue codes of an exam.
func codes(e *Exam) map[string]Issue {
	out := map[string]Issue{}
	for _, i := range e.Issues {
		out[i.Code] = i
	}
	return out
}

func TestProstateX0000Roles(t *testing.T) {
	e := open(t, Options{}, "picai_prep", "ProstateX-0000")
	for _, s := range e.Series {
		t.Logf("%-8s %-12s excluded %q images %d b %v", s.ID, s.Kind, s.Excluded, s.Images, s.B)
	}
	for r, want := range map[Role]string{T2W: "s4", ADC: "s7", HighB: "s8"} {
		c, ok := e.Roles[r]
		if !ok || c.Series.ID != want {
			t.Errorf("%s is %+v, want %s", r, c.Series, want)
			continue
		}
		t.Logf("%s (%.2f)", c.Reason, c.Score)
		for _, a := range c.Alternatives {
			t.Logf("    or %s (%.2f)", a.Reason, a.Score)
		}
	}
	high := e.Roles[HighB]
	if s := high.Series; !s.Calculated || s.B != 1000 || !strings.Contains(high.Reason, "calculated") {
		t.Errorf("high-b = %+v, want calculated b 1000", s)
	}
	if len(high.Alternatives) == 0 || high.Alternatives[0].Series.ID != "s6-b800" || high.Alternatives[0].Series.Calculated {
		t.Errorf("the acquired b 800 is not the first alternative: %+v", high.Alternatives)
	}
	for _, i := range e.Issues {
		t.Logf("%d %s: %s", i.Severity, i.Code, i.Text)
	}
}
