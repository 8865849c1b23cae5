package edit

import (
	"encoding/json"
	"errors"
	"fmt"

	"bayeslice/internal/annotate"
)

// saved is the section of a session file: how one draws. The contours themselves are in the files that the
// user saves, and in the journal until then.
type saved struct {
	Label     string  `json:"label"`
	RadiusMM  float64 `json:"radiusMM"`
	Sphere    bool    `json:"sphere,omitempty"`
	Smoothing float64 `json:"smoothingMM"`
}

var errSaved = errors.New("edit: the drawing settings of the session are damaged")

// SectionName implements session.Section.
func (e *Editor) SectionName() string { return "drawing" }

// SaveSection implements session.Section.
func (e *Editor) SaveSection() (any, error) {
	return saved{e.label.String(), e.brush.radius, e.brush.sphere, e.smoothing}, nil
}

// RestoreSection implements session.Section.
func (e *Editor) RestoreSection(data json.RawMessage) error {
	var in saved
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("%w: %w", errSaved, err)
	}
	for _, l := range annotate.Labels {
		if l.String() == in.Label && in.RadiusMM > 0 && in.Smoothing > 0 {
			e.s.Update(func() {
				e.SetLabel(l)
				e.SetRadius(in.RadiusMM)
				e.SetSphere(in.Sphere)
				e.SetSmoothing(in.Smoothing)
			})
			return nil
		}
	}
	return fmt.Errorf("%w: label %q, brush of %g mm", errSaved, in.Label, in.RadiusMM)
}
