package compare

import (
	"encoding/json"
	"errors"
	"fmt"

	masks "bayeslice/internal/compare"
	"bayeslice/internal/session"
)

// saved is the part of a session file that the comparison is. Names and paths of masks, which may be a patient's, are not in
// it: those beside the images are found again by their number, others have to be loaded again.
type saved struct {
	Readers   []savedReader `json:"readers,omitempty"`
	Selected  int           `json:"selected"` // position in Readers, −1 for none
	Elsewhere int           `json:"elsewhere,omitempty"`
	Structure string        `json:"structure"`
	Distances bool          `json:"distances"`
	Side      Side          `json:"side"`
}

// savedReader is a reader whose mask lies beside the images.
type savedReader struct {
	Label     int             `json:"label"` // position in exam.Exam.Labels
	Numbering masks.Numbering `json:"numbering"`
}

// errSaved marks a stored comparison that cannot be shown.
var errSaved = errors.New("compare: the comparison of the session is damaged")

// section makes a Comparison part of a session file.
type section struct {
	c    *Comparison
	done func(error)
}

// SessionSection returns the part of a session that the comparison is. done is told what becomes of each mask that is
// restored.
func (c *Comparison) SessionSection(done func(error)) session.Section { return section{c, done} }

// SectionName implements [session.Section].
func (section) SectionName() string { return "comparison" }

// SaveSection implements [session.Section].
func (x section) SaveSection() (any, error) {
	c := x.c
	if len(c.readers) == 0 && !c.distances {
		return nil, nil //nolint:nilnil // nothing to remember
	}
	out := saved{Selected: -1, Structure: c.structure, Distances: c.distances, Side: c.side}
	at := c.Selected()
	for n, r := range c.readers {
		if !r.Known() {
			continue // set from elsewhere, and remembered there
		}
		if r.label == 0 {
			out.Elsewhere++
			continue
		}
		if n == at {
			out.Selected = len(out.Readers)
		}
		out.Readers = append(out.Readers, savedReader{r.label - 1, r.Numbering})
	}
	return out, nil
}

// RestoreSection implements [session.Section]. Masks are read on the worker.
func (x section) RestoreSection(data json.RawMessage) error {
	var in saved
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("%w: %w", errSaved, err)
	}
	if in.Side > Result {
		return fmt.Errorf("%w: there is no side %d", errSaved, in.Side)
	}
	c := x.c
	if in.Structure != "" {
		c.structure = in.Structure
	}
	c.side = in.Side
	c.SetDistances(in.Distances)
	missing := in.Elsewhere
	offered := c.Offered()
	for n, r := range in.Readers {
		if r.Label < 0 || r.Label >= len(offered) {
			missing++
			continue
		}
		from, last := offered[r.Label], n == len(in.Readers)-1
		from.Numbering = r.Numbering
		c.Load(from, func(err error) {
			x.done(err)
			if last && in.Selected >= 0 && in.Selected < len(c.Readers()) {
				c.Select(in.Selected)
			}
		})
	}
	if missing > 0 {
		return fmt.Errorf("compare: %d masks of the session do not lie beside the images; load them again under Review", missing)
	}
	return nil
}
