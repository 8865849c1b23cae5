package viewstate

import (
	"slices"

	"bayeslice/internal/exam"

	"bayeslice/internal/lang"
)

// ViewportCount is the number of viewports. Every layout fills all of them.
const ViewportCount = 4

// Layout is an arrangement of the viewports and what each of them shows.
type Layout uint8

// Layouts, one per task of a user: reading an exam, reviewing contours, looking at the uncertainty,
// and comparing models.
const (
	Read Layout = iota
	Contour
	Uncertainty
	Compare
)

// Layouts lists every layout in display order.
var Layouts = [...]Layout{Read, Contour, Uncertainty, Compare}

var layoutNames = [...]lang.Text{lang.Mark("Read"), lang.Mark("Contour"), lang.Mark("Uncertainty"), lang.Mark("Compare")}

// String returns the display name.
func (l Layout) String() string { return layoutNames[l].String() }

// MainLeft reports whether the first viewport is large, with the others beside it; else all are equal.
func (l Layout) MainLeft() bool { return l == Contour }

// PaneMap is which map a viewport draws over its image.
type PaneMap uint8

// Maps of viewports.
const (
	NoMap          PaneMap = iota
	SelectedMap            // the layer that the user selected
	ProbabilityMap         // the mean probability of the selected class
	UncertaintyMap         // the selected layer where it is one of uncertainty, else the entropy
)

// OwnResult is the [Content.Slot] of viewports that show the exam's own results, not a compared model.
const OwnResult = -1

// Content is what a layout puts into a viewport.
type Content struct {
	Role  exam.Role
	Lines bool // contours are drawn
	Map   PaneMap
	Slot  int  // the compared model whose results are drawn, or [OwnResult]
	Chart bool // histograms at the pinned voxel instead of an image
}

var contents = [len(Layouts)][ViewportCount]Content{
	Read: {
		{Role: exam.T2W, Slot: OwnResult},
		{Role: exam.ADC, Slot: OwnResult},
		{Role: exam.HighB, Slot: OwnResult},
		{Role: exam.T2W, Lines: true, Map: SelectedMap, Slot: OwnResult},
	},
	Contour: {
		{Role: exam.T2W, Lines: true, Map: SelectedMap, Slot: OwnResult},
		{Role: exam.ADC, Lines: true, Slot: OwnResult},
		{Role: exam.HighB, Lines: true, Slot: OwnResult},
		{Role: exam.T2W, Lines: true, Map: UncertaintyMap, Slot: OwnResult},
	},
	Uncertainty: {
		{Role: exam.T2W, Lines: true, Slot: OwnResult},
		{Role: exam.T2W, Map: ProbabilityMap, Slot: OwnResult},
		{Role: exam.T2W, Map: UncertaintyMap, Slot: OwnResult},
		{Role: exam.T2W, Slot: OwnResult, Chart: true},
	},
	Compare: {
		{Role: exam.T2W, Lines: true, Map: SelectedMap, Slot: 0},
		{Role: exam.T2W, Lines: true, Map: SelectedMap, Slot: 1},
		{Role: exam.T2W, Lines: true, Map: SelectedMap, Slot: 2},
		{Role: exam.T2W, Lines: true, Map: SelectedMap, Slot: 3},
	},
}

// Charted reports whether some layout puts histograms into a viewport.
func Charted(v int) bool {
	return slices.ContainsFunc(contents[:], func(of [ViewportCount]Content) bool { return of[v].Chart })
}

// Content returns what the present layout puts into a viewport. With [State.Everywhere] the results
// are drawn on every image.
func (s *State) Content(v int) Content {
	c := contents[s.layout][v]
	if s.everywhere && !c.Chart {
		c.Lines = true
		if c.Map == NoMap {
			c.Map = SelectedMap
		}
	}
	return c
}

// Everywhere reports whether contours and map are drawn on every image, not only where the layout puts them.
func (s *State) Everywhere() bool { return s.everywhere }

// SetEverywhere draws contours and map on every image, or only where the layout puts them.
func (s *State) SetEverywhere(on bool) {
	if s.everywhere != on {
		s.everywhere = on
		s.mark(ChangedLayer)
	}
}

// Layout returns the arrangement, and the viewport shown alone or −1.
func (s *State) Layout() (layout Layout, maximised int) { return s.layout, s.maximised }

// SetLayout chooses an arrangement and ends maximisation. Series that were put into viewports by hand
// give way to those of the layout.
func (s *State) SetLayout(l Layout) {
	if int(l) >= len(Layouts) {
		return
	}
	if l != s.layout {
		for v := range s.views {
			s.views[v].seriesID = ""
		}
	}
	s.layout, s.maximised = l, -1
	s.mark(ChangedLayout | ChangedWindow | ChangedLayer)
}

// ToggleMaximised shows a viewport alone, or all again.
func (s *State) ToggleMaximised(v int) {
	if s.maximised >= 0 {
		v = -1
	}
	s.maximised = v
	if v >= 0 {
		s.focus = v
	}
	s.mark(ChangedLayout)
}
