package annotate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// WriteLabels writes a label image in the format of the name's extension, reads it back, and compares. It
// fails with [ErrExists] where the file is there and overwrite is not set, with [ErrVerify], or as
// [imageio.WriteMask] does. Whatever fails, an earlier file is either as it was or replaced as a whole.
func WriteLabels(path string, m *volume.Mask, overwrite bool) error {
	if !overwrite {
		for _, name := range parts(path) {
			if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w; choose another name, or say that it may be replaced", ErrExists)
			}
		}
	}
	if err := imageio.WriteMask(path, m); err != nil {
		return err
	}
	back, err := imageio.OpenMask(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrVerify, err)
	}
	if !back.Grid().SameAs(m.Grid(), gridTolerance) {
		return fmt.Errorf("%w: it lies on another grid", ErrVerify)
	}
	if !slices.Equal(back.Data(), m.Data()) {
		return fmt.Errorf("%w: its labels differ", ErrVerify)
	}
	return nil
}

// parts returns the files that writing to path makes.
func parts(path string) []string {
	if stem, ok := strings.CutSuffix(strings.ToLower(path), ".mhd"); ok {
		return []string{path, path[:len(stem)] + ".zraw"}
	}
	return []string{path}
}

// ToLayer brings a label image to a grid as the labels of a layer: zones 1 TZ and 2 PZ, lesions any label.
// An image of the same voxels in another order is taken exactly. One on another grid is read at the voxel
// centres by nearest neighbour where resample is set, which the answer tells, and refused with [ErrGrid]
// otherwise. It fails with [ErrLabels] where the labels are no zones, or with ctx's error.
func ToLayer(ctx context.Context, m *volume.Mask, to geom.Grid, l Layer, resample bool) (on *volume.Mask, resampled bool, err error) {
	if !m.Grid().SameAs(to, gridTolerance) {
		if !OnGrid(m, to) {
			if !resample {
				return nil, true, fmt.Errorf("%w: the labels have %v voxels of %s, the image %v of %s; choose labels of this series, or bring them to its grid",
					ErrGrid, m.Grid().Size, millimetres(m.Grid()), to.Size, millimetres(to))
			}
			resampled = true
		}
		if m, err = volume.ResampleMask(ctx, m, to); err != nil {
			return nil, resampled, err
		}
	}
	labels, err := layerLabels(to, l, m)
	if err != nil {
		return nil, resampled, err
	}
	on, err = volume.NewMask(to, labels)
	return on, resampled, err
}

// OnGrid reports whether a label image has the voxels of a grid, in whatever order.
func OnGrid(m *volume.Mask, g geom.Grid) bool {
	return m.Grid().Anatomical().SameAs(g.Anatomical(), gridTolerance)
}

func millimetres(g geom.Grid) string {
	return fmt.Sprintf("%.3g × %.3g × %.3g mm", g.Spacing[0], g.Spacing[1], g.Spacing[2])
}

// FromModel returns the layer that a model's classes belong to, and its most probable classes on a grid, as
// a result folder's masks hold them: mean are the mean probabilities of its classes, background first, which
// are interpolated before the largest is taken. It fails with [ErrLabels] for a model of other classes, with
// [volume.ErrGeometry], or with ctx's error. It takes about a second for a large image.
func FromModel(ctx context.Context, card modelcard.Card, mean []*volume.Volume, to geom.Grid) (Layer, *volume.Mask, error) {
	layer, values, err := classValues(card)
	if err != nil {
		return 0, nil, err
	}
	if len(mean) != len(values) {
		return 0, nil, fmt.Errorf("%w: %d maps for %d classes; let at least one sample finish", ErrLabels, len(mean), len(values))
	}
	on, err := prep.Probabilities(ctx, mean, to)
	if err != nil {
		return 0, nil, err
	}
	hard, err := prep.ArgMax(on)
	if err != nil {
		return 0, nil, err
	}
	labels := make([]uint8, len(hard.Data()))
	for at, class := range hard.Data() {
		labels[at] = values[class]
	}
	m, err := volume.NewMask(to, labels)
	return layer, m, err
}

// classValues returns the value of a layer's voxels for each class of a model.
func classValues(card modelcard.Card) (Layer, []uint8, error) {
	values := make([]uint8, len(card.Classes))
	layer := Zones
	if card.Task == modelcard.Diagnosis {
		layer = Lesions
	}
	for n, name := range card.Classes {
		switch {
		case n == 0:
		case layer == Zones && name == TZ.String():
			values[n] = valueTZ
		case layer == Zones && name == PZ.String():
			values[n] = valuePZ
		case layer == Lesions && name == CsPCa.String():
			values[n] = valueLesion
		default:
			return 0, nil, fmt.Errorf("%w: the model's class %q is neither TZ, PZ nor csPCa; choose another model", ErrLabels, name)
		}
	}
	return layer, values, nil
}
