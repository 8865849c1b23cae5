package nets

import (
	"fmt"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
)

// Preset is a network with the preparation that feeds it.
type Preset struct {
	Name        string
	Description string
	Config      Config
	Recipe      prep.Recipe
}

// PresetNames are the names that [FindPreset] knows, the paper's network first.
func PresetNames() []string { return []string{"full", "small"} }

// FindPreset returns a preset for a task: "full" is the paper's network and grid; "small" has the same
// topology with a quarter of the filters on a grid of the same extent at 1 × 1 × 3 mm, for demonstrations
// on a laptop. Other names give [ErrConfig].
func FindPreset(name string, task modelcard.Task) (Preset, error) {
	if task != modelcard.Anatomy && task != modelcard.Diagnosis {
		return Preset{}, fmt.Errorf("%w: unknown task %q; there are %q and %q", ErrConfig, task, modelcard.Anatomy, modelcard.Diagnosis)
	}
	p := Preset{Name: name, Config: PaperM1(task), Recipe: prep.PaperRecipe(task == modelcard.Diagnosis)}
	switch name {
	case "full":
		p.Description = "M1 of the paper: 32–512 filters, 160 × 160 × 20 voxels of 0.5 × 0.5 × 3.0 mm"
	case "small":
		p.Description = "M1 with a quarter of the filters, 80 × 80 × 20 voxels of 1.0 × 1.0 × 3.0 mm"
		p.Config.Filters = [Levels]int{8, 16, 32, 64, 128}
		p.Config.Latent = 64
		p.Config.Head = [2]int{16, 8}
		p.Config.Size = [3]int{20, 80, 80}
		p.Recipe.Size = [3]int{80, 80, 20}
		p.Recipe.SpacingMM = geom.Vec3{1, 1, 3}
	default:
		return Preset{}, fmt.Errorf("%w: unknown preset %q; there are %s", ErrConfig, name, strings.Join(PresetNames(), " and "))
	}
	return p, nil
}
