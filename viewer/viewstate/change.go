package viewstate

// Change is a set of things that differ since the last notification.
type Change uint32

// Changes. Each bit names what has to be drawn anew, not which method was called.
const (
	ChangedExam       Change = 1 << iota // another exam, or other series in its roles
	ChangedCursor                        // cursor position, hence slices
	ChangedCamera                        // zoom or pan of some viewport
	ChangedWindow                        // grey window of some series
	ChangedLayer                         // layer, class, contours, opacity, threshold, visibility
	ChangedPrediction                    // a prediction appeared, was refined or was dropped
	ChangedLayout                        // arrangement, maximised or focused viewport, series of a viewport
	ChangedProbe                         // the pinned voxel
	ChangedTexts                         // corner texts or crosshair shown or hidden
	ChangedTool                          // active tool, hence mode
	ChangedMarks                         // what extensions draw over the images
	ChangedReference                     // the reference appeared, changed or was dropped
	ChangedCompared                      // a compared model or its result
	ChangedLabels                        // the labels being edited
)

// ChangedPicture has the bits after which images are drawn anew.
const ChangedPicture = ChangedExam | ChangedCursor | ChangedCamera | ChangedWindow | ChangedLayer | ChangedPrediction |
	ChangedLayout | ChangedReference | ChangedCompared | ChangedLabels

// ChangedAll has every bit.
const ChangedAll = ChangedLabels<<1 - 1

// Has reports whether any of the given bits is set.
func (c Change) Has(bits Change) bool { return c&bits != 0 }

// Listen adds a function that is called once after each change, or once after each [State.Update]
// with the union of what changed in it. It must not change the state.
func (s *State) Listen(f func(Change)) { s.listeners = append(s.listeners, f) }

// Update runs f, and notifies once for everything f changed. Calls may be nested; the outermost notifies.
func (s *State) Update(f func()) {
	s.depth++
	defer func() {
		s.depth--
		s.flush()
	}()
	f()
}

// mark records changes and notifies unless an update is under way.
func (s *State) mark(c Change) {
	s.pending |= c
	s.flush()
}

func (s *State) flush() {
	if s.depth > 0 || s.pending == 0 {
		return
	}
	c := s.pending
	s.pending = 0
	for _, f := range s.listeners {
		f(c)
	}
}
