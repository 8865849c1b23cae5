package phantom

import (
	"context"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// Labels of [Labels.Zones], in the class order of the anatomy model. The whole gland is TZ ∪ PZ.
// As in the usual two-zone annotation, the anterior fibromuscular stroma and the urethra belong to
// TZ, the central zone to PZ.
const (
	LabelTZ uint8 = 1
	LabelPZ uint8 = 2
)

// LabelLesion is the label of clinically significant cancer in [Labels.Lesions].
const LabelLesion uint8 = 1

// Exam is one generated exam. It is immutable, its slices included, and safe for concurrent reading.
type Exam struct {
	Config  Config
	Anatomy *Anatomy       // the continuous truth behind the labels
	T2W     *volume.Volume // whole numbers in 0…4095, arbitrary MR intensity
	DWI     []Diffusion    // acquired images in the order of Config.BValues, on one grid
	ADC     *volume.Volume // whole numbers in 10⁻⁶ mm²/s on the diffusion grid
	HighB   Diffusion      // one of DWI, or calculated from the fit
	Labels  Labels
}

// Diffusion is the image at one b-value: whole numbers in 0…4095 on the diffusion grid.
type Diffusion struct {
	B          float64 // s/mm²
	Calculated bool    // extrapolated from the fit rather than acquired
	Volume     *volume.Volume
}

// Labels are the exact truth on the T2W grid: the label of a voxel is that of its centre.
type Labels struct {
	Zones   *volume.Mask // 0 background, LabelTZ, LabelPZ
	Lesions *volume.Mask // 0 background, LabelLesion
	List    []Lesion     // the lesions, largest first
}

// Lesion describes one csPCa lesion.
type Lesion struct {
	Centre   geom.Vec3 // world LPS mm
	VolumeML float64   // of the implicit shape
	Zone     uint8     // LabelTZ or LabelPZ: the zone of the centre
	ADC      float64   // 10⁻⁶ mm²/s at the core
}

// Generate makes the exam that the configuration describes. The result depends on the configuration
// alone, not on the number of processors. It fails with [ErrConfig], or with the context's error
// soon after that is cancelled.
func Generate(ctx context.Context, cfg Config) (*Exam, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.BValues = slices.Clone(cfg.BValues)
	a, err := NewAnatomy(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return acquire(ctx, cfg, a)
}
