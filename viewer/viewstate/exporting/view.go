package exporting

import (
	"image"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/report"
	"bayeslice/viewer/viewstate"
)

// Viewport is where a viewport stands in the view, device pixels.
type Viewport struct {
	Index int
	At    image.Rectangle
}

// View returns what viewports show, for a picture without names. legendTexts are what the window writes beside a
// legend: what it is of, and its two ends. It is cheap: nothing is drawn.
func View(s *viewstate.State, viewports []Viewport, scale float64, legendTexts func(viewstate.Legend) (what, low, high string)) report.View {
	v := report.View{Scale: scale}
	var all image.Rectangle
	for _, p := range viewports {
		all = all.Union(p.At)
	}
	v.Size = all.Size()
	for _, p := range viewports {
		pane := pane(s, p.Index, scale, legendTexts)
		pane.At = p.At.Sub(all.Min)
		v.Panes = append(v.Panes, pane)
	}
	return v
}

// pane is one viewport of the view.
func pane(s *viewstate.State, i int, scale float64, legendTexts func(viewstate.Legend) (what, low, high string)) report.Pane {
	p := report.Pane{Title: title(s, i)}
	scene, ok := s.Scene(i)
	if !ok {
		p.Note = lang.T("No image")
		if s.Content(i).Chart {
			p.Title, p.Note = "", lang.T("Histograms are not part of pictures of the view.")
		}
		return p
	}
	p.Scene = scene
	if texts := s.SliceTexts(i); len(texts) > 0 {
		p.Slice = texts[0]
	}
	p.Zoom, p.Letters, p.Banner = s.ZoomText(i), s.EdgeLetters(i), banner(s, i)
	if l, ok := s.LegendIn(i); ok {
		what, low, high := legendTexts(l)
		p.Legend = &report.Legend{Map: l.Map, What: what, Low: low, High: high}
	}
	for _, m := range s.Marks(i) {
		if drawn, ok := mark(s, i, m, scale); ok {
			p.Marks = append(p.Marks, drawn)
		}
	}
	return p
}

// title is that of the viewport. A series without a role is named by its number: its description is free text.
func title(s *viewstate.State, i int) string {
	if series := s.Series(i); series != nil && s.Role(i) == exam.RoleUnknown && s.Content(i).Slot == viewstate.OwnResult {
		return lang.T("Series %s", series.ID)
	}
	return s.Title(i)
}

// banner says what the picture must not be taken for.
func banner(s *viewstate.State, i int) string {
	var parts []string
	if series := s.Series(i); series != nil && series.Synthetic {
		parts = append(parts, lang.T("SYNTHETIC"))
	}
	switch f := s.Flags(); {
	case f.Untrained:
		parts = append(parts, lang.T("UNTRAINED"))
	case f.SyntheticOnly:
		parts = append(parts, lang.T("TRAINED ON PHANTOMS"))
	}
	if note := s.FrameNote(i); note != "" {
		parts = append(parts, note)
	}
	for _, note := range s.Notes(i) {
		parts = append(parts, strings.TrimPrefix(note, "★ ")) // the typeface of pictures has no star
	}
	return strings.Join(parts, " · ")
}

// mark brings a mark to the pixels of the picture; ok is false where it is not on the shown slice.
func mark(s *viewstate.State, i int, m viewstate.Mark, scale float64) (out report.PaneMark, ok bool) {
	width := m.Width
	if width == 0 {
		width = 1.5
	}
	out = report.PaneMark{Closed: m.Closed, Spots: m.Spots, Radius: m.Radius * s.PixelsPerMM(i) * scale, Color: m.Color, Width: width * scale, Label: m.Label}
	for _, world := range m.Points {
		x, y, ok := s.PositionOf(i, world)
		if !ok {
			return report.PaneMark{}, false
		}
		out.Points = append(out.Points, [2]float64{x * scale, y * scale})
	}
	return out, len(out.Points) > 0
}
