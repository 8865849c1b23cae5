package exam

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/volume"
)

// Bounds of what is read into memory.
const (
	maxRepeats  = 16      // more time points or directions of one series are not listed one by one
	maxExam     = 4 << 30 // bytes of voxels
	loadWorkers = 2
	minSlices   = 5                // of a volume to read from, as in the rules
	singleSlice = "a single slice" // problem of a stack of one
)

// dicomReader turns an index of DICOM files into series.
type dicomReader struct {
	fsys     fs.FS
	keys     keyer
	progress *progress
	index    *dicom.Index
	mu       sync.Mutex // guards index.Failures while loading
}

// studies groups the indexed series by study, in order of first appearance.
func (r *dicomReader) studies() (uids []string, byStudy map[string][]*dicom.Series) {
	byStudy = map[string][]*dicom.Series{}
	for _, s := range r.index.Series {
		uid := s.Header.Study
		if byStudy[uid] == nil {
			uids = append(uids, uid)
		}
		byStudy[uid] = append(byStudy[uid], s)
	}
	return uids, byStudy
}

// pick chooses the study to open, failing with [SeveralExamsError] or [ErrNoSuchStudy].
func (r *dicomReader) pick(want string) (uid string, series []*dicom.Series, err error) {
	uids, byStudy := r.studies()
	if want == "" && len(uids) == 1 {
		return uids[0], byStudy[uids[0]], nil
	}
	several := &SeveralExamsError{}
	var hits []string
	for _, uid := range uids {
		key := r.keys.examKey(uid)
		if want != "" && strings.HasPrefix(key, strings.ToLower(want)) {
			hits = append(hits, uid)
		}
		several.Studies = append(several.Studies, r.studyInfo(key, byStudy[uid]))
	}
	switch {
	case len(hits) == 1:
		return hits[0], byStudy[hits[0]], nil
	case want != "" && len(hits) == 0:
		return "", nil, fmt.Errorf("%w: none begins with %q; %s", ErrNoSuchStudy, want, strings.TrimPrefix(several.Error(), "exam: "))
	}
	return "", nil, several
}

// studyInfo describes a study by its headers.
func (r *dicomReader) studyInfo(key string, series []*dicom.Series) StudyInfo {
	info := StudyInfo{Key: key, Name: nameOf(key), Date: isoDate(series[0].Header.Identity.StudyDate), Series: len(series)}
	kinds, modalities := map[Role]bool{}, map[string]bool{}
	for _, ds := range series {
		info.Images += ds.Files
		if m := ds.Header.Modality; m != "" {
			modalities[m] = true
		}
		for _, stack := range ds.Stacks {
			if s := r.describe(ds, stack); stack.Problem == nil && s.Excluded == "" {
				kinds[s.Kind] = true
			}
		}
	}
	info.Modalities = slices.Sorted(maps.Keys(modalities))
	for _, role := range ReadingRoles {
		if kinds[kindFor(role)] {
			info.Roles = append(info.Roles, kindFor(role))
		}
	}
	return info
}

// isoDate turns 20110707 into 2011-07-07.
func isoDate(d string) string {
	if len(d) != 8 {
		return ""
	}
	return d[:4] + "-" + d[4:6] + "-" + d[6:]
}

// read makes the exam of one study: all its series listed, their voxels loaded, roles not yet chosen.
func (r *dicomReader) read(ctx context.Context, uid string, series []*dicom.Series) (*Exam, error) {
	e := &Exam{Key: r.keys.examKey(uid), Identity: identityOf(series[0].Header)}
	e.Name = nameOf(e.Key)
	var jobs []loadJob
	patients := map[string]bool{}
	for _, ds := range series {
		patients[ds.Header.Identity.PatientID] = true
		listed := r.list(ds)
		for _, j := range listed {
			e.Series = append(e.Series, j.series)
		}
		jobs = append(jobs, listed...)
	}
	if len(patients) > 1 {
		e.found = append(e.found, Issue{Code: SeveralPatients, Severity: Severe, Text: fmt.Sprintf(
			"the study holds images of %d different patient IDs; make sure that they are one patient's", len(patients))})
	}
	uniqueIDs(e.Series)
	if err := r.load(ctx, jobs); err != nil {
		return nil, err
	}
	for _, j := range jobs {
		j.series.notes(j.stack)
	}
	e.found = append(e.found, r.placeIssues()...)
	return e, nil
}

func identityOf(h *dicom.Header) Identity {
	i := h.Identity
	return Identity{PatientName: i.PatientName, PatientID: i.PatientID, BirthDate: i.BirthDate, Institution: i.Institution, StudyDate: i.StudyDate}
}

// loadJob is a listed series and where its voxels come from.
type loadJob struct {
	series *Series
	stack  *dicom.Stack
}

// list makes one Series of every stack; few slices in mixed orientations make one together. Repeats
// beyond maxRepeats are named in an issue instead.
func (r *dicomReader) list(ds *dicom.Series) []loadJob {
	var jobs []loadJob
	var mixed *Series
	unlisted, images := 0, 0
	for _, stack := range ds.Stacks {
		switch {
		case stack.Repeats > maxRepeats && stack.Repeat > 1:
			unlisted++
			images += len(stack.Frames)
		case ds.Orientations > 1 && len(stack.Frames) < minSlices && mixed != nil:
			mixed.Images += len(stack.Frames)
		default:
			job := loadJob{r.describe(ds, stack), stack}
			if ds.Orientations > 1 && len(stack.Frames) < minSlices {
				mixed = job.series
				mixed.Problem = fmt.Sprintf("it mixes %d slice orientations, as a localizer does", ds.Orientations)
				mixed.cause = dicom.ErrGeometry
			}
			jobs = append(jobs, job)
		}
	}
	first := jobs[0].series
	note := func(code, format string, args ...any) {
		first.found = append(first.found, Issue{Code: code, Severity: Note, Text: fmt.Sprintf("series %d ", ds.Header.SeriesNumber) + fmt.Sprintf(format, args...)})
	}
	if unlisted > 0 {
		note(TimePoints, "repeats the same slices; the first repeat is listed, the other %d (%d images) are not", unlisted, images)
	}
	if ds.Copies > 0 {
		note(DuplicateSlice, "has %s more than once, which %s left out", plural(ds.Copies, "image"), wasWere(ds.Copies))
	}
	if ds.Orientations > 1 {
		note(MixedOrientation, "mixes %d slice orientations and was taken apart by them", ds.Orientations)
	}
	shortSisters(ds, jobs)
	return jobs
}

// shortSisters compares the stacks of one series that differ in b-value alone: the one with fewer
// slices lacks some at an end, which its own positions cannot tell.
func shortSisters(ds *dicom.Series, jobs []loadJob) {
	for _, j := range jobs {
		s, most := j.stack, 0
		if s.Problem != nil || !s.B.Known {
			continue
		}
		for _, o := range ds.Stacks {
			if o.Problem == nil && o.B.Known && o.Grid.Dir == s.Grid.Dir {
				most = max(most, o.Grid.Size[2])
			}
		}
		if s.Grid.Size[2] < most {
			j.series.found = append(j.series.found, Issue{Code: MissingSlice, Severity: Warning, Text: fmt.Sprintf(
				"series %d has %d slices at b = %s and %d at another b-value: slices are missing at an end", ds.Header.SeriesNumber, s.Grid.Size[2], number(s.B.Value), most)})
		}
	}
}

// describe makes a Series without voxels.
func (r *dicomReader) describe(ds *dicom.Series, stack *dicom.Stack) *Series {
	h, first := ds.Header, stack.Frames[0]
	s := &Series{
		Number: h.SeriesNumber, Description: h.Description, HasB: stack.B.Known, B: stack.B.Value,
		FrameOfReference: r.keys.hash(16, first.Header.FrameOfReference), Images: len(stack.Frames), Manufacturer: h.Manufacturer,
		facts: dicomFacts(ds, stack), origin: setting{h.PatientPosition, r.keys.hash(16, h.Identity.PatientID)}, source: stack.Origin(),
	}
	s.ID = fmt.Sprintf("s%d", h.SeriesNumber)
	if stack.B.Known && len(ds.Stacks) > 1 {
		s.ID += "-b" + number(stack.B.Value)
	}
	if stack.Repeat > 0 {
		s.ID += fmt.Sprintf("-r%d", stack.Repeat)
	}
	s.facts.texts["uid"] = r.keys.hash(4, h.Series)
	s.verdict = rules().judge(s.facts)
	s.Kind, s.Excluded, s.Calculated = s.verdict.kind, s.verdict.excluded, s.verdict.calculated && s.verdict.kind == DWI
	s.SourceBs = sourceBs(s, h)
	if s.Kind == ADC { // files of ADC maps repeat one of the b-values they were computed from
		s.HasB, s.B = false, 0
	}
	s.Synthetic = synthetic(h)
	return s
}

// sourceBs finds the b-values that an ADC or calculated image was computed from.
func sourceBs(s *Series, h *dicom.Header) []float64 {
	if s.Kind != ADC && !s.Calculated {
		return nil
	}
	for _, text := range []string{h.Sequence, h.Derivation, h.Description, h.Comments, h.Protocol} {
		if r := dicom.RangeOfB(text); r != nil {
			return r
		}
	}
	return nil
}

// synthetic recognises what internal/phantom writes.
func synthetic(h *dicom.Header) bool {
	return strings.HasPrefix(h.Manufacturer, "Bayeslice phantom") || strings.Contains(strings.ToUpper(h.Comments), "SYNTHETIC") ||
		strings.Contains(strings.ToUpper(h.Description), "SYNTHETIC")
}

// uniqueIDs tells series of equal ID apart by a hash of their instance UID, which stays the same
// whatever else lies beside them, and by a count where even that is equal.
func uniqueIDs(series []*Series) {
	count := map[string]int{}
	for _, s := range series {
		count[s.ID]++
	}
	seen := map[string]int{}
	for _, s := range series {
		if count[s.ID] > 1 {
			s.ID += "-" + s.facts.texts["uid"]
		}
		if seen[s.ID]++; seen[s.ID] > 1 {
			s.ID += fmt.Sprintf("-%d", seen[s.ID])
		}
	}
}

// load reads the voxels of all jobs, two at a time. What cannot be read becomes the series' Problem.
func (r *dicomReader) load(ctx context.Context, jobs []loadJob) error {
	images, total := 0, int64(0)
	for _, j := range jobs {
		if j.series.Problem == "" && j.stack.Problem == nil {
			images += len(j.stack.Frames)
		}
	}
	r.progress.stage("reading images", images)
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(loadWorkers)
	for _, j := range jobs {
		if j.series.Problem == "" && j.stack.Problem != nil {
			j.series.Problem, j.series.cause = plain(j.stack.Problem), j.stack.Problem
		}
		if j.series.Problem != "" {
			continue
		}
		if total += 4 * int64(j.stack.Grid.Voxels()); total > maxExam {
			j.series.Problem, j.series.cause = fmt.Sprintf("not read, since the exam is larger than %d GB", maxExam>>30), ErrTooLarge
			continue
		}
		group.Go(func() error { return r.loadOne(gctx, j) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// loadOne reads one series' voxels and brings an ADC to its unit.
func (r *dicomReader) loadOne(ctx context.Context, j loadJob) error {
	s := j.series
	unit, unused := realWorldUnit(j.stack, s.Kind)
	if unused != nil {
		s.found = append(s.found, *unused)
	}
	o := dicom.LoadOptions{Invert: s.Kind != ADC, RealWorld: unit, Each: r.progress.step}
	data, err := j.stack.Load(ctx, r.fsys, o)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		s.Volume, err = volume.New(j.stack.Grid, data, "")
	}
	if err != nil {
		s.Problem, s.cause = plain(err), err
		r.mu.Lock()
		r.index.Failures = append(r.index.Failures, dicom.Failure{Name: j.stack.Frames[0].Header.Name, Err: err})
		r.mu.Unlock()
		return nil
	}
	if s.Kind == ADC {
		scaled, issue := scaleADC(s.Volume, unit.Value)
		s.Volume = scaled
		if issue != nil {
			s.found = append(s.found, *issue)
		}
	}
	return nil
}

// problems lists the files that failed, for the window.
func (r *dicomReader) problems(root string) []FileProblem {
	var out []FileProblem
	for _, f := range r.index.Failures {
		out = append(out, FileProblem{Path: path.Join(root, f.Name), Err: inPrint(f.Err)})
	}
	return out
}
