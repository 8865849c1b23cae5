package compare

import (
	"slices"

	"bayeslice/internal/volume"
)

// Values of voxels in [Labels]: zones as the anatomy model's classes, lesions as the diagnosis model's.
const (
	TZ     uint8 = 1 // in Labels.Zones
	PZ     uint8 = 2 // in Labels.Zones
	Gland  uint8 = 3 // in Labels.Zones: of the whole gland, the zone is not told
	Cancer uint8 = 1 // in Labels.Lesions; any value but 0 is csPCa
)

// Names of the structures that are compared, as the inference statistics name them.
const (
	NameWG     = "WG" // the whole gland, TZ ∪ PZ
	NameTZ     = "TZ"
	NamePZ     = "PZ"
	NameCancer = "csPCa"
)

// Labels are one segmentation of an exam: a reader's, a reference, or the labels that are being edited. A layer that
// is nil says nothing about its structures; one without a voxel says that there are none.
type Labels struct {
	Zones   *volume.Mask
	Lesions *volume.Mask
}

// structure is what is compared: some labels of a layer; none stands for all.
type structure struct {
	name    string
	lesions bool
	labels  []uint8
}

var structures = []structure{{name: NameWG}, {name: NameTZ, labels: []uint8{TZ}}, {name: NamePZ, labels: []uint8{PZ}}, {name: NameCancer, lesions: true}}

// layer returns the mask that the structure lives in.
func (s structure) layer(l Labels) *volume.Mask {
	if s.lesions {
		return l.Lesions
	}
	return l.Zones
}

// toldBy reports whether labels say where the structure is: a gland without zones says nothing about them.
func (s structure) toldBy(l Labels) bool {
	m := s.layer(l)
	if m == nil || len(s.labels) == 0 {
		return m != nil
	}
	found := m.Labels()
	return !slices.Contains(found, Gland) || slices.Contains(found, TZ) || slices.Contains(found, PZ)
}
