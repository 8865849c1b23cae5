package explore

import (
	"encoding/json"
	"fmt"

	"bayeslice/internal/calibrate"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/session"
)

var _ session.Section = (*Explore)(nil)

// saved is what a session remembers of the exploration. Results are not stored: the same models, samples and seed
// give the same again.
type saved struct {
	Models   map[modelcard.Task][Slots]string `json:"models"` // by slot, "" for none
	Region   calibrate.RegionKind             `json:"region"`
	Samples  int                              `json:"samples"` // 0 is all
	T        float64                          `json:"temperature"`
	Fitted   bool                             `json:"fitted"`
	Cut      float64                          `json:"threshold"`
	Sorted   bool                             `json:"sorted"`
	Compared bool                             `json:"compared"` // models of the selected class's task have run
}

// SectionName implements [session.Section].
func (*Explore) SectionName() string { return "calibration" }

// SaveSection implements [session.Section].
func (x *Explore) SaveSection() (any, error) {
	s := x.settings
	return saved{x.choice, s.Region, s.Samples, s.Temperature, s.Fitted, s.Threshold, x.browser.sort, x.MaxSamples() > 0}, nil
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
	x.browser.sort, x.rerun = s.Sorted, s.Compared
	x.fill()
	x.judge()
	x.redraw()
	return nil
}

// TakeRerun reports once whether a restored session had a comparison, which then is to be run again.
func (x *Explore) TakeRerun() bool {
	again := x.rerun
	x.rerun = false
	return again
}
