package exam

import (
	"fmt"
	"maps"
	"slices"
)

// With returns a copy of the exam in which the user has put series id into role (T2W, ADC or
// HighB); the issues are judged anew. The exam itself is unchanged. A series that the rules did
// not take for an ADC is brought to the ADC's unit. It fails with [ErrNoSuchRole], or [ErrNoSuch]
// where the series does not exist or is not usable as a volume.
func (e *Exam) With(role Role, id string) (*Exam, error) {
	if !slices.Contains(ReadingRoles[:], role) {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchRole, role)
	}
	at := slices.IndexFunc(e.Series, func(s *Series) bool { return s.ID == id })
	if at < 0 {
		return nil, fmt.Errorf("%w: %q", ErrNoSuch, id)
	}
	s := e.Series[at]
	if s.Volume == nil {
		return nil, fmt.Errorf("%w: %s is listed, but is not usable as a volume (%s)", ErrNoSuch, s.label(), s.Problem)
	}
	c := *e
	c.Roles = maps.Clone(e.Roles)
	c.Series = slices.Clone(e.Series)
	c.found = slices.Clone(e.found)
	if role == ADC && s.Kind != ADC {
		s = s.asADC()
		c.replace(e.Series[at], s)
	}
	choice := Choice{Candidate: Candidate{Series: s, Score: s.verdict.score, Reason: s.label() + " as " + role.String() + ": chosen by you"}, Overridden: true}
	for _, a := range c.candidates(role) {
		if a.Series != s {
			choice.Alternatives = append(choice.Alternatives, a)
		}
	}
	c.Roles[role] = choice
	c.Synthetic = c.allSynthetic()
	c.Issues = c.judge()
	return &c, nil
}

// asADC returns a copy of a series in the ADC's unit, with what was found about its scale.
func (s *Series) asADC() *Series {
	c := *s
	c.Kind = ADC
	c.found = slices.Clone(s.found)
	scaled, issue := scaleADC(s.Volume, "")
	c.Volume = scaled
	if issue != nil {
		c.found = append(c.found, *issue)
	}
	return &c
}

// replace puts a changed copy in the place of a series wherever the exam holds it.
func (e *Exam) replace(old, changed *Series) {
	for i, s := range e.Series {
		if s == old {
			e.Series[i] = changed
		}
	}
	for r, c := range e.Roles {
		if c.Series == old {
			c.Series = changed
		}
		c.Alternatives = slices.Clone(c.Alternatives)
		c.Alternatives = slices.DeleteFunc(c.Alternatives, func(a Candidate) bool { return a.Series == old })
		e.Roles[r] = c
	}
}

// allSynthetic reports whether every chosen series, and at least one, is synthetic.
func (e *Exam) allSynthetic() bool {
	found := false
	for _, r := range ReadingRoles {
		if s := e.Chosen(r); s != nil {
			if !s.Synthetic {
				return false
			}
			found = true
		}
	}
	return found
}
