package viewer

import (
	"strings"

	"fyne.io/fyne/v2"
)

// banner says over an image what it must not be taken for. It takes one line where it can, and is broken where a viewport is
// too narrow: what it says is needed whole.
type banner struct {
	lines [3]*imageText
}

func newBanner() *banner {
	b := &banner{}
	for i := range b.lines {
		b.lines[i] = newImageText(textCaption+1, colorWarning, true)
	}
	return b
}

// text is what the banner says, its lines put together.
func (b *banner) text() string {
	var out []string
	for _, l := range b.lines {
		if l.text.Text != "" {
			out = append(out, l.text.Text)
		}
	}
	return strings.Join(out, noteGap)
}

// set shows the first of the texts, the fullest first, that fits in one line, else the last one broken.
func (b *banner) set(width float32, texts ...string) {
	first := b.lines[0].text
	fits := func(s string) bool { return fyne.MeasureText(s, first.TextSize, first.TextStyle).Width <= width }
	var lines []string
	for i, s := range texts {
		if fits(s) {
			lines = []string{s}
			break
		}
		if i == len(texts)-1 {
			lines = brokenNotes(s, len(b.lines), fits)
		}
	}
	for i, l := range b.lines {
		text := ""
		if i < len(lines) {
			text = lines[i]
		}
		l.setFitting(width, text)
	}
}

// show shows or hides the banner.
func (b *banner) show(visible bool) {
	for _, l := range b.lines {
		l.show(visible)
	}
}

// place puts the lines below each other, with the fraction ax of their widths at x.
func (b *banner) place(x, y, ax float32) {
	for _, l := range b.lines {
		l.place(x, y, ax, 0)
		y += l.text.Size().Height
	}
}

// overlaps reports whether a line lies over another text.
func (b *banner) overlaps(o *imageText) bool {
	for _, l := range b.lines {
		if l.overlaps(o) {
			return true
		}
	}
	return false
}

// bottom is where the last line ends, 0 where nothing is shown.
func (b *banner) bottom() float32 {
	var y float32
	for _, l := range b.lines {
		y = max(y, l.bottom())
	}
	return y
}

// noteGap stands between notes of a banner.
const noteGap = " · "

// brokenNotes breaks notes into at most so many lines that fit, between notes where it can, else between words. What is left for
// the last line stays whole.
func brokenNotes(notes string, most int, fits func(string) bool) []string {
	var lines []string
	line := ""
	add := func(piece, gap string) {
		switch {
		case line == "":
			line = piece
		case fits(line+gap+piece) || len(lines) == most-1:
			line += gap + piece
		default:
			lines, line = append(lines, line), piece
		}
	}
	for _, note := range strings.Split(notes, noteGap) {
		if fits(note) {
			add(note, noteGap)
			continue
		}
		gap := noteGap
		for _, word := range strings.Fields(note) {
			add(word, gap)
			gap = " "
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
