package dicom

import "bayeslice/internal/geom"

// Origin is the series that an image was read from, for objects that refer to it. It identifies the patient: it stays in memory,
// and reaches a file only where the user wants that. Immutable.
type Origin struct {
	Identity                        Identity
	Study, Series, FrameOfReference string // instance UIDs
	Images                          []ImageRef
}

// ImageRef is one image of a series.
type ImageRef struct {
	Class, Instance string    // SOP class and instance UID
	Frame           int       // 1-based in a multi-frame object, 0 where it is the only one
	Position        geom.Vec3 // LPS mm of the centre of its first voxel
}

// String keeps fmt from printing UIDs and names.
func (Origin) String() string { return "[origin withheld]" }

// Origin returns where the frames of a stack come from, in their order; nil where they have no instance UIDs.
func (s *Stack) Origin() *Origin {
	h := s.Frames[0].Header
	if h.Study == "" || h.Series == "" {
		return nil
	}
	o := &Origin{Identity: h.Identity, Study: h.Study, Series: h.Series, FrameOfReference: h.FrameOfReference}
	for _, f := range s.Frames {
		if f.Header.SOPClass == "" || f.Header.SOPInstance == "" {
			return nil
		}
		ref := ImageRef{Class: f.Header.SOPClass, Instance: f.Header.SOPInstance, Position: f.Position}
		if len(f.Header.Frames) > 1 || f.Header.Enhanced {
			ref.Frame = f.Index + 1
		}
		o.Images = append(o.Images, ref)
	}
	return o
}
