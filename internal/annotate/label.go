package annotate

// Label is a structure that is drawn.
type Label uint8

// Labels. The zero value is none.
const (
	NoLabel Label = iota
	WG            // the whole gland, TZ ∪ PZ
	TZ            // transition zone (with the central zone, as in two-zone annotations)
	PZ            // peripheral zone
	CsPCa         // clinically significant cancer, in the layer of its own
)

// Labels are all structures, in the order in which they are offered.
var Labels = [...]Label{WG, TZ, PZ, CsPCa}

// String returns the structure's short name, as package render colours it: "WG", "TZ", "PZ" or "csPCa".
func (l Label) String() string {
	switch l {
	case WG:
		return "WG"
	case TZ:
		return "TZ"
	case PZ:
		return "PZ"
	case CsPCa:
		return "csPCa"
	}
	return "none"
}

// Layer returns the layer that the structure lives in.
func (l Label) Layer() Layer {
	if l == CsPCa {
		return Lesions
	}
	return Zones
}

// holds reports whether a voxel of the label's layer with this value belongs to the structure.
func (l Label) holds(value uint8) bool {
	switch l {
	case WG:
		return value != 0
	case TZ:
		return value == valueTZ
	case PZ:
		return value == valuePZ
	case CsPCa:
		return value != 0
	}
	return false
}

// Layer is one of a document's two label images.
type Layer uint8

// Layers.
const (
	Zones   Layer = iota // 0 background, 1 TZ, 2 PZ
	Lesions              // 0 background, 1 csPCa
	layerCount
)

// String names the layer.
func (l Layer) String() string {
	if l == Lesions {
		return "lesions"
	}
	return "zones"
}

// highest is the largest value that a voxel of the layer may have.
func (l Layer) highest() uint8 {
	if l == Lesions {
		return valueLesion
	}
	return valuePZ
}

// Values of voxels, as files store them and as bundled models number their classes.
const (
	valueTZ     uint8 = 1
	valuePZ     uint8 = 2
	valueLesion uint8 = 1
)

// Mode says whether a drawn region is added to a structure or taken from it.
type Mode uint8

// Modes.
const (
	Add Mode = iota
	Erase
)
