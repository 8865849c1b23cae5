package compare

import (
	"fmt"
	"slices"
	"strings"

	"bayeslice/internal/volume"
)

// Numbering says what the numbers in a mask file mean. Files do not say it themselves.
type Numbering string

// Numberings.
const (
	TZPZ     Numbering = "tz-pz"       // TZ 1, PZ 2: this program, Prostate158
	PZTZ     Numbering = "pz-tz"       // PZ 1, TZ 2: PI-CAI's zones, Medical Segmentation Decathlon
	TZPZPCa  Numbering = "tz-pz-cspca" // TZ 1, PZ 2, csPCa 3: this program's masks of all three
	WholeOne Numbering = "gland"       // any number is the gland
	LesionIn Numbering = "lesion"      // any number is csPCa
	ISUP     Numbering = "isup"        // the number is the ISUP grade; csPCa from 2, as in PI-CAI's labels
)

// Numberings lists all, in the order in which a chooser shows them.
func Numberings() []Numbering { return []Numbering{TZPZ, PZTZ, TZPZPCa, WholeOne, LesionIn, ISUP} }

// Text says in words what the numbers mean.
func (n Numbering) Text() string {
	switch n {
	case TZPZ:
		return "TZ 1, PZ 2"
	case PZTZ:
		return "PZ 1, TZ 2"
	case TZPZPCa:
		return "TZ 1, PZ 2, csPCa 3"
	case WholeOne:
		return "whole gland"
	case LesionIn:
		return "csPCa lesions"
	case ISUP:
		return "ISUP grades, csPCa from 2"
	}
	return string(n)
}

// meaning is what a number stands for: values of voxels in [Labels.Zones] and [Labels.Lesions].
type meaning struct{ zone, lesion uint8 }

// layers says which layers of [Labels] a mask of the numbering tells of.
func (n Numbering) layers() (zones, lesions bool) {
	return n != LesionIn && n != ISUP, n == TZPZPCa || n == LesionIn || n == ISUP
}

// table returns the meaning of each number up to the last known one; further numbers mean what the last does where
// all is set, and nothing otherwise.
func (n Numbering) table() (known []meaning, all bool) {
	tz, pz, lesion := meaning{zone: TZ}, meaning{zone: PZ}, meaning{lesion: Cancer}
	switch n {
	case TZPZ:
		return []meaning{{}, tz, pz}, false
	case PZTZ:
		return []meaning{{}, pz, tz}, false
	case TZPZPCa:
		return []meaning{{}, tz, pz, {zone: Gland, lesion: Cancer}}, false
	case WholeOne:
		return []meaning{{}, {zone: Gland}}, true
	case LesionIn:
		return []meaning{{}, lesion}, true
	case ISUP:
		return []meaning{{}, {}, lesion, lesion, lesion, lesion}, false
	}
	return nil, false
}

// Apply reads a mask's numbers; m stays as it is. Of voxels whose number is csPCa in a mask of all three the zone is not
// told. It fails with [ErrNumbering] where the mask holds a number that the numbering does not know.
func (n Numbering) Apply(m *volume.Mask) (Labels, error) {
	known, all := n.table()
	if known == nil {
		return Labels{}, fmt.Errorf("%w: there is no numbering %q; choose another one", ErrNumbering, string(n))
	}
	for _, v := range m.Labels() {
		if int(v) >= len(known) && !all {
			return Labels{}, fmt.Errorf("%w: the mask holds the number %d, which %q does not; choose another numbering or mask", ErrNumbering, v, n.Text())
		}
	}
	var l Labels
	var err error
	zones, lesions := n.layers()
	if zones {
		if l.Zones, err = mapped(m, func(v uint8) uint8 { return known[min(int(v), len(known)-1)].zone }); err != nil {
			return Labels{}, err
		}
	}
	if lesions {
		if l.Lesions, err = mapped(m, func(v uint8) uint8 { return known[min(int(v), len(known)-1)].lesion }); err != nil {
			return Labels{}, err
		}
	}
	return l, nil
}

// mapped returns a mask with other values.
func mapped(m *volume.Mask, to func(uint8) uint8) (*volume.Mask, error) {
	var table [256]uint8
	for v := range table {
		table[v] = to(uint8(v))
	}
	out := make([]uint8, len(m.Data()))
	for i, v := range m.Data() {
		out[i] = table[v]
	}
	return volume.NewMask(m.Grid(), out)
}

// Guess is what the numbers of a mask probably mean.
type Guess struct {
	Numbering Numbering
	Sure      bool        // nothing else is plausible; else the user is to be asked
	Reason    string      // a sentence
	Others    []Numbering // that would do as well, likeliest first
}

// Bounds of [GuessNumbering]: a gland is larger than a lesion, and PZ lies behind TZ.
const (
	leastGlandML = 8.0 // the smallest whole gland among adults is about 10 mL, the largest csPCa lesion rarely above 8
	clearlyMM    = 2.0 // by which the centre of PZ lies behind that of TZ at least
)

// GuessNumbering guesses from numbers, volumes and positions alone, never from names. It fails with [ErrNumbering]
// where the mask is empty or no numbering knows its numbers.
func GuessNumbering(m *volume.Mask) (Guess, error) {
	numbers := m.Labels()
	switch {
	case len(numbers) == 0:
		return Guess{}, fmt.Errorf("%w: the mask is empty; choose another mask", ErrNumbering)
	case slices.Equal(numbers, []uint8{1, 2, 3}):
		return guessThree(m), nil
	case slices.Equal(numbers, []uint8{1, 2}):
		return guessZones(m), nil
	case len(numbers) == 1:
		return guessOne(m, numbers[0]), nil
	case numbers[len(numbers)-1] <= 5:
		return Guess{Numbering: ISUP, Reason: "Numbers up to 5 are ISUP grades of lesions.", Others: []Numbering{LesionIn, WholeOne}}, nil
	}
	return Guess{}, fmt.Errorf("%w: the mask holds the numbers %s; choose a mask of zones, of the gland or of lesions", ErrNumbering, listed(numbers))
}

func guessOne(m *volume.Mask, number uint8) Guess {
	ml := m.Region().ML
	g := Guess{Numbering: WholeOne, Others: []Numbering{LesionIn}, Reason: fmt.Sprintf("One structure of %.1f mL is the whole gland.", ml)}
	if ml < leastGlandML {
		g = Guess{Numbering: LesionIn, Others: []Numbering{WholeOne}, Reason: fmt.Sprintf("One structure of %.1f mL is a lesion.", ml)}
	}
	if number >= 2 && number <= 5 {
		g.Others = append(g.Others, ISUP)
		if ml < leastGlandML {
			g = Guess{Numbering: ISUP, Others: []Numbering{LesionIn, WholeOne}, Reason: fmt.Sprintf("One structure of %.1f mL with the number %d is a lesion with its ISUP grade.", ml, number)}
		}
	}
	switch number {
	case 1:
		g.Others = append(g.Others, TZPZ, PZTZ)
	case 2:
		g.Others = append(g.Others, PZTZ, TZPZ)
	}
	return g
}

func guessZones(m *volume.Mask) Guess {
	one, two := m.Region(1), m.Region(2)
	if one.ML+two.ML < leastGlandML {
		return Guess{Numbering: ISUP, Others: []Numbering{LesionIn, TZPZ, PZTZ}, Reason: fmt.Sprintf("Structures of %.1f mL together are lesions.", one.ML+two.ML)}
	}
	behind := two.Centre[1] - one.Centre[1] // LPS: y grows to the back
	g := Guess{Numbering: TZPZ, Others: []Numbering{PZTZ}, Sure: behind >= clearlyMM}
	if behind < 0 {
		g = Guess{Numbering: PZTZ, Others: []Numbering{TZPZ}, Sure: -behind >= clearlyMM}
		behind = -behind
	}
	g.Reason = fmt.Sprintf("The centre of %s lies %.0f mm behind that of the other number, as the peripheral zone does.", pzNumber(g.Numbering), behind)
	if !g.Sure {
		g.Reason = "Neither number lies clearly behind the other, so that it cannot be told which one is the peripheral zone."
	}
	return g
}

func pzNumber(n Numbering) string {
	if n == PZTZ {
		return "number 1"
	}
	return "number 2"
}

// guessThree tells zones with a lesion from ISUP grades.
func guessThree(m *volume.Mask) Guess {
	ml := m.Region().ML
	if ml < leastGlandML {
		return Guess{Numbering: ISUP, Others: []Numbering{LesionIn, TZPZPCa}, Reason: fmt.Sprintf("Structures of %.1f mL together are lesions with their ISUP grades.", ml)}
	}
	return Guess{Numbering: TZPZPCa, Others: []Numbering{ISUP, WholeOne}, Reason: fmt.Sprintf("Three numbers over %.1f mL are zones with lesions.", ml)}
}

func listed(numbers []uint8) string {
	var words []string
	for _, n := range numbers {
		words = append(words, fmt.Sprint(n))
	}
	return strings.Join(words, ", ")
}
