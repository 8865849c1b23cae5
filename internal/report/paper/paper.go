// Package paper sets one page of text, lines and pictures, and writes it as PDF or as a picture: both
// come from one list of what stands where, so that they show the same. Lengths are millimetres from
// the top left corner of the page, sizes of type are points. The typeface is Go (Bigelow & Holmes,
// BSD licence, embedded with golang.org/x/image), which has Latin, Greek and Cyrillic letters and the
// signs of mathematics in use here; it is part of the PDF, so that every reader shows the same.
// The package knows nothing of medicine, breaks no pages, and reads no clock.
package paper

import (
	"errors"
	"image"
	"image/color"
	"math"
	"strings"
)

// A4 in millimetres.
const (
	A4Width  = 210.0
	A4Height = 297.0
)

// MMPerPoint converts sizes of type to lengths on the page.
const MMPerPoint = 25.4 / 72

// ErrPage marks a page that cannot be written, since something on it has no place in a document.
var ErrPage = errors.New("paper: the page cannot be written")

// Style is how text looks.
type Style struct {
	Points float64 // size of type
	Bold   bool
	Color  color.NRGBA // the zero value is black
}

// Align says which end of a line of text stands at its x.
type Align uint8

// Alignments.
const (
	Left Align = iota
	Centre
	Right
)

// Rect is a part of a page, mm from its top left corner.
type Rect struct{ X, Y, W, H float64 }

// In reports whether the rectangle lies within another, with a tolerance of a hundredth of a millimetre.
func (r Rect) In(o Rect) bool {
	const tolerance = 0.01
	return r.X >= o.X-tolerance && r.Y >= o.Y-tolerance && r.X+r.W <= o.X+o.W+tolerance && r.Y+r.H <= o.Y+o.H+tolerance
}

// Overlaps reports whether two rectangles share an area.
func (r Rect) Overlaps(o Rect) bool {
	return r.X < o.X+o.W && o.X < r.X+r.W && r.Y < o.Y+o.H && o.Y < r.Y+r.H
}

// Text is one line of text as it stands on a page.
type Text struct {
	X, Y  float64 // left end of the baseline
	Style Style
	Line  string
	Box   Rect // what the letters may touch: from ascent to descent
}

// mark is one thing on a page: exactly one of its parts is set.
type mark struct {
	text    *Text
	fill    *filled
	picture *pasted
}

type filled struct {
	at    Rect
	color color.NRGBA
}

type pasted struct {
	at    Rect
	image image.Image
}

// Page is a page under construction; what is put on it later covers what was there. One goroutine.
type Page struct {
	Width, Height float64 // mm
	marks         []mark
}

// NewPage returns an empty white page.
func NewPage(width, height float64) *Page { return &Page{Width: width, Height: height} }

// Text writes one line with its baseline at y, and returns its width. Characters that the typeface
// lacks stand as □, line breaks and other control characters as spaces.
func (p *Page) Text(x, y float64, st Style, at Align, line string) float64 {
	line = printable(line)
	w := Width(st, line)
	switch at {
	case Centre:
		x -= w / 2
	case Right:
		x -= w
	case Left:
	}
	size := st.Points * MMPerPoint
	box := Rect{X: x, Y: y - ascent*size, W: w, H: (ascent + descent) * size}
	if line != "" {
		p.marks = append(p.marks, mark{text: &Text{X: x, Y: y, Style: st, Line: line, Box: box}})
	}
	return w
}

// Fill paints a rectangle in one opaque colour.
func (p *Page) Fill(at Rect, c color.NRGBA) {
	c.A = 255
	p.marks = append(p.marks, mark{fill: &filled{at: at, color: c}})
}

// Picture puts a picture, stretched to a rectangle. The picture must not change afterwards; where it is
// translucent the paper shines through.
func (p *Page) Picture(at Rect, img image.Image) {
	p.marks = append(p.marks, mark{picture: &pasted{at: at, image: img}})
}

// Texts returns every line on the page, in the order of writing.
func (p *Page) Texts() []Text {
	var out []Text
	for _, m := range p.marks {
		if m.text != nil {
			out = append(out, *m.text)
		}
	}
	return out
}

// Bounds returns the rectangle of the whole page.
func (p *Page) Bounds() Rect { return Rect{W: p.Width, H: p.Height} }

// check reports, as [ErrPage], a page without an area or a mark without a place.
func (p *Page) check() error {
	finite := func(values ...float64) bool {
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return false
			}
		}
		return true
	}
	if !finite(p.Width, p.Height) || p.Width <= 0 || p.Height <= 0 || p.Width > maxSide || p.Height > maxSide {
		return errors.Join(ErrPage, errors.New("its size is none"))
	}
	for _, m := range p.marks {
		switch {
		case m.text != nil && (!finite(m.text.X, m.text.Y, m.text.Style.Points) || m.text.Style.Points <= 0):
			return errors.Join(ErrPage, errors.New("a text has no place"))
		case m.fill != nil && !finite(m.fill.at.X, m.fill.at.Y, m.fill.at.W, m.fill.at.H):
			return errors.Join(ErrPage, errors.New("an area has no place"))
		case m.picture != nil && (m.picture.image == nil || m.picture.image.Bounds().Empty() || !finite(m.picture.at.X, m.picture.at.Y, m.picture.at.W, m.picture.at.H)):
			return errors.Join(ErrPage, errors.New("a picture is empty or has no place"))
		}
	}
	return nil
}

// maxSide bounds a page, mm.
const maxSide = 2000

// Wrap breaks a text into lines of at most w millimetres; a word that is longer is broken.
func Wrap(st Style, text string, w float64) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(printable(text)) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && Width(st, longer) > w {
			lines, longer = append(lines, line), word
		}
		for Width(st, longer) > w {
			head := prefix(st, longer, w)
			if head == longer {
				break
			}
			lines, longer = append(lines, head), longer[len(head):]
		}
		line = longer
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// prefix returns the longest beginning of a text that fits, one character at least.
func prefix(st Style, text string, w float64) string {
	end := 0
	for at, r := range text {
		next := at + len(string(r))
		if end > 0 && Width(st, text[:next]) > w {
			break
		}
		end = next
	}
	return text[:end]
}

// Shorten cuts a text to w millimetres and ends it in … where it was longer.
func Shorten(st Style, text string, w float64) string {
	text = printable(text)
	if Width(st, text) <= w {
		return text
	}
	head := prefix(st, text, w-Width(st, "…"))
	for head != "" && Width(st, head+"…") > w {
		runes := []rune(head)
		head = string(runes[:len(runes)-1])
	}
	return strings.TrimRight(head, " ") + "…"
}
