package paper

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// maxPixels bounds a picture of a page: 256 MB of RGBA.
const maxPixels = 64 << 20

// Image draws the page at a resolution in dots per inch, on white. It fails with [ErrPage].
func (p *Page) Image(dpi float64) (*image.RGBA, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	scale := dpi / 25.4
	w, h := math.Round(p.Width*scale), math.Round(p.Height*scale)
	if !(w >= 1 && h >= 1 && w*h <= maxPixels) {
		return nil, errors.Join(ErrPage, errors.New("a picture of it would be too small or too large"))
	}
	t, err := parsed()
	if err != nil {
		return nil, err
	}
	c := canvas{img: image.NewRGBA(image.Rect(0, 0, int(w), int(h))), scale: scale, fonts: t, faces: map[Style]font.Face{}}
	draw.Draw(c.img, c.img.Bounds(), image.White, image.Point{}, draw.Src)
	for _, m := range p.marks {
		switch {
		case m.text != nil:
			if err := c.text(m.text); err != nil {
				return nil, err
			}
		case m.fill != nil:
			draw.Draw(c.img, c.rect(m.fill.at), image.NewUniform(m.fill.color), image.Point{}, draw.Src)
		case m.picture != nil:
			xdraw.CatmullRom.Scale(c.img, c.rect(m.picture.at), m.picture.image, m.picture.image.Bounds(), draw.Over, nil)
		}
	}
	return c.img, nil
}

// canvas is a picture of a page under construction.
type canvas struct {
	img   *image.RGBA
	scale float64 // pixels per mm
	fonts *typefaces
	faces map[Style]font.Face
}

// rect brings a rectangle to whole pixels, one at least each way.
func (c *canvas) rect(r Rect) image.Rectangle {
	x0, y0 := int(math.Round(r.X*c.scale)), int(math.Round(r.Y*c.scale))
	x1, y1 := int(math.Round((r.X+r.W)*c.scale)), int(math.Round((r.Y+r.H)*c.scale))
	return image.Rect(x0, y0, max(x1, x0+1), max(y1, y0+1))
}

// text sets the characters one by one at the places that the PDF gives them: without kerning.
func (c *canvas) text(t *Text) error {
	key := t.Style
	key.Color = color.NRGBA{}
	face, ok := c.faces[key]
	if !ok {
		var err error
		face, err = opentype.NewFace(c.fonts.fonts[key.index()], &opentype.FaceOptions{Size: key.Points * MMPerPoint * c.scale, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return errors.Join(ErrPage, err)
		}
		c.faces[key] = face
	}
	ink := t.Style.Color
	ink.A = 255
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(ink), Face: face}
	x := t.X
	for _, r := range t.Line {
		d.Dot = fixed.Point26_6{X: fixed.Int26_6(math.Round(x * c.scale * 64)), Y: fixed.Int26_6(math.Round(t.Y * c.scale * 64))}
		d.DrawString(string(r))
		x += Width(t.Style, string(r))
	}
	return nil
}
