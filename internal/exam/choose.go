package exam

import (
	"cmp"
	"fmt"
	"slices"
)

const (
	autoHighB  = 800  // s/mm²: the rules choose no lower b-value as high-b image by themselves
	nearScore  = 0.05 // another candidate so close may be the better one
	guessScore = 0.4  // a choice below is a guess
)

// kindFor is the kind that the rules choose a role from.
func kindFor(r Role) Role {
	if r == HighB {
		return DWI
	}
	return r
}

// choose fills the reading roles from the rules' verdicts.
func (e *Exam) choose() {
	e.Roles = map[Role]Choice{}
	for _, r := range ReadingRoles {
		c := e.candidates(r)
		if len(c) == 0 || r == HighB && c[0].Series.HasB && c[0].Series.B < autoHighB {
			continue
		}
		e.Roles[r] = Choice{Candidate: c[0], Alternatives: c[1:]}
	}
}

// candidates lists the usable series of a role's kind, best first; of equals the later one, since a
// sequence is repeated where the first attempt was spoilt.
func (e *Exam) candidates(r Role) []Candidate {
	var out []Candidate
	for _, s := range e.Series {
		if s.Kind == kindFor(r) && s.Volume != nil && s.Excluded == "" {
			out = append(out, Candidate{Series: s, Score: s.verdict.score, Reason: s.reasonFor(r)})
		}
	}
	slices.SortStableFunc(out, func(a, b Candidate) int {
		return cmp.Or(-cmp.Compare(a.Score, b.Score), -cmp.Compare(a.Series.Number, b.Series.Number))
	})
	return out
}

// reasonFor makes the sentence that the user reads.
func (s *Series) reasonFor(r Role) string {
	text := fmt.Sprintf("%s as %s: %s", s.label(), r, s.verdict.reason)
	switch {
	case r == ADC && len(s.SourceBs) > 0:
		text += bList("; computed from b = ", s.SourceBs) + " s/mm²"
	case r == HighB && s.Calculated && len(s.SourceBs) > 0:
		text += bList("; calculated from b = ", s.SourceBs) + " s/mm²"
	}
	return text
}

// applyOverrides puts the user's stored choices over the rules'. A choice whose series is not
// there, or is no volume, is reported and left alone.
func (e *Exam) applyOverrides(o *Overrides) *Exam {
	out := e
	for _, r := range ReadingRoles {
		id, ok := o.get(e.Key, r)
		if !ok {
			continue
		}
		changed, err := out.With(r, id)
		if err != nil {
			out.found = append(out.found, Issue{Code: OrphanOverride, Severity: Warning, Text: fmt.Sprintf(
				"the series chosen earlier as %s is not in this exam any more, so the rules decided", r)})
			out.Issues = out.judge()
			continue
		}
		out = changed
	}
	return out
}
