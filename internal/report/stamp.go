package report

import (
	"image"
	"image/draw"
)

// stampMargin is the free border inside a stamp, in ems of its type.
const stampMargin = 0.6

// Stamp returns a picture of what a window shows with the research-use line under it, so that the line covers
// nothing and cannot be cut off unnoticed. Facts are lines above it, such as the model and its hash; they
// and program must not hold an identity. px is the size of the type in pixels; 0 chooses one for the width.
func Stamp(view image.Image, program string, px float64, facts ...string) (*image.RGBA, error) {
	size := view.Bounds().Size()
	if px <= 0 {
		px = min(max(float64(size.X)/70, 11), 30)
	}
	pad := int(stampMargin * px)
	st, soft := style{px: px, bold: true, color: ink}, style{px: px, color: faint}
	width := max(size.X, int(20*px))
	probe, err := newSheet(1, 1)
	if err != nil {
		return nil, err
	}
	type line struct {
		text string
		st   style
	}
	var lines []line
	for _, fact := range append(facts, program) {
		for _, l := range probe.wrap(soft, fact, width-2*pad) {
			lines = append(lines, line{l, soft})
		}
	}
	for _, l := range probe.wrap(st, Disclaimer, width-2*pad) {
		lines = append(lines, line{l, st})
	}
	step := int(1.4 * px)
	s, err := newSheet(width, size.Y+2*pad+step*len(lines))
	if err != nil {
		return nil, err
	}
	draw.Draw(s.img, image.Rectangle{Max: size}, view, view.Bounds().Min, draw.Over)
	for n, l := range lines {
		s.text(pad, size.Y+pad+step*n+int(px), l.st, left, s.ellipsis(l.st, l.text, width-2*pad))
	}
	return s.img, nil
}
