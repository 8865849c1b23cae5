package exam

import (
	"fmt"
	"maps"
)

// With returns a copy of the exam in which the user has put series id into role (T2W, ADC or
// HighB); the issues are judged anew. The exam itself is unchanged. It fails with
// [ErrNoSuchRole], or [ErrNoSuch] where the series does not exist or is not usable as a volume.
func (e *Exam) With(role Role, id string) (*Exam, error) {
	if role != T2W && role != ADC && role != HighB {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchRole, role)
	}
	for _, s := range e.Series {
		if s.ID != id {
			continue
		}
		if s.Volume == nil {
			return nil, fmt.Errorf("%w: series %s is listed, but is not usable as a volume", ErrNoSuch, id)
		}
		c := *e
		c.Roles = maps.Clone(e.Roles)
		return &c, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoSuch, id)
}
