// Package prep brings an exam onto the grid a model was made for, and its results back. What is
// done is data, a [Recipe], that travels inside the model file; nothing about it is compiled in.
package prep

import (
	"errors"
	"fmt"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
)

// NormKind names an intensity normalisation.
type NormKind string

// Normalisations. ZScore subtracts the mean and divides by the standard deviation of the voxels
// on the model grid that lie inside the image; Linear maps [Low, High] to [0, 1] without clipping
// unless Clip is set (ADC in the paper: "linear").
const (
	ZScore NormKind = "z-score"
	Linear NormKind = "linear"
)

// Channel is one input channel of a model.
type Channel struct {
	Role string   `json:"role"` // "T2W", "HBV", "ADC": see [Channel.ExamRole]
	Norm NormKind `json:"norm"`
	Low  float64  `json:"low,omitempty"`  // Linear: intensity that becomes 0; for ADC in 10⁻⁶ mm²/s
	High float64  `json:"high,omitempty"` // Linear: intensity that becomes 1
	Clip bool     `json:"clip,omitempty"` // Linear: clamp to [0, 1]
}

// Recipe says how an exam becomes a model's input. The grid has the axes of the T2W series in
// anatomical order (to the left, the back, the head), its own spacing, and is centred on the exam's centre (or a point the user gives).
type Recipe struct {
	Channels  []Channel `json:"channels"`  // in the order of the tensor's C axis
	SpacingMM geom.Vec3 `json:"spacingMM"` // x, y, z
	Size      [3]int    `json:"size"`      // voxels x, y, z; the tensor is [1, C, z, y, x]
}

// ExamRole translates the channel's role; [exam.RoleUnknown] where the name is not one of ours.
func (c Channel) ExamRole() exam.Role {
	switch c.Role {
	case "T2W":
		return exam.T2W
	case "HBV":
		return exam.HighB
	case "ADC":
		return exam.ADC
	}
	return exam.RoleUnknown
}

// PaperRecipe is the preparation of the paper: 0.5 × 0.5 × 3.0 mm, 160 × 160 × 20 voxels, T2W and
// DWI by z-score, ADC linear (0–3000 ×10⁻⁶ mm²/s here, the paper gives no bounds). Anatomy takes T2W alone.
func PaperRecipe(diagnosis bool) Recipe {
	r := Recipe{Channels: []Channel{{Role: "T2W", Norm: ZScore}}, SpacingMM: geom.Vec3{0.5, 0.5, 3}, Size: [3]int{160, 160, 20}}
	if diagnosis {
		r.Channels = append(r.Channels, Channel{Role: "HBV", Norm: ZScore}, Channel{Role: "ADC", Norm: Linear, High: 3000})
	}
	return r
}

// ErrRecipe marks a recipe that cannot be followed.
var ErrRecipe = errors.New("prep: unusable recipe")

// Bounds of a recipe: what a model can ask for. Spacings are in mm.
const (
	maxChannels = 16
	minSpacing  = 0.01
	maxSpacing  = 100
)

// Validate reports, as [ErrRecipe], the first thing that makes the recipe unusable.
func (r Recipe) Validate() error {
	if len(r.Channels) == 0 || len(r.Channels) > maxChannels {
		return fmt.Errorf("%w: it has %d channels, where 1 to %d can be", ErrRecipe, len(r.Channels), maxChannels)
	}
	for i, c := range r.Channels {
		switch {
		case c.ExamRole() == exam.RoleUnknown:
			return fmt.Errorf("%w: channel %d asks for role %q, known are T2W, HBV and ADC", ErrRecipe, i, c.Role)
		case c.Norm != ZScore && c.Norm != Linear:
			return fmt.Errorf("%w: channel %d asks for normalisation %q", ErrRecipe, i, c.Norm)
		case c.Norm == Linear && !(c.High > c.Low):
			return fmt.Errorf("%w: channel %d maps the empty range %g…%g", ErrRecipe, i, c.Low, c.High)
		}
	}
	for a := range 3 {
		if !(r.SpacingMM[a] >= minSpacing && r.SpacingMM[a] <= maxSpacing) || r.Size[a] <= 0 || r.Size[a] > 1024 {
			return fmt.Errorf("%w: grid %v at %v mm", ErrRecipe, r.Size, r.SpacingMM)
		}
	}
	return nil
}
