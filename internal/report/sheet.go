package report

import (
	"image"
	"image/color"
	"image/draw"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"bayeslice/internal/report/paper"
)

// Colours of the sheet itself; those of structures are in colors.go.
var (
	canvas = color.NRGBA{18, 20, 23, 255}
	plate  = color.NRGBA{30, 33, 38, 255}
	ink    = color.NRGBA{236, 238, 240, 255}
	faint  = color.NRGBA{160, 166, 174, 255}
	rule   = color.NRGBA{70, 76, 84, 255}
	alarm  = color.NRGBA{213, 94, 0, 255} // Okabe–Ito vermilion
	notice = color.NRGBA{0, 114, 178, 255}
)

// style is a typeface at a size and in a colour.
type style struct {
	px    float64
	bold  bool
	color color.NRGBA
}

// sheet is a picture under construction. One goroutine.
type sheet struct {
	img   *image.RGBA
	fonts [2]*opentype.Font // regular, bold
	faces map[style]font.Face
}

// newSheet returns an empty sheet of w×h pixels. It fails where the embedded fonts cannot be read.
func newSheet(w, h int) (*sheet, error) {
	regular, bold, err := paper.Fonts()
	if err != nil {
		return nil, err
	}
	s := &sheet{img: image.NewRGBA(image.Rect(0, 0, w, h)), fonts: [2]*opentype.Font{regular, bold}, faces: map[style]font.Face{}}
	s.fill(s.img.Bounds(), canvas)
	return s, nil
}

// face returns the font of a style; the colour does not matter.
func (s *sheet) face(st style) font.Face {
	st.color = color.NRGBA{}
	if f, ok := s.faces[st]; ok {
		return f
	}
	parsed := s.fonts[0]
	if st.bold {
		parsed = s.fonts[1]
	}
	f, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: st.px, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		panic("report: " + err.Error()) // the options above are constants that opentype accepts
	}
	s.faces[st] = f
	return f
}

// width returns the advance of a text in pixels.
func (s *sheet) width(st style, text string) int {
	return font.MeasureString(s.face(st), text).Ceil()
}

// alignment says which end of a text stands at the given x.
type alignment int

const (
	left alignment = iota
	centre
	right
)

// text writes one line with its baseline at y.
func (s *sheet) text(x, y int, st style, at alignment, text string) {
	switch w := s.width(st, text); at {
	case centre:
		x -= w / 2
	case right:
		x -= w
	case left:
	}
	d := font.Drawer{Dst: s.img, Src: image.NewUniform(st.color), Face: s.face(st), Dot: fixed.P(x, y)}
	d.DrawString(text)
}

// outlined writes one line with a dark rim, for text on images.
func (s *sheet) outlined(x, y int, st style, at alignment, text string) {
	rim := st
	rim.color = color.NRGBA{0, 0, 0, 200}
	for _, d := range []image.Point{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}, {2, 2}} {
		s.text(x+d.X, y+d.Y, rim, at, text)
	}
	s.text(x, y, st, at, text)
}

// wrap breaks a text into lines of at most w pixels; a longer word stays whole.
func (s *sheet) wrap(st style, text string, w int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && s.width(st, longer) > w {
			lines, longer = append(lines, line), word
		}
		line = longer
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// ellipsis shortens a text to w pixels.
func (s *sheet) ellipsis(st style, text string, w int) string {
	if s.width(st, text) <= w {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 && s.width(st, string(runes)+"…") > w {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// fill paints a rectangle; a translucent colour lets through what is there.
func (s *sheet) fill(r image.Rectangle, c color.NRGBA) {
	draw.Draw(s.img, r, image.NewUniform(c), image.Point{}, draw.Over)
}

// paste puts a picture with its top left corner at (x, y).
func (s *sheet) paste(x, y int, src image.Image) {
	draw.Draw(s.img, src.Bounds().Sub(src.Bounds().Min).Add(image.Pt(x, y)), src, src.Bounds().Min, draw.Src)
}

// badge writes white capitals on a coloured plate that ends at x on the right, and returns where it starts.
func (s *sheet) badge(x, y int, text string, c color.NRGBA) (start int) {
	st := style{px: 30, bold: true, color: color.NRGBA{255, 255, 255, 255}}
	const pad, height = 18, 52
	start = x - s.width(st, text) - 2*pad
	s.fill(image.Rect(start, y, x, y+height), c)
	s.text(start+pad, y+height-15, st, left, text)
	return start
}
