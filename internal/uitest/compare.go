package uitest

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
)

// Tolerance of [Compare]. References are kept at half the logical size, so that the smoothing of letters and lines,
// which differs between machines, hardly counts.
const (
	toleranceLevels = 32    // of 255, by which a channel of a pixel may differ
	toleranceShare  = 0.004 // of all pixels that may differ by more
	tile            = 16    // side of the squares that are looked at one by one, pixels of the reference
	toleranceTile   = 0.30  // of a square's pixels that may differ by more
)

// Reduce returns the mean of every k × k pixels, which is what references hold; what is left at the edges is
// dropped. Values are rounded to multiples of 24, less than the tolerance, which halves the files.
func Reduce(img *image.RGBA, k int) *image.RGBA {
	size := img.Rect.Size().Div(k)
	out := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			var sum [3]int
			for dy := range k {
				row := img.Pix[img.PixOffset(img.Rect.Min.X+x*k, img.Rect.Min.Y+y*k+dy):]
				for i := 0; i < 4*k; i += 4 {
					sum[0], sum[1], sum[2] = sum[0]+int(row[i]), sum[1]+int(row[i+1]), sum[2]+int(row[i+2])
				}
			}
			for c := range sum {
				sum[c] = min(255, (sum[c]/(k*k)+12)/24*24)
			}
			out.SetRGBA(x, y, color.RGBA{uint8(sum[0]), uint8(sum[1]), uint8(sum[2]), 255})
		}
	}
	return out
}

// Mask paints rectangles of a picture grey, so that what varies from run to run is not compared.
func Mask(img *image.RGBA, masked ...image.Rectangle) {
	for _, r := range masked {
		r = r.Intersect(img.Rect)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				img.SetRGBA(x, y, color.RGBA{64, 64, 64, 255})
			}
		}
	}
}

// Compare returns an error that says where two reduced pictures differ by more than the tolerance, or nil: in size, in
// more than 0.4 % of all pixels, or in more than 30 % of a square of 16 × 16.
func Compare(got, want *image.RGBA) error {
	if got.Rect != want.Rect {
		return fmt.Errorf("uitest: the picture has %v pixels, its reference %v", got.Rect.Size(), want.Rect.Size())
	}
	bounds, all := got.Rect, 0
	worst, where := 0.0, image.Rectangle{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y += tile {
		for x := bounds.Min.X; x < bounds.Max.X; x += tile {
			square := image.Rect(x, y, x+tile, y+tile).Intersect(bounds)
			n := countDifferent(got, want, square)
			all += n
			if share := float64(n) / (tile * tile); share > worst {
				worst, where = share, square
			}
		}
	}
	share := float64(all) / float64(bounds.Dx()*bounds.Dy())
	if share <= toleranceShare && worst <= toleranceTile {
		return nil
	}
	return fmt.Errorf("uitest: %.2f %% of the pixels differ from the reference (allowed: %.2f %%), and %.0f %% of those at %v (allowed: %.0f %%)",
		100*share, 100*toleranceShare, 100*worst, where, 100*toleranceTile)
}

// countDifferent counts pixels that differ by more than the tolerance.
func countDifferent(a, b *image.RGBA, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		p, q := a.Pix[a.PixOffset(r.Min.X, y):], b.Pix[b.PixOffset(r.Min.X, y):]
		for i := 0; i < 4*r.Dx(); i += 4 {
			for c := range 3 {
				if abs(int(p[i+c])-int(q[i+c])) > toleranceLevels {
					n++
					break
				}
			}
		}
	}
	return n
}

// Differences returns a picture of where two reduced pictures differ: red on the darkened reference.
func Differences(got, want *image.RGBA) *image.RGBA {
	out := image.NewRGBA(want.Rect)
	for y := want.Rect.Min.Y; y < want.Rect.Max.Y; y++ {
		for x := want.Rect.Min.X; x < want.Rect.Max.X; x++ {
			c := want.RGBAAt(x, y)
			out.SetRGBA(x, y, color.RGBA{c.R / 3, c.G / 3, c.B / 3, 255})
			if image.Pt(x, y).In(got.Rect) && countDifferent(got, want, image.Rect(x, y, x+1, y+1)) > 0 {
				out.SetRGBA(x, y, color.RGBA{255, 40, 40, 255})
			}
		}
	}
	return out
}

// ReadReference reads a reference picture. It fails with [fs.ErrNotExist] where there is none.
func ReadReference(path string) (*image.RGBA, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("uitest: %w: make the references with -update and look at them", err)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	img, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("uitest: %s: %w", path, err)
	}
	out := image.NewRGBA(img.Bounds())
	for y := out.Rect.Min.Y; y < out.Rect.Max.Y; y++ {
		for x := out.Rect.Min.X; x < out.Rect.Max.X; x++ {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out, nil
}
