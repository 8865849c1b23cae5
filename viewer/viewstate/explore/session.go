package explore

import (
	"encoding/json"
	"fmt"

	"bayeslice/internal/calibrate"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/session"
	"bayeslice/viewer/viewstate"
)

var _ session.Section = (*Explore)(nil)

// saved is what a session remembers of the exploration, besides the results, which are not the exploration's own.
type saved struct {
	Models  map[modelcard.Task][Slots]string `json:"models"` // by slot, "" for none
	Region  calibrate.RegionKind             `json:"region"`
	Samples int                              `json:"samples"` // 0 is all
	T       float64                          `json:"temperature"`
	Fitted  bool                             `json:"fitted"`
	Cut     float64                          `json:"threshold"`
	Sorted  bool                             `json:"sorted"`
	Truth   bool                             `json:"truth"` // judged by the labels of a synthetic exam
}

// SectionName implements [session.Section].
func (*Explore) SectionName() string { return "calibration" }

// SaveSection implements [session.Section].
func (x *Explore) SaveSection() (any, error) {
	s := x.settings
	return saved{x.choice, s.Region, s.Samples, s.Temperature, s.Fitted, s.Threshold, x.browser.sort, x.truth != nil && x.s.Reference() == x.truth}, nil
}

// RestoreSection implements [session.Section]. Models that are not there any more leave their slots empty.
func (x *Explore) RestoreSection(data json.RawMessage) error {
	var s saved
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("explore: %w", err)
	}
	if !(s.T >= calibrate.MinTemperature && s.T <= calibrate.MaxTemperature) || !(s.Cut >= 0 && s.Cut <= 1) || s.Samples < 0 || s.Region > calibrate.Segment {
		return fmt.Errorf("explore: %w: a temperature, threshold or region that does not exist", calibrate.ErrSettings)
	}
	for task, ids := range s.Models {
		for slot, id := range ids {
			if c := x.find(id); len(x.candidates) > 0 && (c == nil || c.Task != task) { // else the list of models is still to come
				ids[slot] = ""
			}
		}
		x.choice[task] = ids
	}
	x.settings = Settings{s.Region, s.Samples, s.T, s.Fitted, s.Cut}
	x.browser.sort, x.truthWanted = s.Sorted, s.Truth
	x.fill()
	x.judge()
	x.redraw()
	return nil
}

// SetTruth makes the labels of a synthetic exam the reference, which a session then remembers.
func (x *Explore) SetTruth(r viewstate.Reference) {
	x.truth = &r
	x.s.SetReference(&r)
}

// TakeTruthWanted reports once whether a restored session was judged by the labels of a synthetic exam.
func (x *Explore) TakeTruthWanted() bool {
	wanted := x.truthWanted
	x.truthWanted = false
	return wanted
}
