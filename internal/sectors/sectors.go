// Package sectors proposes where in the prostate a finding lies, in the sector map of PI-RADS v2.1 (41 sectors,
// DICOM CID 6304), from the masks of the zones. It proposes a place, never a score: the reader decides both.
//
// PI-RADS v2.1 (American College of Radiology 2019, "Sector map") divides the gland into base, midgland and apex,
// into right and left by a line through the middle of the gland on axial images, into anterior and posterior by a horizontal
// line through its middle; the peripheral zone into anterior, posterolateral and posteromedial parts. It
// gives no numbers. Those of this package are its own, and every proposal carries what they leave open:
//
//   - base, mid and apex are thirds of the gland's extent along the slice normal, in whole slices, the rest of a division by three going to the middle;
//   - the gland's axis is the straight line fitted to the centroids of its slices, weighted by their area. Right and left, and
//     anterior and posterior, are told apart by that axis where it meets the slice;
//   - medial is the inner half of the gland's half-width on that side of that slice.
//
// Central zone, anterior stroma, seminal vesicles and the external sphincter have no label in masks of TZ and PZ. They are
// sectors that a reader can choose, and are offered as alternatives where they can lie, but are never proposed.
package sectors

import (
	"fmt"

	"bayeslice/internal/lang"
)

// Level is the height in the gland.
type Level uint8

// Levels from the head to the feet. NoLevel is that of the seminal vesicles.
const (
	NoLevel Level = iota
	Base
	Mid
	Apex
)

// Side of the patient, not of the screen.
type Side uint8

// Sides. NoSide is that of the external urethral sphincter.
const (
	NoSide Side = iota
	Right
	Left
)

// Part is the zone and its subdivision.
type Part uint8

// Parts of PI-RADS v2.1.
const (
	PZAnterior Part = iota + 1
	PZPosterolateral
	PZPosteromedial
	TZAnterior
	TZPosterior
	CentralZone
	AnteriorStroma
	SeminalVesicle
	UrethralSphincter
)

// Sector is one of the 41.
type Sector struct {
	Level Level
	Side  Side
	Part  Part
	Code  string // SNOMED CT concept, coding scheme "SCT", as in DICOM CID 6304
}

// All returns the 41 sectors: from the base to the apex, right before left, then those outside of the gland. New memory.
func All() []Sector {
	out := make([]Sector, 0, len(codes))
	for _, level := range []Level{Base, Mid, Apex, NoLevel} {
		for part := PZAnterior; part <= UrethralSphincter; part++ {
			for _, side := range []Side{Right, Left, NoSide} {
				if s, ok := find(level, side, part); ok {
					out = append(out, s)
				}
			}
		}
	}
	return out
}

// Short returns the name on the sector map, such as "R mid PZpl".
func (s Sector) Short() string {
	text := ""
	if s.Side != NoSide {
		text = [...]string{Right: "R ", Left: "L "}[s.Side]
	}
	if s.Level != NoLevel && s.Part != UrethralSphincter {
		text += s.Level.String() + " "
	}
	return text + partShort[s.Part]
}

// Name returns the meaning of the code as DICOM words it, such as "Right posterolateral middle peripheral zone of prostate".
func (s Sector) Name() string {
	side := [...]string{NoSide: "", Right: "Right ", Left: "Left "}[s.Side]
	level := [...]string{NoLevel: "", Base: "basal ", Mid: "middle ", Apex: "apical "}[s.Level]
	switch s.Part {
	case CentralZone:
		return fmt.Sprintf("Central zone of %s half prostate", [...]string{Right: "right", Left: "left"}[s.Side])
	case AnteriorStroma:
		return side + level + "anterior fibromuscular stroma of prostate"
	case SeminalVesicle:
		return side + "seminal vesicle"
	case UrethralSphincter:
		return "Male external urethral sphincter"
	}
	zone := "peripheral zone of prostate"
	if s.Part == TZAnterior || s.Part == TZPosterior {
		zone = "transition zone of prostate"
	}
	return side + partPlace[s.Part] + level + zone
}

// String returns "base", "mid", "apex" or "" in the user's language.
func (l Level) String() string {
	return [...]lang.Text{"", lang.Mark("base"), lang.Mark("mid"), lang.Mark("apex")}[l].String()
}

// String returns "right", "left" or "" in the user's language.
func (s Side) String() string {
	return [...]lang.Text{"", lang.Mark("right"), lang.Mark("left")}[s].String()
}

var partShort = [...]string{PZAnterior: "PZa", PZPosterolateral: "PZpl", PZPosteromedial: "PZpm", TZAnterior: "TZa", TZPosterior: "TZp",
	CentralZone: "CZ", AnteriorStroma: "AFS", SeminalVesicle: "SV", UrethralSphincter: "US"}

var partPlace = [...]string{PZAnterior: "anterior ", PZPosterolateral: "posterolateral ", PZPosteromedial: "posteromedial ",
	TZAnterior: "anterior ", TZPosterior: "posterior ", UrethralSphincter: ""}

// codes are the concepts of SNOMED CT. 39 of them are DICOM CID 6301 (PI-RADS v2) as pydicom 2.3.1 lists it. The
// two basal posteromedial ones, which v2.1 added, are those of the HL7 Lithuania prostate guide's value
// set of PI-RADS sectors.
var codes = map[[3]uint8]string{
	{uint8(Base), uint8(Right), uint8(PZAnterior)}:         "716904003",
	{uint8(Base), uint8(Left), uint8(PZAnterior)}:          "716905002",
	{uint8(Base), uint8(Right), uint8(PZPosterolateral)}:   "716906001",
	{uint8(Base), uint8(Left), uint8(PZPosterolateral)}:    "716907005",
	{uint8(Base), uint8(Right), uint8(PZPosteromedial)}:    "836428004",
	{uint8(Base), uint8(Left), uint8(PZPosteromedial)}:     "836427009",
	{uint8(Base), uint8(Right), uint8(TZAnterior)}:         "716896009",
	{uint8(Base), uint8(Left), uint8(TZAnterior)}:          "716897000",
	{uint8(Base), uint8(Right), uint8(TZPosterior)}:        "716898005",
	{uint8(Base), uint8(Left), uint8(TZPosterior)}:         "716899002",
	{uint8(Base), uint8(Right), uint8(CentralZone)}:        "716900007",
	{uint8(Base), uint8(Left), uint8(CentralZone)}:         "716901006",
	{uint8(Base), uint8(Right), uint8(AnteriorStroma)}:     "716892006",
	{uint8(Base), uint8(Left), uint8(AnteriorStroma)}:      "716893001",
	{uint8(Mid), uint8(Right), uint8(PZAnterior)}:          "716919002",
	{uint8(Mid), uint8(Left), uint8(PZAnterior)}:           "716920008",
	{uint8(Mid), uint8(Right), uint8(PZPosterolateral)}:    "716921007",
	{uint8(Mid), uint8(Left), uint8(PZPosterolateral)}:     "716922000",
	{uint8(Mid), uint8(Right), uint8(PZPosteromedial)}:     "716923005",
	{uint8(Mid), uint8(Left), uint8(PZPosteromedial)}:      "716924004",
	{uint8(Mid), uint8(Right), uint8(TZAnterior)}:          "716913001",
	{uint8(Mid), uint8(Left), uint8(TZAnterior)}:           "716914007",
	{uint8(Mid), uint8(Right), uint8(TZPosterior)}:         "716915008",
	{uint8(Mid), uint8(Left), uint8(TZPosterior)}:          "716916009",
	{uint8(Mid), uint8(Right), uint8(AnteriorStroma)}:      "716909008",
	{uint8(Mid), uint8(Left), uint8(AnteriorStroma)}:       "716910003",
	{uint8(Apex), uint8(Right), uint8(PZAnterior)}:         "716936005",
	{uint8(Apex), uint8(Left), uint8(PZAnterior)}:          "716937001",
	{uint8(Apex), uint8(Right), uint8(PZPosterolateral)}:   "716938006",
	{uint8(Apex), uint8(Left), uint8(PZPosterolateral)}:    "716939003",
	{uint8(Apex), uint8(Right), uint8(PZPosteromedial)}:    "716940001",
	{uint8(Apex), uint8(Left), uint8(PZPosteromedial)}:     "716941002",
	{uint8(Apex), uint8(Right), uint8(TZAnterior)}:         "716930004",
	{uint8(Apex), uint8(Left), uint8(TZAnterior)}:          "716931000",
	{uint8(Apex), uint8(Right), uint8(TZPosterior)}:        "716932007",
	{uint8(Apex), uint8(Left), uint8(TZPosterior)}:         "716933002",
	{uint8(Apex), uint8(Right), uint8(AnteriorStroma)}:     "716926002",
	{uint8(Apex), uint8(Left), uint8(AnteriorStroma)}:      "716927006",
	{uint8(NoLevel), uint8(Right), uint8(SeminalVesicle)}:  "74308000",
	{uint8(NoLevel), uint8(Left), uint8(SeminalVesicle)}:   "42320003",
	{uint8(Apex), uint8(NoSide), uint8(UrethralSphincter)}: "717027004",
}

// find returns a sector; ok is false where the map has none like that.
func find(level Level, side Side, part Part) (s Sector, ok bool) {
	code, ok := codes[[3]uint8{uint8(level), uint8(side), uint8(part)}]
	return Sector{level, side, part, code}, ok
}
