package dicom

import (
	"context"
	"io/fs"
	"math"
)

// LoadOptions of [Stack.Load].
type LoadOptions struct {
	Invert    bool   // mirror MONOCHROME1 values within their stored range, so that bright means bright
	RealWorld Unit   // apply the mapping to this unit, one of [Stack.RealWorldUnits], in place of the modality rescale and Invert
	Each      func() // called after every slice; nil: not
}

// Load reads the voxels on s.Grid, i fastest. Slices on a lattice position are taken as they are;
// a lattice position without a slice (Missing, Uneven) is interpolated linearly between its two
// neighbours along the normal. It fails with s.Problem, or where a file changed since it was scanned.
func (s *Stack) Load(ctx context.Context, fsys fs.FS, o LoadOptions) ([]float32, error) {
	if s.Problem != nil {
		return nil, s.Problem
	}
	plane := s.Grid.Size[0] * s.Grid.Size[1]
	acquired := make([][]float32, len(s.Frames))
	raw := map[*Header][]byte{} // of multi-frame files, read once
	buffer := make([]float32, plane*len(s.Frames))
	for k, f := range s.Frames {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		pixels, ok := raw[f.Header]
		if !ok {
			var err error
			if pixels, err = readPixels(ctx, fsys, f.Header); err != nil {
				return nil, &FileError{f.Header.Name, err}
			}
			if len(f.Header.Frames) > 1 {
				raw[f.Header] = pixels
			}
		}
		n := int(f.Header.frameBytes())
		acquired[k] = buffer[k*plane : (k+1)*plane]
		f.decodeFrame(pixels[f.Index*n:(f.Index+1)*n], acquired[k], o)
		if o.Each != nil {
			o.Each()
		}
	}
	if len(s.Missing) == 0 && !s.Uneven {
		return buffer, nil
	}
	return s.resample(acquired), nil
}

// resample fills every lattice position from the acquired slices.
func (s *Stack) resample(acquired [][]float32) []float32 {
	normal := s.Grid.Normal()
	mm := make([]float64, len(s.Frames))
	for k, f := range s.Frames {
		mm[k] = f.Position.Sub(s.Grid.Origin).Dot(normal)
	}
	plane := s.Grid.Size[0] * s.Grid.Size[1]
	out := make([]float32, plane*s.Grid.Size[2])
	below := 0
	for k := range s.Grid.Size[2] {
		p := float64(k) * s.Grid.Spacing[2]
		for below+2 < len(mm) && mm[below+1] < p {
			below++
		}
		dst := out[k*plane : (k+1)*plane]
		switch {
		case math.Abs(mm[below]-p) <= positionTolMM:
			copy(dst, acquired[below])
		case math.Abs(mm[below+1]-p) <= positionTolMM:
			copy(dst, acquired[below+1])
		default:
			w := float32((p - mm[below]) / (mm[below+1] - mm[below]))
			for n := range dst {
				dst[n] = (1-w)*acquired[below][n] + w*acquired[below+1][n]
			}
		}
	}
	return out
}
