package dataset

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
	"bayeslice/training"
)

// entry is one usable exam.
type entry struct {
	prints
	source *source
	about  about
}

// id tells exams apart, also those that are copies of one another.
func (e *entry) id() string { return e.key + " " + e.source.name }

// about is what is kept of an exam besides its example. No names.
type about struct {
	Patient   string   `json:"patient,omitempty"` // hash of the patient's ID in the images, "" where there is none
	Synthetic bool     `json:"synthetic"`
	Voxels    []int    `json:"voxels"` // by class
	Notes     []string `json:"notes,omitempty"`
}

// positive reports whether the label has foreground.
func (a *about) positive() bool {
	for _, n := range a.Voxels[1:] {
		if n > 0 {
			return true
		}
	}
	return false
}

// prepareAll prepares the exams, a few at a time, fills in entries and skipped, and returns the patients of
// all exams, also of those that cannot be used: folds do not depend on what a configuration can use.
func (d *Dataset) prepareAll(ctx context.Context, sources []*source) ([]Patient, error) {
	entries, bad := make([]*entry, len(sources)), make([]error, len(sources))
	var telling sync.Mutex
	var failed atomic.Bool // an exam cannot be used, and the user did not say that it may be left out
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, min(4, runtime.GOMAXPROCS(0))))
	for i, s := range sources {
		g.Go(func() error {
			if failed.Load() {
				return nil
			}
			e, cached, err := d.prepared(ctx, s)
			switch {
			case errors.Is(err, training.ErrExample) && ctx.Err() == nil:
				bad[i] = err
				failed.Store(!d.options.Skip)
			case err != nil:
				return err
			default:
				entries[i] = e
			}
			telling.Lock()
			defer telling.Unlock()
			if done++; d.options.Progress != nil {
				d.options.Progress(Progress{Exam: s.name, Cached: cached, Done: done, Total: len(sources)})
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range sources {
		switch {
		case bad[i] != nil && !d.options.Skip:
			return nil, bad[i]
		case bad[i] != nil:
			d.skipped = append(d.skipped, bad[i])
		case entries[i] != nil:
			d.entries = append(d.entries, entries[i])
			for _, text := range entries[i].about.Notes {
				d.note(sources[i].name, text)
			}
		}
	}
	all := patients(sources, entries)
	d.noteLarge(all, len(sources))
	return all, nil
}

// noteLarge tells of a patient with so many exams that the ID may be one that anonymisation gave to all.
func (d *Dataset) noteLarge(all []Patient, exams int) {
	for _, p := range all {
		if n := len(p.Exams); n > 4 && n*d.options.Folds > exams {
			d.note(p.Exams[0], fmt.Sprintf("it and %d more of %d exams are of one patient and stay in one fold; where anonymisation gave several patients one ID, name the patients in a list of the exams", n-1, exams))
		}
	}
}

// patients groups exams by patient: the one that the data's lists name, else that of the images, else the
// exam is a patient by itself. Copies of an exam are of one patient, whatever else is said of them.
func patients(sources []*source, entries []*entry) []Patient {
	group := make([]int, len(sources)) // index of an earlier exam of the patient, or its own
	first := map[string]int{}
	find := func(i int) int {
		for group[i] != i {
			i = group[i]
		}
		return i
	}
	join := func(i int, mark string) {
		if other, ok := first[mark]; ok {
			a, b := find(i), find(other)
			group[max(a, b)] = min(a, b)
			return
		}
		first[mark] = i
	}
	for i, s := range sources {
		group[i] = i
		if s.patient != "" {
			join(i, "listed "+s.patient)
		} else if entries[i] != nil && entries[i].about.Patient != "" {
			join(i, "image "+entries[i].about.Patient)
		}
		if entries[i] != nil {
			join(i, "copy "+entries[i].images)
		}
	}
	at := map[int]int{}
	var out []Patient
	for i, s := range sources {
		root := find(i)
		if _, ok := at[root]; !ok {
			at[root] = len(out)
			out = append(out, Patient{ID: sources[root].name})
		}
		p := &out[at[root]]
		p.Exams = append(p.Exams, s.name)
		positive := entries[i] != nil && entries[i].about.positive()
		if s.made != nil {
			positive = s.made.Positive
		}
		p.Positive = p.Positive || positive
	}
	return out
}

// prepared returns an exam's entry, prepared now where the cache does not hold it.
func (d *Dataset) prepared(ctx context.Context, s *source) (e *entry, cached bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if s.bad != nil {
		return nil, false, bad(s.name, s.bad)
	}
	p, err := d.options.prints(ctx, s)
	if err != nil {
		return nil, false, err
	}
	e = &entry{source: s, prints: p}
	x, known, err := d.read(e)
	if err == nil {
		e.about = known
		d.memory.put(e.id(), x)
		return e, true, nil
	}
	if errors.Is(err, errDamaged) {
		d.note(s.name, "its prepared copy was damaged and has been made anew")
	}
	x, e.about, err = d.make(ctx, s)
	if err != nil {
		return nil, false, err
	}
	if err := d.write(e, x); err != nil {
		return nil, false, err
	}
	d.memory.put(e.id(), x)
	return e, false, nil
}

// bad returns a [training.ErrExample] that keeps its cause.
func bad(name string, cause error) error {
	return fmt.Errorf("%w: %s: %w", training.ErrExample, name, cause)
}

// make prepares an exam. What is wrong with it is a [training.ErrExample]; ctx's error stays itself.
func (d *Dataset) make(ctx context.Context, s *source) (*training.Example, about, error) {
	x, a, err := d.exampleOf(ctx, s)
	if err == nil {
		return x, a, nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, about{}, ctx.Err()
	case s.made != nil, errors.Is(err, phantom.ErrConfig), errors.Is(err, prep.ErrRecipe), errors.Is(err, training.ErrExample):
		return nil, about{}, err
	}
	return nil, about{}, bad(s.name, err)
}

// exampleOf makes an example of whatever the source is.
func (d *Dataset) exampleOf(ctx context.Context, s *source) (*training.Example, about, error) {
	if s.made != nil {
		return d.fromMade(ctx, s.made)
	}
	p, err := s.load(ctx)
	if err != nil {
		return nil, about{}, err
	}
	return d.example(ctx, s, p)
}

// load reads or generates the exam and its mask, values as stored.
func (s *source) load(ctx context.Context) (*pair, error) {
	if s.bad != nil { // it has no way to open then
		return nil, s.bad
	}
	if s.generate != nil {
		return s.generate(ctx)
	}
	e, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	m, err := imageio.OpenMask(s.mask)
	if err != nil {
		return nil, fmt.Errorf("its mask: %w", err)
	}
	return &pair{exam: e, mask: m}, nil
}

// example brings image and mask to the model's grid.
func (d *Dataset) example(ctx context.Context, s *source, p *pair) (*training.Example, about, error) {
	a := about{Patient: patientHash(p.exam.Identity.PatientID), Synthetic: p.exam.Synthetic}
	ready, err := d.options.Recipe.Apply(ctx, p.exam, prep.Options{})
	if err != nil {
		return nil, a, err
	}
	classes, err := s.table.apply(p.mask)
	if err != nil {
		return nil, a, err
	}
	for _, i := range ready.Issues {
		if i.Code == prep.IssueNonFinite {
			return nil, a, fmt.Errorf("its image holds values that are not finite: %s; correct it, or leave the exam out", strings.TrimSuffix(i.Text, "."))
		}
	}
	t2w, _ := p.exam.ReferenceGrid() // Apply found it
	fit, err := fits(classes.Grid(), t2w, ready.Grid)
	if err != nil {
		return nil, a, err
	}
	on, err := ready.ApplyMask(ctx, classes)
	if err != nil {
		return nil, a, err
	}
	x := &training.Example{Exam: s.name, Image: ready.Input, Label: on.Data()}
	if err := x.Check(d.shape); err != nil {
		return nil, a, err
	}
	lost, err := cut(classes, on)
	if err != nil {
		return nil, a, err
	}
	a.Voxels = countClasses(on.Data(), d.shape.Classes)
	a.Notes = notes(d.options.Recipe, p.exam, ready, fit, lost)
	return x, a, nil
}

// countClasses counts the voxels of each class.
func countClasses(label []uint8, classes int) []int {
	out := make([]int, classes)
	for _, c := range label {
		out[c]++
	}
	return out
}

// notes collects what the user must be told about a usable exam: warnings of the series that are read, and
// of preparation, and how the mask fits.
func notes(r prep.Recipe, e *exam.Exam, p *prep.Prepared, own ...string) []string {
	read := map[string]bool{"": true}
	for _, c := range r.Channels {
		if s := e.Chosen(c.ExamRole()); s != nil {
			read[s.ID] = true
		}
	}
	var out []string
	for _, i := range append(append([]exam.Issue(nil), e.Issues...), p.Issues...) {
		needless := i.Code == exam.NoADC || i.Code == exam.NoHighB || i.Code == exam.LabelFiles
		if i.Severity >= exam.Warning && read[i.Series] && !needless {
			out = append(out, i.Text)
		}
	}
	for _, text := range own {
		if text != "" {
			out = append(out, text)
		}
	}
	return out
}

// cut reports how much of the foreground is lost on the model's grid: a note from a tenth, an error, as a
// clause, where all is.
func cut(mask, on *volume.Mask) (note string, err error) {
	before, after := mask.Region(), on.Region()
	switch {
	case before.Voxels == 0:
		return "", nil
	case after.Voxels == 0:
		return "", fmt.Errorf("the %.2g mL that its mask marks do not reach the model's grid; choose a larger grid, or leave the exam out", before.ML)
	case after.ML < 0.9*before.ML:
		return fmt.Sprintf("%.0f %% of what its mask marks lies outside the model's grid", 100*(1-after.ML/before.ML)), nil
	}
	return "", nil
}

// Tolerances of the mask's grid, as shares of the smallest spacing.
const (
	sameGrid    = 0.1 // further apart is not the same grid
	roundedGrid = 0.5 // further apart, with equal voxel counts, is a lost header and not rounding
)

// fits judges the grid of a mask against that of the T2W image. Another grid is accepted, with a note, where
// it covers every voxel of the model's grid that lies in the image. The error is a clause.
func fits(mask, t2w, model geom.Grid) (note string, err error) {
	m, t := mask.Anatomical(), t2w.Anatomical()
	least := min(t.Spacing[0], t.Spacing[1], t.Spacing[2])
	if m.SameAs(t, sameGrid*least) {
		return "", nil
	}
	if m.Size == t.Size {
		if !m.SameAs(t, roundedGrid*least) {
			return "", fmt.Errorf("its mask has as many voxels as its T2W image, but other positions: its header was lost or it is another exam's; copy the image's geometry to the mask, or give the right one")
		}
		return "its mask is less than half a voxel away from its T2W image, and was read as it lies", nil
	}
	if share := coverage(mask, t2w, model); share < 1 {
		return "", fmt.Errorf("its mask (%s) does not fit its T2W image (%s): it covers %.1f %% of what the model reads; give the mask of this exam, or resample it to the image",
			gridWords(m), gridWords(t), 100*share)
	}
	return fmt.Sprintf("its mask (%s) lies on another grid than its T2W image (%s), and was read by nearest neighbour", gridWords(m), gridWords(t)), nil
}

// gridWords describes a grid.
func gridWords(g geom.Grid) string {
	return fmt.Sprintf("%d × %d × %d voxels of %.3g × %.3g × %.3g mm", g.Size[0], g.Size[1], g.Size[2], g.Spacing[0], g.Spacing[1], g.Spacing[2])
}

// coverage returns the share of the model's voxels inside the image that lie inside the mask too.
func coverage(mask, image, model geom.Grid) float64 {
	in, both := 0, 0
	for k := range model.Size[2] {
		for j := range model.Size[1] {
			for i := range model.Size[0] {
				w := model.World(geom.Vec3{float64(i), float64(j), float64(k)})
				if !inside(image, w) {
					continue
				}
				in++
				if inside(mask, w) {
					both++
				}
			}
		}
	}
	if in == 0 {
		return 0
	}
	return float64(both) / float64(in)
}

// inside reports whether a point is in the space that the voxels of a grid fill.
func inside(g geom.Grid, world geom.Vec3) bool {
	const slack = 1e-3 // voxels, for the rounding of headers
	v := g.Voxel(world)
	for a := range v {
		if v[a] < -0.5-slack || v[a] > float64(g.Size[a])-0.5+slack {
			return false
		}
	}
	return true
}
