package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/inference"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/imageio/dicomcode"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// planned is one file of an export.
type planned struct {
	name  string
	write func(ctx context.Context, path string) error // and reads it back
}

// Provenance is the content of the .json file beside exported masks and maps: what they are, and how
// they came about. It holds no identity.
type Provenance struct {
	Format      int        `json:"format"` // as [ResultFormat]
	Program     string     `json:"program"`
	ResearchUse string     `json:"researchUse"`
	Exam        ResultExam `json:"exam"`               // the grids are those of the first result
	Results     []Result   `json:"results"`            // one per model, with the files of it that were chosen
	Labels      []file     `json:"labels"`             // contours by a reader
	Contours    []file     `json:"contours,omitempty"` // a structure set of all of them
}

func (x Export) has(i Item) bool { return slices.Contains(x.Items, i) }

// plan lists the files of the export, in the order of writing. What they hold is computed when they are written.
func (x Export) plan() ([]planned, error) {
	if x.Exam == nil {
		return nil, fmt.Errorf("%w: no exam is open", ErrNothing)
	}
	stem, err := x.stem()
	if err != nil {
		return nil, err
	}
	if _, ok := x.Exam.ReferenceGrid(); !ok {
		return nil, fmt.Errorf("%w: results are written on the T2W image's grid", prep.ErrMissingRole)
	}
	for _, p := range x.Predictions {
		if err := complete(p); err != nil {
			return nil, err
		}
	}
	ready := mapCache{}
	out := x.planMaps(stem, ready)
	if x.has(EditedLabels) {
		out = append(out, x.planLabels(stem)...)
	}
	if x.has(Contours) {
		out = append(out, x.planContours(stem, ready)...)
	}
	if len(out) > 0 {
		out = append(out, planned{stem + "_export.json", func(ctx context.Context, path string) error { return x.writeProvenance(ctx, path, stem, ready) }})
	}
	out = append(out, x.planPictures(stem)...)
	if len(out) == 0 {
		return nil, fmt.Errorf("%w that was chosen; choose other files, or run a model first", ErrNothing)
	}
	return out, unique(out)
}

// unique refuses two files of one name, which labels of one name would have.
func unique(files []planned) error {
	seen := map[string]bool{}
	for _, f := range files {
		if lower := strings.ToLower(f.name); seen[lower] {
			return fmt.Errorf("%w: two files would be named %s; give them other names", ErrName, f.name)
		}
		seen[strings.ToLower(f.name)] = true
	}
	return nil
}

// ending is that of masks and maps.
func (x Export) ending() string {
	if x.Format == "" {
		return string(NIfTI)
	}
	return string(x.Format)
}

// fileName names a file of a prediction; where two models share a task, the model's hash tells them apart.
func (x Export) fileName(stem string, p *inference.Prediction, f file) string {
	task := string(p.Card.Task)
	if x.shared(p) {
		task += "-" + p.ModelSHA[:min(8, len(p.ModelSHA))]
	}
	return stem + "_" + task + "_" + strings.TrimSuffix(strings.TrimSuffix(f.Name, string(NIfTI)), string(DICOM)) + x.ending()
}

// shared reports whether another prediction is of the same task.
func (x Export) shared(p *inference.Prediction) bool {
	return slices.ContainsFunc(x.Predictions, func(o *inference.Prediction) bool { return o != p && o.Card.Task == p.Card.Task })
}

// planMaps plans the chosen masks and maps of every prediction. Those of one prediction share one interpolation.
func (x Export) planMaps(stem string, ready mapCache) []planned {
	var out []planned
	for _, p := range x.Predictions {
		for n, named := range x.files(emptyMaps(p), p) {
			if !x.has(named.item) {
				continue
			}
			out = append(out, planned{x.fileName(stem, p, named), func(ctx context.Context, path string) error {
				m, err := x.maps(ctx, p, ready)
				if err != nil {
					return err
				}
				f := x.files(m, p)[n]
				f.Name = filepath.Base(path)
				return f.write(ctx, filepath.Dir(path))
			}})
		}
	}
	return out
}

// files lists what the format has of a prediction.
func (x Export) files(m *maps, p *inference.Prediction) []file {
	if x.Format == DICOM {
		return x.maker().files(m, p)
	}
	return m.files()
}

func (x Export) maker() dicomMaker { return dicomMaker{x.Exam, x.Program, x.DICOM} }

// mapCache holds predictions on the T2W image's grid while an export lasts.
type mapCache map[*inference.Prediction]*maps

// maps returns the chosen maps of a prediction on the grid, interpolated when they are asked for first.
func (x Export) maps(ctx context.Context, p *inference.Prediction, ready mapCache) (*maps, error) {
	if m, ok := ready[p]; ok {
		return m, nil
	}
	m, err := newMapsFor(ctx, x.Exam, p, x.has)
	if err == nil {
		ready[p] = m
	}
	return m, err
}

// emptyMaps has the files of a prediction without their contents, for their names.
func emptyMaps(p *inference.Prediction) *maps {
	k := len(p.Card.Classes)
	return &maps{task: p.Card.Task, classes: p.Card.Classes, mean: make([]*volume.Volume, k), sd: make([]*volume.Volume, k)}
}

// planLabels plans the reader's contours.
func (x Export) planLabels(stem string) []planned {
	var out []planned
	for _, l := range x.Labels {
		out = append(out, planned{stem + "_" + l.Name + x.ending(), func(ctx context.Context, path string) error {
			on, _, err := t2wMask(ctx, x.Exam, l.Mask)
			if err != nil {
				return err
			}
			f := file{Name: filepath.Base(path), mask: on}
			if x.Format == DICOM {
				p := l.part(on)
				f.object = x.maker().masks(on, p.structures, p.algorithm, "Contours of a reader", seriesReader, "")
			}
			return f.write(ctx, filepath.Dir(path))
		}})
	}
	return out
}

// part is the reader's contours as structures.
func (l Labels) part(on *volume.Mask) part {
	p := part{on, zoneStructures, readers(l.Assisted), " (reader)"}
	if l.Lesions {
		p.structures = []structure{{"Lesions", dicomcode.Lesion, on.Labels()}}
	}
	return p
}

// planContours plans the structure set of all that is there: zones and lesion candidates of the models, and the reader's contours.
func (x Export) planContours(stem string, ready mapCache) []planned {
	any := len(x.Labels) > 0
	for _, p := range x.Predictions {
		any = any || len(emptyMaps(p).parts(p).structures) > 0
	}
	if !any {
		return nil
	}
	return []planned{{stem + "_" + contoursName, func(ctx context.Context, path string) error {
		var parts []part
		var notices []string
		for _, p := range x.Predictions {
			m, err := x.maps(ctx, p, ready)
			if err != nil {
				return err
			}
			from := m.parts(p)
			if x.shared(p) {
				from.suffix = " (" + p.Card.Name + ")"
			}
			parts = append(parts, from)
			if n := p.Card.Notice(); !slices.Contains(notices, n) {
				notices = append(notices, n)
			}
		}
		for _, l := range x.Labels {
			on, _, err := t2wMask(ctx, x.Exam, l.Mask)
			if err != nil {
				return err
			}
			parts = append(parts, l.part(on))
		}
		grid, _ := x.Exam.ReferenceGrid() // the plan has checked it
		return x.maker().contours(ctx, path, grid, parts, notices...)
	}}}
}

// planPictures plans the report and the view.
func (x Export) planPictures(stem string) []planned {
	var out []planned
	page := x.page()
	if x.has(PagePDF) {
		out = append(out, planned{stem + "_report.pdf", page.WritePDF})
	}
	if x.has(PagePNG) {
		out = append(out, planned{stem + "_report.png", page.WritePNG})
	}
	if x.has(ViewPNG) && x.View != nil {
		out = append(out, planned{stem + "_view.png", func(_ context.Context, path string) error { return WritePicture(path, x.View) }})
	}
	return out
}

// page is the report with what the export knows.
func (x Export) page() Page {
	page := x.Page
	if page.Exam == nil {
		page.Exam = x.Exam
	}
	if page.Predictions == nil {
		page.Predictions = x.Predictions
	}
	if page.Program == "" {
		page.Program = x.Program
	}
	return page
}

// writeProvenance writes the .json file.
func (x Export) writeProvenance(ctx context.Context, path, stem string, ready mapCache) error {
	out := Provenance{Format: ResultFormat, Program: x.Program, ResearchUse: Disclaimer, Results: []Result{}, Labels: []file{}}
	out.Exam = ResultExam{Key: x.Exam.Key, Series: []ResultSeries{}, Issues: x.Exam.Issues}
	if grid, ok := x.Exam.ReferenceGrid(); ok {
		out.Exam.T2WGrid = newResultGrid(grid)
	}
	for _, p := range x.Predictions {
		m, err := x.maps(ctx, p, ready)
		if err != nil {
			return err
		}
		files := []file{}
		for _, f := range x.files(m, p) {
			if x.has(f.item) {
				f.Name = x.fileName(stem, p, f)
				files = append(files, f)
			}
		}
		out.Results = append(out.Results, newResult(x.Exam, p, m, files, Options{Program: x.Program}))
	}
	if x.has(Contours) && len(x.planContours(stem, ready)) > 0 {
		out.Contours = []file{{Name: stem + "_" + contoursName, Meaning: x.maker().meaning(contoursMeaning)}}
	}
	if x.has(EditedLabels) {
		for _, l := range x.Labels {
			_, moved, err := t2wMask(ctx, x.Exam, l.Mask)
			if err != nil {
				return err
			}
			f := file{Name: stem + "_" + l.Name + x.ending(), Meaning: l.Meaning + "; drawn or corrected by a reader"}
			if moved {
				f.Meaning += ", brought from another grid (nearest voxel)"
			}
			out.Labels = append(out.Labels, f)
		}
	}
	return writeJSON(path, out)
}

// WritePicture writes a PNG, whole or not at all, and reads it back. It fails with [ErrVerify] or what the file
// system says. Not for the goroutine of a window.
func WritePicture(path string, img image.Image) error {
	if err := writePNG(path, img); err != nil {
		return err
	}
	f, _, err := codec.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerify, filepath.Base(path), err)
	}
	defer f.Close() //nolint:errcheck // only read
	return samePicture(filepath.Base(path), f, img)
}

// samePicture reports, as [ErrVerify], a PNG that differs from a picture.
func samePicture(name string, r io.Reader, want image.Image) error {
	got, err := png.Decode(r)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerify, name, err)
	}
	if got.Bounds().Size() != want.Bounds().Size() {
		return fmt.Errorf("%w: %s has %v pixels, had %v", ErrVerify, name, got.Bounds().Size(), want.Bounds().Size())
	}
	a, b := got.Bounds().Min, want.Bounds().Min
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r0, g0, b0, a0 := got.At(a.X+x, a.Y+y).RGBA()
			r1, g1, b1, a1 := want.At(b.X+x, b.Y+y).RGBA()
			if r0 != r1 || g0 != g1 || b0 != b1 || a0 != a1 {
				return fmt.Errorf("%w: %s differs at pixel (%d, %d)", ErrVerify, name, x, y)
			}
		}
	}
	return nil
}

// sameBytes writes a file whole and compares what is read back.
func sameBytes(path string, data []byte) error {
	if err := codec.WriteFile(path, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
		return err
	}
	f, _, err := codec.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerify, filepath.Base(path), err)
	}
	back, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrVerify, filepath.Base(path), err)
	}
	if !bytes.Equal(back, data) {
		return fmt.Errorf("%w: %s has other bytes", ErrVerify, filepath.Base(path))
	}
	return nil
}
