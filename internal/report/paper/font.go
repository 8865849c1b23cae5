package paper

import (
	"fmt"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// Extent of the letters above and below the baseline, as a share of the size of type; those of Go.
const (
	ascent  = 0.95
	descent = 0.22
)

// missing stands for a character that the typeface lacks.
const missing = '□'

// typefaces are the two fonts, regular and bold, with the widths of their characters.
type typefaces struct {
	fonts  [2]*opentype.Font
	widths [2]map[rune]float64 // share of the size of type
}

// Fonts returns the two fonts in use, regular and bold. They may be shared between goroutines. It fails
// only where the program is damaged.
func Fonts() (regular, bold *opentype.Font, err error) {
	t, err := parsed()
	if err != nil {
		return nil, nil, err
	}
	return t.fonts[0], t.fonts[1], nil
}

// parsed reads the embedded fonts once per process.
var parsed = sync.OnceValues(func() (*typefaces, error) {
	var t typefaces
	for i, file := range [2][]byte{goregular.TTF, gobold.TTF} {
		f, err := opentype.Parse(file)
		if err != nil {
			return nil, fmt.Errorf("paper: font: %w", err)
		}
		t.fonts[i], t.widths[i] = f, widthsOf(f)
	}
	return &t, nil
})

// widthsOf measures every character of the basic plane that a font has: PDF fonts of this program name
// characters by 16 bits.
func widthsOf(f *opentype.Font) map[rune]float64 {
	out := map[rune]float64{}
	var buf sfnt.Buffer
	em := fixed.Int26_6(f.UnitsPerEm()) << 6
	for r := rune(0x20); r <= 0xFFFF; r++ {
		g, err := f.GlyphIndex(&buf, r)
		if err != nil || g == 0 {
			continue
		}
		if w, err := f.GlyphAdvance(&buf, g, em, font.HintingNone); err == nil {
			out[r] = float64(w) / float64(em)
		}
	}
	return out
}

// index is the font of a style.
func (s Style) index() int {
	if s.Bold {
		return 1
	}
	return 0
}

// Width returns the length of one line of text in millimetres.
func Width(st Style, line string) float64 {
	t, err := parsed()
	if err != nil {
		return 0 // writing the page will say so
	}
	widths, sum := t.widths[st.index()], 0.0
	for _, r := range line {
		w, ok := widths[r]
		if !ok {
			w = widths[missing]
		}
		sum += w
	}
	return sum * st.Points * MMPerPoint
}

// printable replaces what cannot be set: control characters by spaces, characters without a glyph by □.
func printable(line string) string {
	t, err := parsed()
	if err != nil {
		return line
	}
	out := make([]rune, 0, len(line))
	for _, r := range line {
		_, known := t.widths[0][r]
		switch {
		case unicode.IsControl(r) || unicode.Is(unicode.Zs, r):
			r = ' '
		case unicode.Is(unicode.Cf, r), r == '\uFEFF':
			continue // directions and joiners show nothing
		case !known:
			r = missing
		}
		out = append(out, r)
	}
	return string(out)
}
