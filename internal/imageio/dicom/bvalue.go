package dicom

import (
	"encoding/binary"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// BValue is a diffusion weighting and where it was found.
type BValue struct {
	Known  bool
	Value  float64 // s/mm²
	Source string  // "(0018,9087)", "Siemens (0019,100c)", "SequenceName", "SeriesDescription", …
}

// privateSource is one vendor's private b-value element.
type privateSource struct {
	vendor  string
	creator string // prefix of the private creator
	at      tag.Tag
}

// privateSources in order of trust, after the standard's own (0018,9087).
var privateSources = []privateSource{
	{"Siemens", "SIEMENS MR HEADER", tag.Tag{Group: 0x0019, Element: 0x100C}},
	{"GE", "GEMS_PARM_01", tag.Tag{Group: 0x0043, Element: 0x1039}},
	{"Philips", "Philips Imaging DD 001", tag.Tag{Group: 0x2001, Element: 0x1003}},
	{"UIH", "Image Private Header", tag.Tag{Group: 0x0065, Element: 0x1009}},
}

// nameB finds b-values in a SequenceName or description: "*ep_b800t", "ep_b50_800", "b=1400", "bval1000".
var nameB = regexp.MustCompile(`(?i)(?:^|[^a-z])b(?:val(?:ue)?s?)?[\s_=-]?(\d{1,5})`)

// rangeB finds several b-values in a row, as in "*ep_b50_800" or "b50_400_800".
var rangeB = regexp.MustCompile(`(?i)(?:^|[^a-z])b[\s_=-]?(\d{1,5}(?:[_\s,-]+b?\d{2,5})+)`)

// diffusionWords must stand beside a b-value of 0 or 1 in a text: B0 and B1 are also magnetic fields.
var diffusionWords = regexp.MustCompile(`(?i)diff|dwi|trace|ep_b|hbv`)

// bValue reads the diffusion weighting of a classic image: the standard element, then the vendors'
// private ones, then SequenceName, then the description.
func bValue(a attrs) BValue {
	if b, ok := plausibleB(a.number(tag.DiffusionBValue, math.NaN())); ok {
		return BValue{true, b, "(0018,9087)"}
	}
	for _, p := range privateSources {
		if b, ok := p.read(a); ok {
			return BValue{true, b, p.vendor + " " + p.at.String()}
		}
	}
	for _, t := range []struct {
		at   tag.Tag
		name string
	}{{tag.SequenceName, "SequenceName"}, {tag.PulseSequenceName, "PulseSequenceName"}, {tag.SeriesDescription, "SeriesDescription"}, {tag.ProtocolName, "ProtocolName"}} {
		text := a.text(t.at)
		if len(RangeOfB(text)) > 0 { // a range names no single b-value
			continue
		}
		if all := nameB.FindAllStringSubmatch(text, -1); len(all) == 1 {
			n, err := strconv.Atoi(all[0][1])
			if b, ok := plausibleB(float64(n)); err == nil && ok && (n > 1 || diffusionWords.MatchString(text)) {
				return BValue{true, b, t.name}
			}
		}
	}
	return BValue{}
}

// plausibleB accepts 0…20000 s/mm² and rounds to hundredths (Philips writes 0.0010000000475 for 0).
func plausibleB(b float64) (float64, bool) {
	if math.IsNaN(b) || b < 0 || b > 20000 {
		return 0, false
	}
	return math.Round(b*100) / 100, true
}

// read finds the vendor's element in the block its creator reserved, or in the usual block where
// the creator is gone (de-identified files).
func (p privateSource) read(a attrs) (float64, bool) {
	at, usual := p.at, a.text(tag.Tag{Group: p.at.Group, Element: p.at.Element >> 8})
	for block := uint16(0x10); block <= 0xFF; block++ {
		if strings.HasPrefix(a.text(tag.Tag{Group: at.Group, Element: block}), p.creator) {
			at.Element = block<<8 | p.at.Element&0xFF
			usual = ""
			break
		}
	}
	if usual != "" {
		return 0, false // the usual block is somebody else's
	}
	raw, ok := p.value(a, at)
	if !ok {
		return 0, false
	}
	if p.vendor == "GE" && raw >= 1e9 { // GE adds 10⁹ on newer software
		raw = math.Mod(raw, 1e9)
	}
	return plausibleB(raw)
}

// value reads a number stored with its own VR or, behind UN and OB, as text or as a binary float.
func (p privateSource) value(a attrs, at tag.Tag) (float64, bool) {
	if n, ok := a.numbers(at); ok {
		return n[0], true
	}
	v, ok := a[at]
	if !ok {
		return 0, false
	}
	raw, ok := v.GetValue().([]byte)
	if !ok {
		return 0, false
	}
	if first, _, found := strings.Cut(string(raw), "\\"); found { // "1000\8\0\0", the tail may be odd
		f, err := strconv.ParseFloat(strings.Trim(first, " \x00"), 64)
		return f, err == nil
	}
	switch len(raw) {
	case 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))), true
	case 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(raw)), true
	}
	return 0, false
}

// RangeOfB returns the ascending b-values, s/mm², that a sequence name or description gives in a row,
// as those of ADC maps and calculated images do ("*ep_b50_800": Siemens names the lowest and the
// highest); nil where there are not at least two.
func RangeOfB(text string) []float64 {
	m := rangeB.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	var out []float64
	for _, digits := range numbersIn.FindAllString(m[1], -1) {
		b, err := strconv.ParseFloat(digits, 64)
		if err != nil || b > 20000 || len(out) > 0 && b <= out[len(out)-1] {
			break
		}
		out = append(out, b)
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

var numbersIn = regexp.MustCompile(`\d+`)
