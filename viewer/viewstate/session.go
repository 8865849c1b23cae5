package viewstate

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	sessionfile "bayeslice/internal/session"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// Names under which choices are stored: the same in every language.
var (
	layoutKeys  = []string{Read: "read", Contour: "contour", Uncertainty: "uncertainty", Compare: "compare"}
	layerKeys   = []string{NoLayer: "none", Probability: "probability", StandardDeviation: "sd", Entropy: "entropy", MutualInformation: "mutual-information"}
	contourKeys = []string{NoContours: "none", Outlines: "outlines", Bands: "bands"}
	textsKeys   = []string{AllTexts: "all", EssentialTexts: "essential", NoTexts: "none"}
	toolKeys    = []string{Browse: "browse", WindowRegion: "window-region", Ruler: "ruler", Ellipsoid: "ellipsoid", Region: "region",
		DarkestNine: "darkest-nine", Brush: "brush", Eraser: "eraser", Polygon: "polygon", Lasso: "lasso"}
	roleKeys = map[string]exam.Role{"t2w": exam.T2W, "high-b": exam.HighB, "adc": exam.ADC}
)

// savedView is a viewport in a session file.
type savedView struct {
	Series  string     `json:"series,omitempty"` // Series.ID put there by hand
	Centre  [3]float64 `json:"centre"`           // LPS mm
	FieldMM float64    `json:"fieldMM"`
	Fitted  bool       `json:"fitted,omitempty"`
	FitFrom int        `json:"fitFrom,omitempty"`
	Size    [2]int     `json:"size"` // device pixels, to which a fit belongs
}

// savedOverlays is what lies over the images.
type savedOverlays struct {
	NoContours  bool   `json:"noContours,omitempty"`
	NoLayer     bool   `json:"noLayer,omitempty"`
	NoReference bool   `json:"noReference,omitempty"`
	Crosshair   bool   `json:"crosshair"`
	Texts       string `json:"texts"`
}

// savedState is the section of a session file that this package writes.
type savedState struct {
	Layout      string                `json:"layout"`
	Maximised   int                   `json:"maximised"` // −1 for none
	Focus       int                   `json:"focus"`
	Everywhere  bool                  `json:"everywhere,omitempty"`
	LinkCameras bool                  `json:"linkCameras"`
	Views       []savedView           `json:"views"`
	Cursor      [3]float64            `json:"cursor"` // LPS mm
	Pinned      *[3]float64           `json:"pinned,omitempty"`
	Windows     map[string][2]float64 `json:"windows,omitempty"` // level and width by Series.ID
	Offsets     map[string][3]float64 `json:"offsets,omitempty"` // mm, by Series.ID
	Layer       string                `json:"layer"`
	Contours    string                `json:"contours"`
	Class       string                `json:"class"`
	Opacity     float64               `json:"opacity"`
	Threshold   float64               `json:"threshold"`
	Overlays    savedOverlays         `json:"overlays"`
	Kept        *savedOverlays        `json:"kept,omitempty"` // as it was before everything was hidden
	Tool        string                `json:"tool"`
	LastTool    string                `json:"lastTool"`
	Roles       map[string]string     `json:"roles,omitempty"` // Series.ID by role
}

// section makes a State part of a session file.
type section struct{ s *State }

// SessionSection returns the part of a session that the state itself is: layout, views, cursor, windows,
// layers, tool. Restoring it needs the same exam to be open.
func (s *State) SessionSection() sessionfile.Section { return section{s} }

// SectionName implements [sessionfile.Section].
func (section) SectionName() string { return "view" }

// SaveSection implements [sessionfile.Section].
func (x section) SaveSection() (any, error) {
	s := x.s
	if s.exam == nil {
		return nil, nil //nolint:nilnil // nothing to remember
	}
	out := savedState{
		Layout: layoutKeys[s.layout], Maximised: s.maximised, Focus: s.focus, Everywhere: s.everywhere, LinkCameras: s.linkCameras,
		Cursor: s.cursor, Windows: map[string][2]float64{}, Offsets: map[string][3]float64{},
		Layer: layerKeys[s.layer], Contours: contourKeys[s.contours], Class: s.class.String(), Opacity: s.opacity, Threshold: s.threshold,
		Overlays: saveOverlays(overlays{s.hidden, s.layerHidden, s.referenceHidden, s.crosshair, s.texts}),
		Tool:     toolKeys[s.tool], LastTool: toolKeys[s.lastTool], Roles: map[string]string{},
	}
	if s.kept != nil {
		k := saveOverlays(*s.kept)
		out.Kept = &k
	}
	for _, v := range s.views {
		out.Views = append(out.Views, savedView{v.seriesID, v.camera.Centre, v.camera.FieldMM, v.fitted, v.fitFrom, [2]int{v.size.W, v.size.H}})
	}
	if s.pinned != nil {
		p := [3]float64(*s.pinned)
		out.Pinned = &p
	}
	for id, mm := range s.offsets {
		out.Offsets[id] = mm
	}
	for id, w := range s.windows {
		out.Windows[id] = [2]float64{w.Level, w.Width}
	}
	for name, role := range roleKeys {
		if c := s.exam.Chosen(role); c != nil {
			out.Roles[name] = c.ID
		}
	}
	return out, nil
}

func saveOverlays(o overlays) savedOverlays {
	return savedOverlays{o.contours, o.layer, o.reference, o.crosshair, textsKeys[o.texts]}
}

// SavedRoles returns which series had which role in a session's section of the state, by Series.ID, so
// that the exam can be given them before the rest is restored.
func SavedRoles(data json.RawMessage) (map[exam.Role]string, error) {
	var in savedState
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("viewstate: the views of the session: %w", err)
	}
	out := map[exam.Role]string{}
	for name, id := range in.Roles {
		if role, ok := roleKeys[name]; ok {
			out[role] = id
		}
	}
	return out, nil
}

// errSaved marks stored views that cannot be shown.
var errSaved = errors.New("viewstate: the views of the session are damaged")

// RestoreSection implements [sessionfile.Section]. Series that the exam no longer has are told after the rest
// was restored.
func (x section) RestoreSection(data json.RawMessage) error {
	var in savedState
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("%w: %w", errSaved, err)
	}
	if x.s.exam == nil {
		return fmt.Errorf("%w: no exam is open", errSaved)
	}
	c, err := in.check()
	if err != nil {
		return err
	}
	missing := 0
	x.s.Update(func() { missing = x.s.restore(in, c) })
	if missing > 0 {
		return fmt.Errorf("viewstate: %d series of the session are not in the exam any more; their windows and places are left out", missing)
	}
	return nil
}

// choices are the named choices of a stored state.
type choices struct {
	layout         Layout
	layer          Layer
	contours       Contours
	class          Class
	tool, lastTool Tool
	overlays       overlays
	kept           *overlays
}

// check turns names into choices and refuses numbers that cannot be shown.
func (in savedState) check() (c choices, err error) {
	find := func(list []string, name, what string) int {
		at := slices.Index(list, name)
		if at < 0 && err == nil {
			err = fmt.Errorf("%w: no %s %q", errSaved, what, name)
		}
		return max(at, 0)
	}
	over := func(o savedOverlays) overlays {
		return overlays{o.NoContours, o.NoLayer, o.NoReference, o.Crosshair, Texts(find(textsKeys, o.Texts, "texts"))}
	}
	c.layout = Layout(find(layoutKeys, in.Layout, "layout"))
	c.layer = Layer(find(layerKeys, in.Layer, "layer"))
	c.contours = Contours(find(contourKeys, in.Contours, "contours"))
	c.class = Class(find(classNames[:], in.Class, "class"))
	c.tool, c.lastTool = Tool(find(toolKeys, in.Tool, "tool")), Tool(find(toolKeys, in.LastTool, "tool"))
	c.overlays = over(in.Overlays)
	if in.Kept != nil {
		k := over(*in.Kept)
		c.kept = &k
	}
	if err == nil {
		err = in.checkNumbers()
	}
	return c, err
}

func (in savedState) checkNumbers() error {
	switch {
	case len(in.Views) != ViewportCount:
		return fmt.Errorf("%w: %d views instead of %d", errSaved, len(in.Views), ViewportCount)
	case in.Maximised < -1 || in.Maximised >= ViewportCount || in.Focus < 0 || in.Focus >= ViewportCount:
		return fmt.Errorf("%w: view %d alone, view %d focused", errSaved, in.Maximised, in.Focus)
	case in.Opacity < 0 || in.Opacity > 1 || in.Threshold < 0 || in.Threshold > 0.95:
		return fmt.Errorf("%w: opacity %g, threshold %g", errSaved, in.Opacity, in.Threshold)
	}
	for _, v := range in.Views {
		if v.FieldMM < MinFieldMM || v.FieldMM > MaxFieldMM || v.FitFrom < 0 || v.FitFrom >= ViewportCount {
			return fmt.Errorf("%w: a view of %g mm", errSaved, v.FieldMM)
		}
	}
	for _, w := range in.Windows {
		if !(w[1] > 0) {
			return fmt.Errorf("%w: a grey window of width %g", errSaved, w[1])
		}
	}
	return nil
}

// restore applies a checked state, and returns how many series it names that the exam does not have.
func (s *State) restore(in savedState, c choices) (missing int) {
	known := map[string]bool{"": true}
	for _, series := range s.exam.Series {
		known[series.ID] = series.Volume != nil
	}
	lost := map[string]bool{}
	has := func(id string) bool {
		if !known[id] {
			lost[id] = true
		}
		return known[id]
	}
	s.layout, s.maximised, s.focus, s.everywhere, s.linkCameras = c.layout, in.Maximised, in.Focus, in.Everywhere, in.LinkCameras
	s.layer, s.contours, s.class, s.opacity, s.threshold = c.layer, c.contours, c.class, in.Opacity, in.Threshold
	s.show(c.overlays)
	s.kept, s.tool, s.lastTool, s.cursor, s.pinned = c.kept, c.tool, c.lastTool, in.Cursor, nil
	if in.Pinned != nil {
		p := geom.Vec3(*in.Pinned)
		s.pinned = &p
	}
	s.windows, s.offsets, s.shifted = map[string]render.Window{}, map[string]geom.Vec3{}, map[string]*volume.Volume{}
	for id, w := range in.Windows {
		if has(id) {
			s.windows[id] = render.Window{Level: w[0], Width: w[1]}
		}
	}
	for id, mm := range in.Offsets {
		if has(id) {
			s.offsets[id] = mm
		}
	}
	for v, saved := range in.Views {
		view := &s.views[v]
		view.seriesID = ""
		if has(saved.Series) {
			view.seriesID = saved.Series
		}
		view.camera, view.fitted, view.fitFrom = Camera{saved.Centre, saved.FieldMM}, saved.Fitted, saved.FitFrom
	}
	for v, saved := range in.Views { // a fit follows the size that the window has now
		if s.views[v].fitted && s.views[v].size != (Size{saved.Size[0], saved.Size[1]}) {
			s.fit(v, s.views[v].fitFrom)
		}
	}
	s.mark(ChangedAll)
	return len(lost)
}

// show applies what lies over the images.
func (s *State) show(o overlays) {
	s.hidden, s.layerHidden, s.referenceHidden, s.crosshair, s.texts = o.contours, o.layer, o.reference, o.crosshair, o.texts
}
