package report

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/imageio/dicomout"
	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/imageio/rtstruct"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/render"
)

// DICOMOptions say whom DICOM objects name. The zero value names nobody, and keeps the UIDs of the source, so that an object can be laid over
// its images; see [dicomout.Derived].
type DICOMOptions struct {
	Identity bool      // name patient and study as the source does
	NewUIDs  bool      // replace the UIDs of the source; not with Identity
	Created  time.Time // stands in objects with Identity
}

// Names of DICOM objects in a result folder, and numbers of their series.
const (
	zonesSEG, cancerSEG, lesionsSEG = "zones.dcm", "cspca.dcm", "lesions.dcm"
	probabilitySEG                  = "probability.dcm"
	contoursName                    = "contours.dcm"

	seriesMasks, seriesProbabilities, seriesContours, seriesReader = 9101, 9102, 9103, 9104
)

// contoursMeaning is what a structure set is.
const contoursMeaning = "DICOM RTSTRUCT: closed contours in the slices of the T2W image"

// ofNoDICOM ends the meaning of an object that was made on images that were no DICOM.
const ofNoDICOM = "; the images were no DICOM, so that the object has a study and a frame of reference of its own, and no archive lays it over them"

// dicomMaker makes DICOM objects of what belongs to an exam.
type dicomMaker struct {
	exam    *exam.Exam
	program string
	o       DICOMOptions
}

// meaning is what an object is, with what is missing in it.
func (d dicomMaker) meaning(text string) string {
	if s := d.exam.Chosen(exam.T2W); s == nil || s.Source() == nil {
		return text + ofNoDICOM
	}
	return text
}

// derived says where an object comes from; notices stand beside the disclaimer.
func (d dicomMaker) derived(description string, series int, notices ...string) dicomout.Derived {
	out := dicomout.Derived{Key: d.exam.Key, Name: AnonymousName(d.exam), Identity: d.o.Identity, NewUIDs: d.o.NewUIDs, Created: d.o.Created,
		Description: description + " (research use only)", Model: "Bayeslice", Version: d.program, Number: series}
	if s := d.exam.Chosen(exam.T2W); s != nil {
		out.Origin = s.Source()
	}
	words := []string{Disclaimer}
	if d.exam.Synthetic {
		words = append(words, "SYNTHETIC exam, no patient.")
	}
	for _, n := range notices {
		if n != "" {
			words = append(words, n)
		}
	}
	out.Statement = strings.Join(words, " ")
	return out
}

// algorithm names the model of a prediction.
func algorithm(p *inference.Prediction) dicomout.Algorithm {
	parameters := fmt.Sprintf("sha256 %s; %d samples; seed %d", p.ModelSHA, p.Samples, p.Seed)
	if n := p.Card.Notice(); n != "" {
		parameters += "; " + n
	}
	return dicomout.Algorithm{Type: "AUTOMATIC", Name: p.Card.Name, Version: p.ModelSHA[:min(12, len(p.ModelSHA))], Parameters: parameters}
}

// readers is how contours of a reader came about.
func readers(assisted bool) dicomout.Algorithm {
	if assisted {
		return dicomout.Algorithm{Type: "SEMIAUTOMATIC", Name: "Bayeslice contour editor", Version: "1"}
	}
	return dicomout.Algorithm{Type: "MANUAL"}
}

// structure is a part of a mask under its name.
type structure struct {
	name   string
	kind   dicomcode.Structure
	labels []uint8
}

// zoneStructures are those of a mask with 1 for TZ and 2 for PZ.
var zoneStructures = []structure{{"TZ", dicomcode.TZ, []uint8{1}}, {"PZ", dicomcode.PZ, []uint8{2}}, {"Prostate", dicomcode.Gland, []uint8{1, 2}}}

// color is that of a structure in the window.
func (s structure) color() [3]uint8 {
	name := map[dicomcode.Structure]string{dicomcode.TZ: render.ZoneTransition, dicomcode.PZ: render.ZonePeripheral, dicomcode.Gland: render.ZoneGland, dicomcode.Lesion: render.ZoneCancer}[s.kind]
	c := render.ZoneColor(name)
	return [3]uint8{c.R, c.G, c.B}
}

// lesionStructures are the numbered candidates of a prediction that a mask can hold.
func lesionStructures(p *inference.Prediction) []structure {
	var out []structure
	for _, l := range p.Lesions {
		if l.ID >= 1 && l.ID <= 255 {
			out = append(out, structure{fmt.Sprintf("Lesion %d", l.ID), dicomcode.Lesion, []uint8{uint8(l.ID)}})
		}
	}
	return out
}

// has reports whether a label is of the structure.
func (s structure) has(label uint8) bool {
	for _, l := range s.labels {
		if l == label {
			return true
		}
	}
	return false
}

// files lists the DICOM segmentations of a prediction. What they hold is made when they are written.
func (d dicomMaker) files(m *maps, p *inference.Prediction) []file {
	hard, kinds := cancerSEG, []structure{{"csPCa", dicomcode.Lesion, []uint8{1}}}
	if m.task == modelcard.Anatomy {
		hard, kinds = zonesSEG, zoneStructures
	}
	out := []file{{Name: hard, item: Zones, Meaning: d.meaning("DICOM SEG, BINARY: most probable class of the mean probabilities on the T2W grid"),
		object: d.masks(m.hard, kinds, algorithm(p), "Most probable class", seriesMasks, p.Card.Notice())}}
	if lesions := lesionStructures(p); m.task == modelcard.Diagnosis && len(lesions) > 0 {
		out = append(out, file{Name: lesionsSEG, item: Lesions, Meaning: d.meaning("DICOM SEG, BINARY: lesion candidates, one segment each"),
			object: d.masks(m.lesions, lesions, algorithm(p), "Lesion candidates", seriesMasks, p.Card.Notice())})
	}
	return append(out, file{Name: probabilitySEG, item: Means, Meaning: d.meaning(fmt.Sprintf("DICOM SEG, FRACTIONAL PROBABILITY: mean probability over the samples, in steps of 1/%d", dicomout.FractionSteps)),
		object: d.probabilities(m, p)})
}

// masks writes parts of a mask as a BINARY segmentation and compares what is read back.
func (d dicomMaker) masks(m *volume.Mask, parts []structure, a dicomout.Algorithm, what string, series int, notice string) func(context.Context, string) error {
	return func(ctx context.Context, path string) error {
		x := dicomout.Segmentation{Derived: d.derived(what, series, notice), Content: what, Grid: m.Grid()}
		for _, part := range parts {
			s := dicomout.Segment{Label: part.name, Structure: part.kind, Algorithm: a, Color: part.color(), In: func(at int) bool { return part.has(m.Data()[at]) }}
			if part.kind == dicomcode.Lesion {
				s.Tracking = part.name
			}
			x.Segments = append(x.Segments, s)
		}
		if err := dicomout.WriteSegmentation(ctx, path, x); err != nil {
			return err
		}
		return verifySegmentation(path, x)
	}
}

// probabilities writes the mean probabilities as a FRACTIONAL segmentation and compares what is read back.
func (d dicomMaker) probabilities(m *maps, p *inference.Prediction) func(context.Context, string) error {
	return func(ctx context.Context, path string) error {
		x := dicomout.Segmentation{Derived: d.derived("Mean probability", seriesProbabilities, p.Card.Notice()), Content: "Mean probability over the samples",
			Grid: m.hard.Grid(), Fractional: true}
		for c, name := range m.classes[1:] {
			kind := structure{name, dicomcode.Named(name), nil}
			x.Segments = append(x.Segments, dicomout.Segment{Label: name, Structure: kind.kind, Algorithm: algorithm(p), Color: kind.color(), Fraction: m.mean[c+1]})
		}
		if err := dicomout.WriteSegmentation(ctx, path, x); err != nil {
			return err
		}
		return verifySegmentation(path, x)
	}
}

// verifySegmentation reports, as [ErrVerify], a file that differs from what was written.
func verifySegmentation(path string, x dicomout.Segmentation) error {
	name := filepath.Base(path)
	f, err := dicomseg.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerify, name, err)
	}
	if len(f.Segments) != len(x.Segments) {
		return fmt.Errorf("%w: %s has %d segments, had %d", ErrVerify, name, len(f.Segments), len(x.Segments))
	}
	if err := sameSlices(name, x.Grid, f.Grid); err != nil {
		return err
	}
	for n, s := range x.Segments {
		v, err := f.Fractions(n + 1)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrVerify, name, err)
		}
		for at, got := range v.Data() {
			to := storedOn(x.Grid, f.Grid, at)
			want, tolerance := 0.0, 0.0
			switch {
			case s.Fraction != nil:
				want, tolerance = float64(s.Fraction.Data()[to]), 0.5/dicomout.FractionSteps+1e-5
			case s.In(to):
				want = 1
			}
			if math.Abs(float64(got)-want) > tolerance {
				return fmt.Errorf("%w: %s: voxel %d of %s is %g, was %g", ErrVerify, name, at, s.Label, got, want)
			}
		}
	}
	return nil
}

// sameSlices accepts a grid whose slices run the other way too: a reader's k runs along the slice normal.
func sameSlices(name string, want, got geom.Grid) error {
	if got.SameAs(want, gridTolerance) || got.SameAs(turned(want), gridTolerance) {
		return nil
	}
	return fmt.Errorf("%w: %s lies on another grid", ErrVerify, name)
}

// turned is a grid with its slices in the opposite order.
func turned(g geom.Grid) geom.Grid {
	g.Origin = g.World(geom.Vec3{0, 0, float64(g.Size[2] - 1)})
	g.Dir[2] = g.Dir[2].Scale(-1)
	return g
}

// storedOn takes an offset on the grid that was read to one on the grid that was written.
func storedOn(written, read geom.Grid, at int) int {
	if written.Dir[2].Dot(read.Dir[2]) > 0 {
		return at
	}
	plane := written.Size[0] * written.Size[1]
	k := at / plane
	return at + (written.Size[2]-1-2*k)*plane
}

// part is a mask with what is in it, for a structure set.
type part struct {
	mask       *volume.Mask
	structures []structure
	algorithm  dicomout.Algorithm
	suffix     string // after each name
}

// parts of a prediction: its zones, or its lesion candidates.
func (m *maps) parts(p *inference.Prediction) part {
	if m.task == modelcard.Anatomy {
		return part{m.hard, zoneStructures, algorithm(p), ""}
	}
	return part{m.lesions, lesionStructures(p), algorithm(p), ""}
}

// contours writes masks as a structure set and compares what is read back.
func (d dicomMaker) contours(ctx context.Context, path string, grid geom.Grid, parts []part, notices ...string) error {
	x := dicomout.StructureSet{Derived: d.derived("Contours", seriesContours, notices...), Label: "Bayeslice", Grid: grid}
	for _, from := range parts {
		for _, s := range from.structures {
			labels := map[uint8]bool{}
			for _, l := range s.labels {
				labels[l] = true
			}
			x.Structures = append(x.Structures, dicomout.Structure{Name: s.name + from.suffix, Kind: s.kind, Algorithm: from.algorithm, Color: s.color(), Mask: from.mask, Labels: labels})
		}
	}
	if err := dicomout.WriteStructures(ctx, path, x); err != nil {
		return err
	}
	return verifyStructures(path, x)
}

// verifyStructures reports, as [ErrVerify], contours that do not hold exactly the voxels of their masks.
func verifyStructures(path string, x dicomout.StructureSet) error {
	name := filepath.Base(path)
	f, err := rtstruct.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerify, name, err)
	}
	if len(f.Structures) != len(x.Structures) {
		return fmt.Errorf("%w: %s has %d structures, had %d", ErrVerify, name, len(f.Structures), len(x.Structures))
	}
	for n, s := range x.Structures {
		back, err := f.Structures[n].Mask(x.Grid)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrVerify, name, err)
		}
		for at, v := range back.Data() {
			if (v != 0) != s.Labels[s.Mask.Data()[at]] {
				return fmt.Errorf("%w: %s: voxel %d of %s differs", ErrVerify, name, at, s.Name)
			}
		}
	}
	return nil
}
