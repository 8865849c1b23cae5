package report

import (
	"fmt"
	"image/color"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report/paper"
)

// Measures of the page, mm.
const (
	pageMargin = 12.0
	pageInner  = paper.A4Width - 2*pageMargin
	columnGap  = 6.0
	rowMM      = 3.65 // from line to line
)

// Ink on white paper. The colours of structures are those of the screen.
var (
	black    = color.NRGBA{20, 22, 26, 255}
	grey     = color.NRGBA{92, 98, 106, 255}
	hairline = color.NRGBA{196, 200, 206, 255}
	band     = color.NRGBA{238, 241, 245, 255}
	white    = color.NRGBA{255, 255, 255, 255}
)

// Type of the page.
var (
	titleType   = paper.Style{Points: 13.5, Bold: true, Color: black}
	headingType = paper.Style{Points: 8.5, Bold: true, Color: black}
	bodyType    = paper.Style{Points: 7.5, Color: black}
	strongType  = paper.Style{Points: 7.5, Bold: true, Color: black}
	smallType   = paper.Style{Points: 6.5, Color: grey}
)

// setter puts a report on a page.
type setter struct {
	*paper.Page
	of Page
}

// head sets the title, whose exam it is, and the research-use line, and returns where it ends.
func (s *setter) head() float64 {
	x := paper.A4Width - pageMargin
	if s.of.Exam.Synthetic {
		x = s.badge(x, pageMargin, "SYNTHETIC EXAM", notice) - 2
	}
	switch s.worstState() {
	case modelcard.Untrained:
		x = s.badge(x, pageMargin, "UNTRAINED MODEL", alarm) - 2
	case modelcard.SyntheticOnly:
		x = s.badge(x, pageMargin, "TRAINED ON PHANTOMS", notice) - 2
	case modelcard.Trained:
	}
	s.Text(pageMargin, pageMargin+5, titleType, paper.Left, paper.Shorten(titleType, "Prostate MRI: "+s.subject(), x-pageMargin-2))
	y := pageMargin + 11
	for _, line := range s.whose() {
		s.Text(pageMargin, y, bodyType, paper.Left, paper.Shorten(bodyType, line, pageInner))
		y += rowMM
	}
	lines := paper.Wrap(strongType, Disclaimer, pageInner-4)
	s.Fill(paper.Rect{X: pageMargin, Y: y - 1.5, W: pageInner, H: rowMM*float64(len(lines)) + 2}, band)
	for _, line := range lines {
		s.Text(pageMargin+2, y+1.9, strongType, paper.Left, line)
		y += rowMM
	}
	return y + 3.5
}

// subject says what was looked for.
func (s *setter) subject() string {
	var parts []string
	if s.of.of(modelcard.Anatomy) != nil {
		parts = append(parts, "zones")
	}
	if s.of.of(modelcard.Diagnosis) != nil {
		parts = append(parts, "suspected cancer")
	}
	return strings.Join(parts, " and ")
}

// worstState is the least trustworthy state of the models.
func (s *setter) worstState() modelcard.State {
	worst := modelcard.Trained
	for _, p := range s.of.Predictions {
		worst = min(worst, p.Card.State())
	}
	return worst
}

// badge writes white capitals on a plate that ends at x on the right, and returns where it starts.
func (s *setter) badge(x, y float64, text string, c color.NRGBA) float64 {
	st := paper.Style{Points: 8.5, Bold: true, Color: white}
	w := paper.Width(st, text) + 4
	s.Fill(paper.Rect{X: x - w, Y: y, W: w, H: 6.4}, c)
	s.Text(x-w+2, y+4.3, st, paper.Left, text)
	return x - w
}

// whose says in two or three lines which exam this is: by its hash, and by name only where that was asked for.
func (s *setter) whose() []string {
	e := s.of.Exam
	lines := []string{"De-identified: " + studyName(e)}
	if id := s.of.Identity; id != nil {
		lines[0] = identityLine(*id) + " · " + studyName(e)
	}
	if !s.of.Created.IsZero() {
		lines[0] += " · report of " + s.of.Created.Format("2006-01-02 15:04")
	}
	return append(lines, "Images: "+strings.Join(s.images(), " · "))
}

// identityLine says who the patient is, as the files say it.
func identityLine(id exam.Identity) string {
	var parts []string
	for _, f := range []struct{ name, value string }{{"Patient", id.PatientName}, {"ID", id.PatientID}, {"born", id.BirthDate}, {"study of", id.StudyDate}, {"at", id.Institution}} {
		if f.value != "" {
			parts = append(parts, f.name+" "+f.value)
		}
	}
	if len(parts) == 0 {
		return "The files name no patient"
	}
	return strings.Join(parts, " · ")
}

// images lists the series that were read.
func (s *setter) images() []string {
	var out []string
	for _, r := range exam.ReadingRoles {
		series := s.of.Exam.Chosen(r)
		if series == nil {
			continue
		}
		text := r.String()
		if r == exam.HighB && series.HasB {
			text += fmt.Sprintf(" b=%.0f", series.B)
			if series.Calculated {
				text += " (calculated)"
			}
		}
		if series.Volume != nil {
			text += ", " + gridWords(series.Volume.Grid())
		}
		out = append(out, text)
	}
	return out
}

// gridWords gives the size of voxels and the number of slices.
func gridWords(g geom.Grid) string {
	return fmt.Sprintf("%.2f × %.2f × %.1f mm, %d slices", g.Spacing[0], g.Spacing[1], g.Spacing[2], g.Size[2])
}

// foot sets the last line and returns where the room above it ends.
func (s *setter) foot() float64 {
	y := paper.A4Height - pageMargin
	s.Fill(paper.Rect{X: pageMargin, Y: y - 4, W: pageInner, H: 0.2}, hairline)
	program := paper.Shorten(smallType, s.of.Program, 50)
	w := s.Text(paper.A4Width-pageMargin, y, smallType, paper.Right, program)
	s.Text(pageMargin, y, smallType, paper.Left, paper.Shorten(smallType, "RESEARCH USE ONLY · volumes and intervals are over the samples of the model; they do not hold what the model does not know", pageInner-w-4))
	return y - 5
}

// track is a part of the page that is filled from the top. Lines that have no room are counted.
type track struct {
	s         *setter
	x, w      float64
	y, bottom float64
}

// room reports whether so many rows fit.
func (c *track) room(rows float64) bool { return c.y+rows*rowMM <= c.bottom }

// heading begins a part.
func (c *track) heading(text string) {
	c.s.Fill(paper.Rect{X: c.x, Y: c.y, W: c.w, H: 0.25}, hairline)
	c.y += rowMM + 0.6
	c.s.Text(c.x, c.y, headingType, paper.Left, paper.Shorten(headingType, text, c.w))
	c.y += rowMM + 0.2
}

// cell is one entry of a row: a text with its right or left end at a share of the column's width.
type cell struct {
	at    float64
	align paper.Align
	text  string
}

// row writes cells on one line.
func (c *track) row(st paper.Style, cells ...cell) {
	for _, e := range cells {
		c.s.Text(c.x+e.at*c.w, c.y, st, e.align, e.text)
	}
	c.y += rowMM
}

// pair writes a name and, at the right end, its value; a name too long for the line is shortened.
func (c *track) pair(name, value string) {
	value = paper.Shorten(bodyType, value, c.w*0.75)
	name = paper.Shorten(bodyType, name, c.w-paper.Width(bodyType, value)-2)
	c.row(bodyType, cell{0, paper.Left, name}, cell{1, paper.Right, value})
}

// note writes a wrapped text, at most so many lines, the last shortened.
func (c *track) note(st paper.Style, text string, most int) {
	lines := paper.Wrap(st, text, c.w)
	if fits := int((c.bottom - c.y) / rowMM); most > fits {
		most = fits
	}
	if most <= 0 {
		return
	}
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], paper.Shorten(st, strings.Join(lines[most-1:], " "), c.w))
	}
	for _, line := range lines {
		c.s.Text(c.x, c.y, st, paper.Left, line)
		c.y += rowMM - 0.45
	}
	c.y += 0.45
}

// gap leaves half a line.
func (c *track) gap() { c.y += rowMM / 2 }
