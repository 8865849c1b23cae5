package dicom

import (
	"fmt"
	"slices"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// Unit is a coded unit of measurement. The zero value is none.
type Unit struct {
	Value   string // "mm2/s"
	Scheme  string // "UCUM"
	Meaning string // in words; may be empty
}

// String names the code with its scheme, and what it means where that is said in other words. It can be printed whatever a
// file holds.
func (u Unit) String() string {
	text := fmt.Sprintf("%q (scheme %q)", shortened(u.Value), shortened(u.Scheme))
	if u.Meaning != "" && u.Meaning != u.Value {
		text = fmt.Sprintf("%q (scheme %q, meaning %q)", shortened(u.Value), shortened(u.Scheme), shortened(u.Meaning))
	}
	return text
}

func shortened(text string) string {
	const most = 64 // characters, as many as a meaning may have
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// same reports whether both are one code, whatever it is called.
func (u Unit) same(o Unit) bool { return u.Value == o.Value && u.Scheme == o.Scheme }

// RealWorldMap is one real-world value mapping of a frame (PS3.3 C.7.6.16.2.11).
type RealWorldMap struct {
	Unit             Unit
	Linear           bool // value = stored·Slope + Intercept; otherwise by a table, or damaged
	Slope, Intercept float64
}

// realWorld reads the mappings of a frame from where their sequence is.
func realWorld(a attrs) []RealWorldMap {
	const most = 32 // a file with more is no scanner's
	items := a.items(tagRWVSequence)
	var out []RealWorldMap
	for _, item := range items[:min(len(items), most)] {
		units := item.item(tagUnitsSequence)
		m := RealWorldMap{Unit: Unit{units.text(tag.CodeValue), units.text(tag.CodingSchemeDesignator), units.text(tag.CodeMeaning)}}
		if slope, ok := item.numbers(tag.RealWorldValueSlope); ok && slope[0] != 0 {
			m.Linear, m.Slope, m.Intercept = true, slope[0], item.number(tag.RealWorldValueIntercept, 0)
		}
		out = append(out, m)
	}
	return out
}

// mapTo returns the mapping of a frame to a unit; ok is false where it has none, or one that is no single line.
func (f *Frame) mapTo(u Unit) (m RealWorldMap, ok bool) {
	n := 0
	for _, c := range f.RealWorld {
		if c.Unit.same(u) {
			m, n = c, n+1
		}
	}
	return m, n == 1 && m.Linear
}

// RealWorldUnits returns the units to which every frame maps its stored values by one line, so that [LoadOptions] can ask for
// them, and those of which some frames say no such thing. Both are in the order of the files.
func (s *Stack) RealWorldUnits() (usable, others []Unit) {
	for _, f := range s.Frames {
		for _, m := range f.RealWorld {
			if slices.ContainsFunc(slices.Concat(usable, others), m.Unit.same) {
				continue
			}
			all := !slices.ContainsFunc(s.Frames, func(f *Frame) bool { _, ok := f.mapTo(m.Unit); return !ok })
			if all {
				usable = append(usable, m.Unit)
			} else {
				others = append(others, m.Unit)
			}
		}
	}
	return usable, others
}
