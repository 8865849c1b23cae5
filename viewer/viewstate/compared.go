package viewstate

import (
	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Compared is one of the models shown side by side in the layout [Compare].
type Compared struct {
	ID         string                // of the model
	Title      string                // large in its viewport: the loss, or the model's name
	Prediction *inference.Prediction // nil until it has run
}

// Compared returns the model in a slot (0…3) for the selected class's task; the zero value where there is none.
func (s *State) Compared(slot int) Compared { return s.ComparedOf(s.class.Task(), slot) }

// ComparedOf returns the model in a slot (0…3) for a task; the zero value where there is none.
func (s *State) ComparedOf(task modelcard.Task, slot int) Compared {
	if slot < 0 || slot >= ViewportCount {
		return Compared{}
	}
	return s.compared[task][slot]
}

// SetCompared puts a model, or a newer result of it, into a slot (0…3) of its task.
func (s *State) SetCompared(task modelcard.Task, slot int, c Compared) {
	if slot < 0 || slot >= ViewportCount {
		return
	}
	all := s.compared[task]
	all[slot] = c
	s.compared[task] = all
	s.forgetFields()
	s.fixClass()
	s.mark(ChangedCompared | ChangedLayer)
}

// Shown returns the prediction that a viewport draws for a task: the exam's own, or that of the
// compared model in its slot; nil where there is none.
func (s *State) Shown(v int, task modelcard.Task) *inference.Prediction {
	slot := s.Content(v).Slot
	if slot == OwnResult {
		return s.predictions[task]
	}
	return s.compared[task][slot].Prediction
}

// Reference is what a reader or a phantom's maker says is there, to compare predictions with.
type Reference struct {
	Name    string       // "truth of the phantom", or the file's name
	Zones   *volume.Mask // 1 TZ, 2 PZ; nil where unknown
	Lesions *volume.Mask // any label but 0 is csPCa; nil where unknown
}

// Mask returns the mask that knows about a class and its labels of that class; nil where none does.
func (r *Reference) Mask(c Class) (mask *volume.Mask, labels []uint8) {
	switch {
	case r == nil:
		return nil, nil
	case c == CsPCa:
		return r.Lesions, nil
	case c == TZ:
		return r.Zones, []uint8{1}
	case c == PZ:
		return r.Zones, []uint8{2}
	}
	return r.Zones, []uint8{1, 2}
}

// Reference returns the reference of the open exam, or nil.
func (s *State) Reference() *Reference { return s.reference }

// SetReference shows a reference; nil removes it.
func (s *State) SetReference(r *Reference) {
	s.reference = r
	s.referenceFields = map[Class]*volume.Volume{}
	s.mark(ChangedReference | ChangedLayer)
}

// ReferenceHidden reports whether the reference's lines are hidden.
func (s *State) ReferenceHidden() bool { return s.referenceHidden }

// HideReference hides or shows the reference's lines.
func (s *State) HideReference(hide bool) {
	s.referenceHidden = hide
	s.mark(ChangedReference | ChangedLayer)
}

// ReferenceField returns 1 where the reference has a class and 0 elsewhere, or nil.
func (s *State) ReferenceField(c Class) *volume.Volume {
	f, known := s.referenceFields[c]
	if !known {
		if m, labels := s.reference.Mask(c); m != nil {
			f = render.MaskField(m, labels...)
		}
		s.referenceFields[c] = f
	}
	return f
}

// SetOffset shifts the display of a series by mm (LPS), as a correction for motion between series;
// zero takes it back. Values of the series stay as they are: only where they are shown changes.
func (s *State) SetOffset(seriesID string, mm geom.Vec3) {
	if !mm.Finite() || s.offsets[seriesID] == mm {
		return
	}
	s.offsets[seriesID] = mm
	delete(s.shifted, seriesID)
	if mm == (geom.Vec3{}) {
		delete(s.offsets, seriesID)
	}
	s.mark(ChangedCamera | ChangedWindow)
}

// Offset returns the shift of a series' display, mm (LPS).
func (s *State) Offset(seriesID string) geom.Vec3 { return s.offsets[seriesID] }

// Volume returns the image of the series in a viewport, where it is displayed: shifted by
// [State.Offset]; nil where the viewport shows none.
func (s *State) Volume(v int) *volume.Volume { return s.Displayed(s.Series(v)) }

// Displayed returns the image of a series where it is displayed: shifted by [State.Offset]; nil for no series or
// one without an image. The voxels are shared with the series.
func (s *State) Displayed(series *exam.Series) *volume.Volume {
	if series == nil || series.Volume == nil {
		return nil
	}
	by, moved := s.offsets[series.ID]
	if !moved {
		return series.Volume
	}
	if _, ok := s.shifted[series.ID]; !ok {
		s.shifted[series.ID] = series.Volume.MovedBy(by)
	}
	return s.shifted[series.ID]
}
