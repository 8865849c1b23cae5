package report

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// maps is a prediction on the grid of the T2W image.
type maps struct {
	task    modelcard.Task
	classes []string
	mean    []*volume.Volume // background first, as all of these
	sd      []*volume.Volume
	entropy, expected,
	mutual *volume.Volume
	hard    *volume.Mask // class indices
	lesions *volume.Mask // 1…n as inference.Lesion.ID; nil for anatomy
	region  *volume.Mask // 1 where the model computed
}

// newMaps brings a prediction to the exam's grid. It fails with [ErrNothing] or [prep.ErrMissingRole].
func newMaps(ctx context.Context, e *exam.Exam, p *inference.Prediction) (*maps, error) {
	return newMapsFor(ctx, e, p, func(Item) bool { return true })
}

// newMeans is newMaps without what only files of maps need: means and masks.
func newMeans(ctx context.Context, e *exam.Exam, p *inference.Prediction) (*maps, error) {
	return newMapsFor(ctx, e, p, func(Item) bool { return false })
}

// newMapsFor is newMaps for some maps; the means and the masks, which others rest on, are always made.
func newMapsFor(ctx context.Context, e *exam.Exam, p *inference.Prediction, want func(Item) bool) (*maps, error) {
	grid, ok := e.ReferenceGrid()
	if !ok {
		return nil, fmt.Errorf("%w: results are written on the T2W image's grid", prep.ErrMissingRole)
	}
	if err := complete(p); err != nil {
		return nil, err
	}
	m := &maps{task: p.Card.Task, classes: p.Card.Classes}
	var err error
	if m.mean, err = prep.Probabilities(ctx, p.Mean, grid); err != nil {
		return nil, err
	}
	if m.hard, err = prep.ArgMax(m.mean); err != nil {
		return nil, err
	}
	m.sd = make([]*volume.Volume, len(p.SD))
	for c, v := range p.SD {
		if want(Deviations) {
			if m.sd[c], err = prep.ToGrid(ctx, v, grid, 0); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range []struct {
		item Item
		to   **volume.Volume
		from *volume.Volume
	}{{Entropies, &m.entropy, p.Entropy}, {Aleatoric, &m.expected, p.ExpectedEntropy}, {Epistemic, &m.mutual, p.MutualInformation}} {
		if want(o.item) {
			if *o.to, err = prep.ToGrid(ctx, o.from, grid, 0); err != nil {
				return nil, err
			}
		}
	}
	if m.region, err = prep.Region(p.Grid, grid); err != nil {
		return nil, err
	}
	if m.task == modelcard.Diagnosis {
		m.lesions, err = lesionMask(ctx, p, grid)
	}
	return m, err
}

// complete reports, as [ErrNothing], what a prediction lacks.
func complete(p *inference.Prediction) error {
	k := len(p.Card.Classes)
	switch {
	case p.Samples < 1:
		return fmt.Errorf("%w: sampling was stopped before the first sample was complete; let it run longer", ErrNothing)
	case k < 2 || len(p.Mean) != k || len(p.SD) != k:
		return fmt.Errorf("%w: %d classes, %d mean maps and %d standard deviations", ErrNothing, k, len(p.Mean), len(p.SD))
	case p.Entropy == nil || p.ExpectedEntropy == nil || p.MutualInformation == nil || p.Hard == nil:
		return fmt.Errorf("%w: an uncertainty map is missing", ErrNothing)
	}
	return nil
}

// lesionMask paints the lesion candidates with their IDs and brings them to a grid. IDs over 255 do
// not fit a label and are left out; result.json lists them all.
func lesionMask(ctx context.Context, p *inference.Prediction, to geom.Grid) (*volume.Mask, error) {
	labels := make([]uint8, p.Grid.Voxels())
	for _, l := range p.Lesions {
		if l.ID < 1 || l.ID > 255 {
			continue
		}
		for _, v := range l.Voxels {
			if int(v) < len(labels) {
				labels[v] = uint8(l.ID)
			}
		}
	}
	on, err := volume.NewMask(p.Grid, labels)
	if err != nil {
		return nil, err
	}
	return volume.ResampleMask(ctx, on, to)
}

// file is one file of a result or an export: a scalar map or a mask.
type file struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
	Unit    string `json:"unit,omitempty"`
	Outside string `json:"outsideModelGrid,omitempty"` // what stands where the model computed nothing
	scalar  *volume.Volume
	mask    *volume.Mask
	item    Item
	object  func(ctx context.Context, path string) error // writes a DICOM object, and reads it back
}

// interpolated ends the meaning of a map that was computed on the model's grid.
const interpolated = ", computed on the model's grid and interpolated (trilinearly) to the T2W grid"

// ofInterpolated warns that an entropy on the T2W grid is not that of the probabilities beside it.
const ofInterpolated = interpolated + "; not recomputed from the interpolated probabilities, from whose entropy it differs where classes meet"

// files lists what a result folder holds, in the order in which it is written.
func (m *maps) files() []file {
	var out []file
	for c, name := range m.classes {
		if c == 0 {
			continue
		}
		lower := strings.ToLower(name)
		out = append(out,
			file{Name: "probability_" + lower + ".nii.gz", Meaning: "mean probability of " + name + " over the samples" + interpolated, Unit: "probability", Outside: "0", scalar: m.mean[c], item: Means},
			file{Name: "sd_" + lower + ".nii.gz", Meaning: "standard deviation of the probability of " + name + " over the samples" + interpolated, Unit: "probability", Outside: "0", scalar: m.sd[c], item: Deviations})
	}
	out = append(out,
		file{Name: "probability_background.nii.gz", Meaning: "mean probability of background over the samples" + interpolated, Unit: "probability", Outside: "1", scalar: m.mean[0], item: Means},
		file{Name: "sd_background.nii.gz", Meaning: "standard deviation of the probability of background over the samples" + interpolated, Unit: "probability", Outside: "0", scalar: m.sd[0], item: Deviations},
		file{Name: "entropy.nii.gz", Meaning: "entropy of the mean probabilities (total uncertainty)" + ofInterpolated, Unit: "nats", Outside: "0", scalar: m.entropy, item: Entropies},
		file{Name: "expected_entropy.nii.gz", Meaning: "mean entropy of the samples (aleatoric part)" + ofInterpolated, Unit: "nats", Outside: "0", scalar: m.expected, item: Aleatoric},
		file{Name: "mutual_information.nii.gz", Meaning: "entropy − expected entropy (epistemic part)" + ofInterpolated, Unit: "nats", Outside: "0", scalar: m.mutual, item: Epistemic})
	if m.task == modelcard.Anatomy {
		out = append(out, file{Name: "zones.nii.gz", Meaning: "most probable class of the mean probabilities on the T2W grid: 1 = TZ, 2 = PZ", Outside: "0", mask: m.hard, item: Zones})
	} else {
		out = append(out,
			file{Name: "cspca.nii.gz", Meaning: "most probable class of the mean probabilities on the T2W grid: 1 = csPCa", Outside: "0", mask: m.hard, item: Zones},
			file{Name: "lesions.nii.gz", Meaning: "lesion candidates, labelled with their id, found on the model's grid and brought to the T2W grid", Outside: "0", mask: m.lesions, item: Lesions})
	}
	return append(out, file{Name: "model_region.nii.gz", Meaning: "1 where the model computed, 0 outside its grid", mask: m.region, item: Computed})
}

// write writes the file and reads it back.
func (f file) write(ctx context.Context, dir string) error {
	path := filepath.Join(dir, f.Name)
	if f.object != nil {
		return f.object(ctx, path)
	}
	if f.mask != nil {
		if err := imageio.WriteMask(path, f.mask); err != nil {
			return err
		}
		return f.verifyMask(path)
	}
	if err := imageio.Write(path, f.scalar); err != nil {
		return err
	}
	return f.verifyVolume(path)
}

func (f file) verifyMask(path string) error {
	back, err := imageio.OpenMask(path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerify, f.Name, err)
	}
	if err := sameGrid(f.Name, f.mask.Grid(), back.Grid()); err != nil {
		return err
	}
	for i, v := range back.Data() {
		if v != f.mask.Data()[i] {
			return fmt.Errorf("%w: %s: voxel %d is %d, was %d", ErrVerify, f.Name, i, v, f.mask.Data()[i])
		}
	}
	return nil
}

func (f file) verifyVolume(path string) error {
	back, err := imageio.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerify, f.Name, err)
	}
	if len(back.Volumes) != 1 {
		return fmt.Errorf("%w: %s holds %d volumes", ErrVerify, f.Name, len(back.Volumes))
	}
	if err := sameGrid(f.Name, f.scalar.Grid(), back.Volumes[0].Grid()); err != nil {
		return err
	}
	for i, v := range back.Volumes[0].Data() {
		if v != f.scalar.Data()[i] {
			return fmt.Errorf("%w: %s: voxel %d is %g, was %g", ErrVerify, f.Name, i, v, f.scalar.Data()[i])
		}
	}
	return nil
}

// gridTolerance in mm is what float32 header fields may lose.
const gridTolerance = 1e-2

func sameGrid(name string, want, got geom.Grid) error {
	if !got.SameAs(want, gridTolerance) {
		return fmt.Errorf("%w: %s lies on another grid", ErrVerify, name)
	}
	return nil
}
