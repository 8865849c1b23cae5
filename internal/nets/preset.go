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
func PresetNames() []string { return []string{"full", "small", "compact", "tiny"} }

// FindPreset returns a preset for a task. "full" is the paper's network and grid. The others have its
// topology on grids of the same extent: "small" a quarter of the filters at 1 × 1 × 3 mm, for laptops;
// "compact" the same at 1.25 × 1.25 × 3 mm, of which the bundled models are made; "tiny" is for tests.
// Other names give [ErrConfig].
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
		p.shrink([Levels]int{8, 16, 32, 64, 128}, 64, [2]int{16, 8}, [3]int{80, 80, 20}, geom.Vec3{1, 1, 3})
	case "compact":
		p.Description = "M1 with a quarter of the filters, 64 × 64 × 20 voxels of 1.25 × 1.25 × 3.0 mm"
		p.shrink([Levels]int{8, 16, 32, 64, 128}, 32, [2]int{16, 8}, [3]int{64, 64, 20}, geom.Vec3{1.25, 1.25, 3})
	case "tiny":
		p.Description = "M1 with 8–32 filters, 32 × 32 × 8 voxels of 2.5 × 2.5 × 6.0 mm: for tests, not for reading"
		p.shrink([Levels]int{8, 8, 16, 16, 32}, 8, [2]int{8, 4}, [3]int{32, 32, 8}, geom.Vec3{2.5, 2.5, 6})
	default:
		return Preset{}, fmt.Errorf("%w: unknown preset %q; there are %s", ErrConfig, name, strings.Join(PresetNames(), " and "))
	}
	return p, nil
}

// shrink changes the network's width and the grid (size and spacing in x, y, z).
func (p *Preset) shrink(filters [Levels]int, latent int, head [2]int, size [3]int, spacing geom.Vec3) {
	p.Config.Filters, p.Config.Latent, p.Config.Head = filters, latent, head
	p.Config.Size = [3]int{size[2], size[1], size[0]}
	p.Recipe.Size, p.Recipe.SpacingMM = size, spacing
}
