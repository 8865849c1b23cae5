package exam

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicom"
)

// facts are what the rules can ask about a series: texts and numbers by field name. A number that
// is not known is absent, and no condition on it holds.
type facts struct {
	texts   map[string]string
	numbers map[string]float64
}

// text returns a fact for display in a reason.
func (f facts) text(field string) string {
	if s, ok := f.texts[field]; ok {
		return s
	}
	if n, ok := f.numbers[field]; ok {
		return number(n)
	}
	return ""
}

// number prints a measurement with at most two decimals and no trailing zeros.
func number(x float64) string {
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64)
}

// dicomFacts describes one stack of a DICOM series.
func dicomFacts(s *dicom.Series, stack *dicom.Stack) facts {
	h, first := s.Header, stack.Frames[0]
	f := facts{
		texts: map[string]string{
			"name": h.Description + " | " + h.Protocol, "imageType": strings.Join(first.ImageType, "\\"), "sequence": h.Sequence,
			"sequenceOrName": h.Sequence + " | " + h.Description + " | " + h.Protocol, "scanning": h.ScanningSequence,
			"derivation": h.Derivation, "comments": h.Comments, "bSource": first.B.Source, "manufacturer": h.Manufacturer,
			"directionality": first.Directionality,
		},
		numbers: map[string]float64{"slices": float64(len(stack.Frames)), "orientations": float64(s.Orientations)},
	}
	f.set("echo", first.Echo)
	f.set("tr", h.RepetitionTime)
	f.set("repeats", float64(stack.Repeats))
	if first.HasPlane {
		f.numbers["pixel"] = max(first.PixelMM[0], first.PixelMM[1])
		f.numbers["fov"] = max(first.PixelMM[0]*float64(h.Columns), first.PixelMM[1]*float64(h.Rows))
		f.plane(first.Row.Cross(first.Column))
	}
	if stack.B.Known {
		f.numbers["b"] = stack.B.Value
		if r := dicom.RangeOfB(h.Sequence); len(r) > 0 && stack.B.Value > r[len(r)-1] {
			f.numbers["bAboveRange"] = stack.B.Value - r[len(r)-1]
		}
	}
	return f
}

// set stores a number that is known only where it is not zero.
func (f facts) set(field string, x float64) {
	if x != 0 {
		f.numbers[field] = x
	}
}

// plane stores the tilt from axial in degrees and the name of the closest plane.
func (f facts) plane(normal geom.Vec3) {
	n := normal.Unit()
	f.numbers["tilt"] = math.Round(math.Acos(min(1, math.Abs(n[2])))*1800/math.Pi) / 10
	names := [3]string{"sagittal", "coronal", "axial"}
	for a := range 3 {
		if math.Abs(n[a]) > 0.7072 {
			f.texts["plane"] = names[a]
			return
		}
	}
	f.texts["plane"] = "oblique"
}

// fileFacts describes an image file that is no DICOM; name is its base name without extension.
func fileFacts(name string, g geom.Grid) facts {
	f := facts{
		texts:   map[string]string{"name": name, "sequenceOrName": name},
		numbers: map[string]float64{"slices": float64(g.Size[2]), "orientations": 1, "file": 1},
	}
	f.numbers["pixel"] = max(g.Spacing[0], g.Spacing[1])
	f.numbers["fov"] = max(g.Spacing[0]*float64(g.Size[0]), g.Spacing[1]*float64(g.Size[1]))
	f.plane(g.Normal())
	return f
}

// mm prints a length for a sentence.
func mm(x float64) string { return fmt.Sprintf("%.1f mm", x) }
