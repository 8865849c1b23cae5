// Package dicomcode knows the codes by which DICOM objects name the parts of the prostate and what was found in it: SNOMED
// CT as written today, SNOMED RT as older files have it, and the words that people use. It reads and writes no files.
//
// Sources: DICOM PS3.16 CID 7150 (categories), CID 7151 (segmented property types), CID 6300 (prostate anatomy), CID 7159 (lesions),
// CID 7162 (families of algorithms), CID 7050 (de-identification).
package dicomcode

import "strings"

// Code is a concept in a coding scheme, as a DICOM code sequence item holds it.
type Code struct {
	Value   string // at most 16 characters
	Scheme  string // "SCT" (SNOMED CT), "SRT" (SNOMED RT), "DCM"
	Meaning string // at most 64 characters, for people
}

// same compares values and schemes; SNOMED RT went by three names.
func (c Code) same(o Code) bool {
	return c.Value == o.Value && scheme(c.Scheme) == scheme(o.Scheme)
}

func scheme(s string) string {
	switch s {
	case "SNM3", "99SDM":
		return "SRT"
	}
	return s
}

// Structure is what a segment is of.
type Structure uint8

// Structures. Unknown is anything that this program does not name.
const (
	Unknown Structure = iota
	Gland             // the whole prostate
	TZ                // transition zone
	PZ                // peripheral zone
	Lesion            // a lesion or neoplasm in it
)

// String returns the short name of a structure as this program writes it.
func (s Structure) String() string {
	if int(s) < len(names) {
		return names[s]
	}
	return names[Unknown]
}

var names = [...]string{"unknown", "WG", "TZ", "PZ", "lesion"}

// Categories of what is segmented (CID 7150).
var (
	anatomical = Code{"123037004", "SCT", "Anatomical Structure"}
	altered    = Code{"49755003", "SCT", "Morphologically Altered Structure"}
)

// Prostate is the anatomic region of everything that this program writes.
var Prostate = Code{"41216001", "SCT", "Prostate"}

// ArtificialIntelligence is the family of a network (CID 7162).
var ArtificialIntelligence = Code{"123109", "DCM", "Artificial Intelligence"}

// types are the codes of each structure; the first is the one that is written.
var types = map[Structure][]Code{
	Gland: {Prostate, {"T-92000", "SRT", ""}, {"T-9200B", "SRT", ""}, {"181422007", "SCT", ""}},
	TZ:    {{"399384005", "SCT", "Transition zone of prostate"}, {"T-D0823", "SRT", ""}},
	PZ:    {{"279706003", "SCT", "Peripheral zone of prostate"}, {"T-D05E4", "SRT", ""}, {"279491002", "SCT", ""}},
	Lesion: {{"52988006", "SCT", "Lesion"}, {"M-01100", "SRT", ""}, {"108369006", "SCT", ""}, {"86049000", "SCT", ""}, {"M-80003", "SRT", ""},
		{"4147007", "SCT", ""}, {"M-03000", "SRT", ""}, {"363346000", "SCT", ""}},
}

// words are names of structures in segment labels, in lower case with blanks for any separators.
var words = map[string]Structure{
	"wg": Gland, "gland": Gland, "prostate": Gland, "whole gland": Gland, "prostate gland": Gland, "whole prostate": Gland,
	"tz": TZ, "transition zone": TZ, "transitional zone": TZ, "transition zone of prostate": TZ, "transition zone of the prostate": TZ, "prostate tz": TZ,
	"pz": PZ, "peripheral zone": PZ, "peripheral zone of prostate": PZ, "peripheral zone of the prostate": PZ, "prostate pz": PZ,
	"lesion": Lesion, "lesions": Lesion, "cspca": Lesion, "cspca lesion": Lesion, "tumor": Lesion, "tumour": Lesion, "index lesion": Lesion, "cancer": Lesion,
	"prostate lesion": Lesion, "prostate cancer": Lesion,
}

// Of tells what a segment is of: by the code of its type, and by its label where the code is none of those known here.
func Of(kind Code, label string) Structure {
	for structure, codes := range types {
		for _, c := range codes {
			if kind.same(c) {
				return structure
			}
		}
	}
	return Named(label)
}

// Named tells what a label names, such as "TZ", "peripheral zone" or "lesion 2".
func Named(label string) Structure {
	fields := strings.FieldsFunc(strings.ToLower(label), func(r rune) bool { return strings.ContainsRune(" _-.\t", r) })
	for len(fields) > 1 && strings.Trim(fields[len(fields)-1], "0123456789") == "" {
		fields = fields[:len(fields)-1] // a number
	}
	return words[strings.Join(fields, " ")]
}

// Type returns the code that is written for a structure, and its category. The zero codes stand for [Unknown].
func (s Structure) Type() (kind, category Code) {
	codes := types[s]
	if len(codes) == 0 {
		return Code{}, Code{}
	}
	if s == Lesion {
		return codes[0], altered
	}
	return codes[0], anatomical
}

// Deidentification are the codes of what was done to a file (CID 7050): the basic profile, with the UIDs of the source kept or not.
func Deidentification(keepUIDs bool) []Code {
	out := []Code{{"113100", "DCM", "Basic Application Confidentiality Profile"}}
	if keepUIDs {
		out = append(out, Code{"113110", "DCM", "Retain UIDs Option"})
	}
	return out
}

// How a segmentation refers to its images (CID 7203, CID 7202).
var (
	Segmentation = Code{"113076", "DCM", "Segmentation"}
	SourceImage  = Code{"121322", "DCM", "Source image for image processing operation"}
)
