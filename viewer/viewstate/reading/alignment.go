package reading

import (
	"context"
	"errors"
	"math"

	"bayeslice/internal/align"
	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// alignment is what is known about T2W against diffusion.
type alignment struct {
	asked    int       // counts checks, so that the answer to an old one is dropped
	of       [3]string // IDs of the T2W, ADC and high-b series that are checked, "" where there is none
	running  bool
	done     float64 // 0…1 of the check under way
	estimate *align.Estimate
	problem  string // why there is no estimate, or ""
}

// Task is an alignment check to be run away from the window's goroutine.
type Task struct {
	asked     int
	t2w       *volume.Volume
	diffusion []*volume.Volume
	region    align.Region
}

// Run checks the alignment. It may run on any goroutine; progress (0…1) is called there.
func (t Task) Run(ctx context.Context, progress func(done float64)) (*align.Estimate, error) {
	return align.Check(ctx, t.t2w, t.diffusion, t.region, func(done, total int) { progress(float64(done) / float64(total)) })
}

// StartCheck prepares a check of the images as the files place them, whatever offset is shown; ok is false where one is running, or
// the exam lacks what it needs, which [Reading.AlignmentProblem] then says.
func (r *Reading) StartCheck() (t Task, ok bool) {
	a := &r.alignment
	if a.running {
		return Task{}, false
	}
	t2w, adc, highB := r.chosen(exam.T2W), r.chosen(exam.ADC), r.chosen(exam.HighB)
	a.asked++
	t.asked = a.asked
	for _, s := range []*exam.Series{adc, highB} {
		if s != nil && s.Volume != nil {
			t.diffusion = append(t.diffusion, s.Volume)
		}
	}
	if t2w == nil || t2w.Volume == nil || len(t.diffusion) == 0 {
		a.problem = lang.T("The check needs a T2W and a diffusion series: choose both under Exam.")
		r.tell()
		return Task{}, false
	}
	t.t2w, t.region = t2w.Volume, align.CentralRegion(t2w.Volume.Grid())
	if p := r.state.Prediction(modelcard.Anatomy); p != nil && p.Hard != nil {
		if gland, found := align.RegionOf(p.Hard); found {
			t.region = gland
		}
	}
	a.running, a.done, a.estimate, a.problem, a.of = true, 0, nil, "", r.checkable()
	r.tell()
	return t, true
}

// checkable returns the IDs of the series that a check takes.
func (r *Reading) checkable() (ids [3]string) {
	for i, role := range [3]exam.Role{exam.T2W, exam.ADC, exam.HighB} {
		if s := r.chosen(role); s != nil {
			ids[i] = s.ID
		}
	}
	return ids
}

// takeEstimate shows the estimate of an earlier check of the series that are in the roles now.
func (r *Reading) takeEstimate(e align.Estimate) {
	r.alignment = alignment{asked: r.alignment.asked + 1, of: r.checkable(), estimate: &e}
}

// dropOtherCheck forgets a check, also one under way, of other series than those in the roles now.
func (r *Reading) dropOtherCheck() {
	if a := &r.alignment; (a.running || a.estimate != nil) && a.of != r.checkable() {
		*a = alignment{asked: a.asked + 1}
	}
}

// CheckProgress tells how far a check is.
func (r *Reading) CheckProgress(t Task, done float64) {
	if a := &r.alignment; t.asked == a.asked && a.running {
		a.done = done
		r.tell()
	}
}

// EndCheck takes the result of a check; one of an exam that is not open any more is dropped.
func (r *Reading) EndCheck(t Task, e *align.Estimate, err error) {
	a := &r.alignment
	if t.asked != a.asked {
		return
	}
	a.running, a.estimate = false, e
	switch {
	case errors.Is(err, context.Canceled):
		a.problem = lang.T("The check was stopped.")
	case err != nil:
		a.estimate, a.problem = nil, lang.T("The alignment was not checked: %s.", alignReason(err))
	}
	r.tell()
}

// Checking reports whether a check is running, and how far it is (0…1).
func (r *Reading) Checking() (running bool, done float64) {
	return r.alignment.running, r.alignment.done
}

// Estimate returns the result of the check, or nil.
func (r *Reading) Estimate() *align.Estimate { return r.alignment.estimate }

// AlignmentProblem says why there is no estimate, or "".
func (r *Reading) AlignmentProblem() string { return r.alignment.problem }

// AlignmentText says what the check found.
func (r *Reading) AlignmentText() string {
	e := r.alignment.estimate
	if e == nil {
		return ""
	}
	return lang.T("Diffusion lies %s (± %.1f, %.1f, %.1f mm) from T2W.", offsetText(e.Shift), e.SE.Left, e.SE.Back, e.SE.Head)
}

// AlignmentAdvice says how sure the check is, and what follows.
func (r *Reading) AlignmentAdvice() string {
	e := r.alignment.estimate
	switch {
	case e == nil:
		return ""
	case !e.Confidence.Reliable():
		return e.Confidence.Meaning()
	case e.Notable():
		return e.Confidence.Meaning() + " " + lang.T("The shift is more than half a diffusion voxel: look at both images, then apply the correction if it fits.")
	}
	return e.Confidence.Meaning() + " " + lang.T("The shift is less than half a diffusion voxel: no correction is needed.")
}

// offsetText writes an offset along the patient's sides.
func offsetText(o align.Offset) string {
	side := func(mm float64, plus, minus string) string {
		if mm < 0 {
			return lang.T("%.1f mm %s", -mm, minus)
		}
		return lang.T("%.1f mm %s", mm, plus)
	}
	return side(o.Left, "L", "R") + ", " + side(o.Back, "P", "A") + ", " + side(o.Head, "H", "F")
}

// Offset returns the manual correction in force, along the frame of the T2W image: that of the ADC map, else of the high-b image.
func (r *Reading) Offset() align.Offset { return r.alongT2W(r.moves()) }

// wholeMicrons rounds mm so that what was set is what is read.
func wholeMicrons(mm float64) float64 { return math.Round(mm*1e6) / 1e6 }

// OffsetText writes the correction in force.
func (r *Reading) OffsetText() string {
	o := r.Offset()
	if o.Zero() {
		return lang.T("none: as the files place them")
	}
	return millimetres(o)
}

// ApplyEstimate makes the opposite of the measured shift the correction in force; false where there is none that can be trusted.
func (r *Reading) ApplyEstimate() bool {
	e := r.alignment.estimate
	if e == nil || !e.Confidence.Reliable() {
		return false
	}
	r.SetOffset(e.Correction())
	return true
}

// NudgeMM is the step of the nudge buttons.
const NudgeMM = 0.5

// maxOffsetMM bounds the correction: images further apart do not belong together.
const maxOffsetMM = 50

// Nudge moves the diffusion images by one offset more.
func (r *Reading) Nudge(by align.Offset) { r.SetOffset(r.Offset().Add(by)) }

// SetOffset displays every diffusion image displaced by an offset along the frame of T2W; zero takes it back. Values stay as they are. An
// offset longer than 50 mm is ignored.
func (r *Reading) SetOffset(o align.Offset) {
	t2w := r.chosen(exam.T2W)
	if t2w == nil || t2w.Volume == nil || !(o.Length() <= maxOffsetMM) {
		return
	}
	by := align.FrameOf(t2w.Volume.Grid()).World(o)
	r.state.Update(func() {
		for _, s := range r.state.Exam().Series {
			if s != t2w && s.Volume != nil && (s.HasB || s.Kind == exam.ADC || s == r.chosen(exam.ADC) || s == r.chosen(exam.HighB)) {
				r.state.SetOffset(s.ID, by)
			}
		}
		r.redraw()
	})
}
