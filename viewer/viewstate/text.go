package viewstate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"bayeslice/internal/align"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/render"
)

// Title returns the large label of a viewport: the role, and always the b-value or the b-values an
// ADC map was computed from.
func (s *State) Title(v int) string {
	content := s.Content(v)
	switch series := s.Series(v); {
	case content.Chart:
		return lang.T("Histograms")
	case content.Slot != OwnResult:
		if c := s.Compared(content.Slot); c.Title != "" {
			return c.Title
		}
		return lang.T("No model")
	case series == nil:
		return s.Role(v).String()
	case s.layout == Read && content.Lines && !s.everywhere && len(s.predictions) > 0:
		return lang.T("%s + result", SeriesTitle(s.Role(v), series))
	default:
		return SeriesTitle(s.Role(v), series)
	}
}

// SeriesTitle names a series in a role for a reader: "T2W", "DWI b 1000 (calculated)", "ADC (b 50–800)".
func SeriesTitle(role exam.Role, series *exam.Series) string {
	var label string
	switch {
	case role == exam.ADC:
		label = "ADC"
		if n := len(series.SourceBs); n > 0 {
			label += fmt.Sprintf(" (b %.0f–%.0f)", series.SourceBs[0], series.SourceBs[n-1])
		}
	case series.HasB:
		label = fmt.Sprintf("DWI b %.0f", series.B)
		if series.Calculated {
			label += " " + lang.T("(calculated)")
		}
	case role == exam.RoleUnknown:
		label = series.Description
	default:
		label = role.String()
	}
	return label
}

// SliceTexts returns the corner text of a viewport, the fullest first: "12/19 · S +8.4 mm · W525 L290",
// "12/19 · S +8.4 mm", "12/19"; of a tilted stack, whose positions lie along its slope, also "12/19 · +8.4 mm along the
// stack · W525 L290". The slice number counts from 1 along the stack. A cursor beyond the stack
// is always said, since then the slice shown is not at the cursor. It is nil where there is no image.
func (s *State) SliceTexts(v int) []string {
	if s.Series(v) == nil {
		return nil
	}
	g := s.Volume(v).Grid()
	at := SliceAt(g, s.cursor)
	w := s.Window(v)
	beyond := ""
	if !at.Inside {
		beyond = " · " + lang.T("cursor %.0f mm beyond", math.Abs(at.OffsetMM))
	}
	number := fmt.Sprintf("%d/%d", at.Index+1, g.Size[2])
	window := fmt.Sprintf(" · W%s L%s", short(w.Width), short(w.Level))
	place := number + " · " + SlicePosition(g, at.Index)
	texts := []string{place + window + beyond, place + beyond, number + beyond}
	if tilt(g) >= notableTilt { // along the stack, which is another number than the cursor's
		texts = slices.Insert(texts, 0, number+" · "+lang.T("%s along the stack", SlicePosition(g, at.Index))+window+beyond)
	}
	return texts
}

// notableTilt is the angle, degrees, from which a stack counts as tilted.
const notableTilt = 1

// tilt is the angle between a stack's normal and the body axis nearest to it, degrees.
func tilt(g geom.Grid) float64 {
	n := g.Normal()
	return math.Acos(math.Min(1, math.Abs(n[dominant(n)]))) * 180 / math.Pi
}

// ZoomText returns the magnification and, for stacks that are not along a body axis, the tilt.
func (s *State) ZoomText(v int) string {
	if s.Series(v) == nil {
		return ""
	}
	text := fmt.Sprintf("%.0f %%", s.ZoomPercent(v))
	if angle := tilt(s.Volume(v).Grid()); angle >= notableTilt {
		text += " · " + lang.T("tilt %.1f°", angle)
	}
	return text
}

// EdgeLetters returns the patient sides at the edges of a viewport.
func (s *State) EdgeLetters(v int) render.Edges {
	if s.Series(v) == nil {
		return render.Edges{}
	}
	return render.EdgeLetters(s.Plane(v))
}

// FrameNote says where a viewport's link to the others is not what the files say: the display is
// shifted by hand, or the series has another frame of reference than the T2W series, so that the link
// rests on an assumption; "" where the frames agree or one is unknown.
func (s *State) FrameNote(v int) string {
	series := s.Series(v)
	if series == nil {
		return ""
	}
	if note := s.OffsetNote(series.ID); note != "" {
		return note
	}
	t2 := s.exam.Chosen(exam.T2W)
	if t2 == nil || t2.FrameOfReference == "" || series.FrameOfReference == "" || t2.FrameOfReference == series.FrameOfReference {
		return ""
	}
	return lang.T("other frame of reference than T2W")
}

// OffsetNote names the shift by hand of a series' display; "" where there is none.
func (s *State) OffsetNote(seriesID string) string {
	if by := s.Offset(seriesID); by != (geom.Vec3{}) {
		return s.offsetNote(by)
	}
	return ""
}

// offsetNote names a shift of the display by the patient's sides, along the slices and the slice normal of T2W, e.g.
// "shifted by hand 1.5 L, 3.0 H mm".
func (s *State) offsetNote(by geom.Vec3) string {
	f := align.Frame{Left: geom.Vec3{1, 0, 0}, Back: geom.Vec3{0, 1, 0}, Head: geom.Vec3{0, 0, 1}}
	if t2 := s.exam.Chosen(exam.T2W); t2 != nil && t2.Volume != nil {
		f = align.FrameOf(t2.Volume.Grid())
	}
	var parts []string
	for _, axis := range []struct {
		to          geom.Vec3
		plus, minus string
	}{{f.Left, "L", "R"}, {f.Back, "P", "A"}, {f.Head, "H", "F"}} {
		mm, side := math.Round(by.Dot(axis.to)*1e6)/1e6, axis.plus // rounded as the offset of the panel is, so that both read the same
		if mm < 0 {
			mm, side = -mm, axis.minus
		}
		if mm >= 0.05 {
			parts = append(parts, fmt.Sprintf("%.1f %s", mm, side))
		}
	}
	return lang.T("shifted by hand %s mm", strings.Join(parts, ", "))
}

// StatusText returns the line about the cursor: position and the value in each series.
func (s *State) StatusText(world geom.Vec3) string {
	if s.exam == nil {
		return ""
	}
	parts := []string{PositionText(world)}
	for _, v := range s.Probe(world) {
		parts = append(parts, v.Label+" "+v.Text)
	}
	return strings.Join(parts, "   ·   ")
}

// short writes a window's number with three or more significant digits, without an exponent.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100 || a == 0:
		return strings.Replace(fmt.Sprintf("%.0f", v), "-", "−", 1)
	case a >= 1:
		return strings.Replace(fmt.Sprintf("%.1f", v), "-", "−", 1)
	}
	return strings.Replace(fmt.Sprintf("%.3g", v), "-", "−", 1)
}
