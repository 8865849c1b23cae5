package report

import (
	"fmt"
	"os"
	"path/filepath"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
)

// otherBytes bounds the panel, result.json and the files' headers.
const otherBytes = 2 << 20

// Room reports, as [ErrSpace], that a result of a model on a grid would not fit on the disk of dir, which
// must exist. It compares the free space, with what an earlier result occupies, with an upper bound:
// four bytes a voxel and map where the model computes; outside, the maps are constant and compress to
// almost nothing. Where the system does not tell the free space, nothing is refused. It fails with
// [prep.ErrMissingRole] where the exam has no T2W image. o tells of DICOM objects, which are not compressed.
func Room(dir string, e *exam.Exam, model geom.Grid, card modelcard.Card, o Options) error {
	grid, ok := e.ReferenceGrid()
	if !ok {
		return fmt.Errorf("%w: results are written on the T2W image's grid", prep.ErrMissingRole)
	}
	region, err := prep.Region(model, grid)
	if err != nil {
		return err
	}
	free, known := freeBytes(dir)
	if !known {
		return nil
	}
	names, err := earlierFiles(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			free += uint64(info.Size())
		}
	}
	voxels := uint64(0)
	for _, inside := range region.Data() {
		voxels += uint64(inside)
	}
	need := resultBytes(voxels, uint64(grid.Voxels()), card)
	if o.SEG {
		need += uint64(grid.Voxels()) * uint64(len(card.Classes)) // a byte for each probability, a bit for each mask
	}
	if free < need {
		return fmt.Errorf("%w: the result takes up to %.1f MB, and %.1f MB are free", ErrSpace, float64(need)/1e6, float64(free)/1e6)
	}
	return nil
}

// resultBytes bounds the size of a result with so many voxels inside the model's grid, of all.
func resultBytes(inside, all uint64, card modelcard.Card) uint64 {
	scalars := uint64(2*len(card.Classes) + 3)
	masks := uint64(2)
	if card.Task == modelcard.Diagnosis {
		masks = 3
	}
	// DEFLATE takes at least one byte for 1032 equal ones.
	outside := (all - inside) * (4*scalars + masks) / 1000
	return inside*(4*scalars+masks) + outside + otherBytes
}
