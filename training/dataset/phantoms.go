package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"bayeslice/internal/exam"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// pair is an exam and its labels, values as the source's table reads them.
type pair struct {
	exam *exam.Exam
	mask *volume.Mask
}

// Cohort returns the configurations of n phantoms with consecutive seeds, each with the settings of the
// demonstration exam and lesions as the seed has it.
func Cohort(first uint64, n int) []phantom.Config {
	out := make([]phantom.Config, n)
	for i := range out {
		out[i] = phantom.DefaultConfig(first + uint64(i))
		out[i].Lesions = phantom.RandomLesions
	}
	return out
}

// listPhantoms lists the exams to generate.
func (o *Options) listPhantoms() ([]*source, error) {
	table := newTable("is no label of a phantom")
	table.class[1] = 1
	if o.Task == modelcard.Anatomy {
		table.class[phantom.LabelTZ], table.class[phantom.LabelPZ] = 1, 2
	}
	generator, err := generatorPrint()
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var out []*source
	for _, cfg := range o.Phantoms {
		cfg.Progress = nil
		s := &source{name: fmt.Sprintf("phantom %d", cfg.Seed), table: table, extra: fmt.Sprintf("phantom %+v by %s", cfg, generator)}
		if seen[s.name] {
			return nil, fmt.Errorf("%w: two phantoms have the seed %d; give each its own", ErrData, cfg.Seed)
		}
		seen[s.name] = true
		s.generate = func(ctx context.Context) (*pair, error) {
			made, err := phantom.Generate(ctx, cfg)
			if err != nil {
				return nil, err
			}
			return o.pairOf(made)
		}
		out = append(out, s)
	}
	return out, nil
}

// generatorPrint identifies the generator's algorithm by what it makes of a tiny exam, so that phantoms of an
// earlier version are not found in the cache.
func generatorPrint() (string, error) {
	cfg := phantom.DefaultConfig(1)
	cfg.Lesions, cfg.SubSamples, cfg.SubSamplesDiff = 1, 1, 1
	cfg.T2W = phantom.Protocol{Columns: 24, Rows: 24, Slices: 6, PixelMM: 4, SliceMM: 8}
	cfg.DWI = phantom.Protocol{Columns: 16, Rows: 16, Slices: 6, PixelMM: 6, SliceMM: 8}
	made, err := phantom.Generate(context.Background(), cfg)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, v := range []*volume.Volume{made.T2W, made.HighB.Volume, made.ADC} {
		if err := codec.WriteValues(h, v.Data(), codec.Float32); err != nil {
			return "", err
		}
	}
	h.Write(made.Labels.Zones.Data())
	h.Write(made.Labels.Lesions.Data())
	return hex.EncodeToString(h.Sum(nil)), nil
}

// pairOf makes an exam of a phantom, without the detour over files.
func (o *Options) pairOf(made *phantom.Exam) (*pair, error) {
	adc, err := volume.New(made.ADC.Grid(), made.ADC.Data(), prep.ADCUnit)
	if err != nil {
		return nil, err
	}
	e := &exam.Exam{Roles: map[exam.Role]exam.Choice{}, Synthetic: true}
	for role, v := range map[exam.Role]*volume.Volume{exam.T2W: made.T2W, exam.HighB: made.HighB.Volume, exam.ADC: adc} {
		s := &exam.Series{ID: role.String(), Volume: v, Kind: role, Synthetic: true}
		e.Series = append(e.Series, s)
		e.Roles[role] = exam.Choice{Candidate: exam.Candidate{Series: s}}
	}
	mask := made.Labels.Zones
	if o.Task == modelcard.Diagnosis {
		mask = made.Labels.Lesions
	}
	return &pair{exam: e, mask: mask}, nil
}
