package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/report"
	"bayeslice/internal/volume"
)

// inferJob is one exam, one model or several, one result folder.
type inferJob struct {
	exam, out string
	models    []string // none: the bundled ones that the exam has images for
	samples   int
	seed      uint64
	converge  bool
	study     string
	roles     []string
	centre    string
	reference string
	overwrite bool
	report    reportJob
	formats   []string // beside NIfTI: of [formats]
	newUIDs   bool
}

// Formats of --format.
const (
	formatSEG      = "dicom-seg"
	formatRTStruct = "rtstruct"
)

// options say what is written of a prediction.
func (j inferJob) options(s *session, reference *volume.Mask) report.Options {
	return report.Options{Program: s.program(), Reference: reference, Overwrite: j.overwrite,
		SEG: slices.Contains(j.formats, formatSEG), RTStruct: slices.Contains(j.formats, formatRTStruct),
		DICOM: report.DICOMOptions{Identity: j.report.identity, NewUIDs: j.newUIDs, Created: time.Now()}}
}

func (s *session) inferCommand() *cobra.Command {
	var j inferJob
	c := &cobra.Command{
		Use:   "infer EXAM [--model MODEL] -o FOLDER",
		Short: "Sample models on an exam and write maps, result.json and a panel",
		Long: "Writes class probabilities, standard deviations, entropies, mutual information and masks as NIfTI on the\nT2W image's grid, result.json, and panel.png.\n--format adds DICOM SEG and RTSTRUCT, which name nobody unless --identity is given.\n\n" +
			"MODEL is a model file, or the name of a model that comes with the program (see `bayeslice model list`).\nOne model writes into FOLDER itself, several into a folder in it each. Without --model the bundled anatomy\n" +
			"model writes into FOLDER/anatomy and, where the exam has a high-b DWI and an ADC map, the bundled diagnosis\nmodel into FOLDER/diagnosis.\n\n" +
			"Ctrl-C stops sampling and writes what was sampled; a second Ctrl-C gives up.\nChoices made in the window are not used here: give them with --role.\n\n" + disclaimer,
		Example: "  bayeslice infer exam/ -o result/\n  bayeslice infer exam.zip --model diagnosis-fl -o result/ --converge --role HBV=8-b800\n  bayeslice infer exam/ --model mine.onnx -o result/",
		Args:    oneArg("an EXAM: a folder, ZIP or image file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			j.exam = args[0]
			return s.infer(cmd.Context(), j)
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&j.models, "model", "m", nil, "bundled model or model file; may be repeated")
	f.StringVarP(&j.out, "out", "o", "", "folder for the result (required)")
	f.IntVar(&j.samples, "samples", inference.DefaultSamples, "number of Monte-Carlo samples")
	f.Uint64Var(&j.seed, "seed", 1, "seed of the noise; the same seed gives the same result")
	f.BoolVar(&j.converge, "converge", false, "stop earlier when further samples would change nothing that is read from the maps")
	f.StringVar(&j.study, "study", "", "which exam, where the place holds several")
	f.StringArrayVar(&j.roles, "role", nil, "series for a role, as T2W=ID, HBV=ID or ADC=ID; may be repeated (IDs: exam show)")
	f.StringVar(&j.centre, "centre", "", "middle of the model's grid as x,y,z in LPS mm (default: middle of the T2W image)")
	f.StringVar(&j.reference, "reference", "", "mask drawn as white lines in the panel (NIfTI, MHA, NRRD or DICOM SEG)")
	f.BoolVar(&j.overwrite, "overwrite", false, "replace an earlier result")
	f.BoolVar(&j.report.wanted, "report", false, "also write a page that sums up all models: FOLDER/report.pdf and report.png")
	f.StringVar(&j.report.psa, "psa", "", "PSA in ng/mL, for the density on the report")
	f.BoolVar(&j.report.identity, "identity", false, "name the patient on the report and in DICOM objects; without it nothing written does")
	f.StringSliceVar(&j.formats, "format", nil, "also write "+formatSEG+" (masks and probabilities) or "+formatRTStruct+" (contours); several with commas")
	f.BoolVar(&j.newUIDs, "new-uids", false, "replace the UIDs of the exam in DICOM objects; no archive can then lay them over the images")
	return c
}

// check refuses what can be refused before anything is read.
func (j inferJob) check() error {
	switch {
	case j.out == "":
		return fmt.Errorf("%w: infer needs -o FOLDER for its result", errUsage)
	case j.samples < 1:
		return fmt.Errorf("%w: --samples is %d, at least one sample is needed", errUsage, j.samples)
	case j.newUIDs && (len(j.formats) == 0 || j.report.identity):
		return fmt.Errorf("%w: --new-uids is for DICOM objects that name nobody; add --format, and leave --identity out", errUsage)
	}
	for _, f := range j.formats {
		if f != formatSEG && f != formatRTStruct {
			return fmt.Errorf("%w: --format is %q; it is %s or %s, beside NIfTI, which is always written", errUsage, f, formatSEG, formatRTStruct)
		}
	}
	return j.report.check(len(j.formats) > 0)
}

// infer runs the job. A result is written also where its sampling was stopped or failed after a sample.
func (s *session) infer(ctx context.Context, j inferJob) (err error) {
	if err := j.check(); err != nil {
		return err
	}
	centre, err := parseCentre(j.centre)
	if err != nil {
		return err
	}
	plan, err := s.planModels(j)
	if err != nil {
		return err
	}
	if err := j.report.suits(plan); err != nil {
		return err
	}
	release, err := plan.claim(j.out, j.overwrite)
	defer release()
	if err != nil {
		return err
	}
	if err := j.report.free(j.out, j.overwrite); err != nil {
		return err
	}
	var reference *volume.Mask
	if j.reference != "" {
		if reference, err = imageio.OpenMask(j.reference); err != nil {
			return fmt.Errorf("reference %s: %w", filepath.Base(j.reference), err)
		}
	}
	e, err := s.openExam(ctx, j.exam, j.study, j.roles)
	if err != nil {
		return err
	}
	if len(j.models) == 0 {
		plan = s.leaveOut(plan, e)
	}
	var predictions []*inference.Prediction
	for _, r := range plan {
		p, err := s.inferOne(ctx, j, r, e, prep.Options{Centre: centre}, reference)
		if p != nil {
			predictions = append(predictions, p)
		}
		if err != nil {
			return errors.Join(err, s.report(ctx, j, e, predictions, reference))
		}
	}
	return s.report(ctx, j, e, predictions, reference)
}

// inferOne samples one model and writes its result, which it returns where it is written.
func (s *session) inferOne(ctx context.Context, j inferJob, r modelRun, e *exam.Exam, o prep.Options, reference *volume.Mask) (written *inference.Prediction, err error) {
	model, err := s.loadModel(ctx, r.model)
	if err != nil {
		return nil, err
	}
	open := model
	defer func() {
		if open != nil {
			err = errors.Join(err, open.Close())
		}
	}()
	prepared, err := model.Card().Recipe.Apply(ctx, e, o)
	if err != nil {
		return nil, err
	}
	if err := report.Room(r.out, e, prepared.Grid, model.Card(), j.options(s, nil)); err != nil { // before any time is spent on samples
		return nil, err
	}
	s.warn(e, prepared, model.Card())
	prediction, runErr := s.sample(ctx, model, prepared, j)
	if prediction == nil {
		return nil, runErr
	}
	open, runErr = nil, errors.Join(runErr, model.Close()) // now, since writing needs memory too
	debug.FreeOSMemory()
	writing, done := s.untilAbort(ctx)
	defer done()
	if err := report.Write(writing, r.out, e, prediction, j.options(s, reference)); err != nil {
		return nil, errors.Join(err, runErr)
	}
	s.summary(r.out, prediction)
	if runErr == nil && prediction.Stop == inference.Cancelled {
		return prediction, errInterrupted
	}
	return prediction, runErr
}

// untilAbort returns a context for writing what was sampled: it outlives the first interrupt, and
// ends at the second.
func (s *session) untilAbort(ctx context.Context) (context.Context, context.CancelFunc) {
	writing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-s.Abort:
			cancel()
		case <-writing.Done():
		}
	}()
	return writing, cancel
}

// sample draws the samples with a meter.
func (s *session) sample(ctx context.Context, m *inference.Model, p *prep.Prepared, j inferJob) (*inference.Prediction, error) {
	bar := newMeter(s.Err, "sampling")
	defer bar.close()
	sampler := inference.Sampler{Model: m, Samples: j.samples, Seed: j.seed, Clock: time.Now, SnapshotEvery: time.Hour,
		Progress: func(p inference.Progress) {
			note := ""
			if p.SecondsPerSample > 0 {
				note = fmt.Sprintf("%.3g s a sample", p.SecondsPerSample)
			}
			bar.set(p.Sample, p.Of, note)
		}}
	if j.converge {
		limits := inference.DefaultConvergence()
		sampler.Convergence = &limits
	}
	return sampler.Run(ctx, p, nil)
}

// warn says before the wait what the reader of the result must know.
func (s *session) warn(e *exam.Exam, p *prep.Prepared, card modelcard.Card) {
	if n := card.Notice(); n != "" {
		fmt.Fprintf(s.Err, "note: %s\n", n)
	}
	if e.Synthetic {
		fmt.Fprintln(s.Err, "note: this exam is SYNTHETIC")
	}
	for _, list := range [][]exam.Issue{e.Issues, p.Issues} {
		for _, i := range list {
			if i.Severity > exam.Note {
				fmt.Fprintf(s.Err, "%s: %s\n", i.Severity, i.Text)
			}
		}
	}
}

// summary prints what came out.
func (s *session) summary(dir string, p *inference.Prediction) {
	s.say("%s: %d of %d samples (%s) on %s", p.Card.Name, p.Samples, p.Requested, p.Stop, p.Device)
	for _, c := range p.Changes {
		fmt.Fprintf(s.Err, "note: %s.\n", c)
	}
	if len(p.Volumes) > 0 {
		s.say("  volume over the samples: mean [5th, 95th percentile]")
	}
	for _, v := range p.Volumes {
		s.say("  %-6s %6.1f mL [%.1f, %.1f]", v.Zone, v.ML.Mean, v.ML.P5, v.ML.P95)
	}
	for _, l := range p.Lesions {
		s.say("  lesion %d: confidence %.2f, in %d of %d samples, %.2f mL", l.ID, l.Confidence, l.Present, l.Samples, l.VolumeML)
	}
	if n := p.Card.Notice(); n != "" {
		s.say("  %s", n)
	}
	s.say("wrote %s (start with %s)", dir, filepath.Join(dir, report.PanelFile))
	s.say("%s", disclaimer)
}

// openExam opens an exam and puts series into roles as asked: by the flags, else as the user chose
// earlier for this exam, which is said on standard error.
func (s *session) openExam(ctx context.Context, path, study string, roles []string) (*exam.Exam, error) {
	bar := newMeter(s.Err, "reading")
	if !bar.live {
		bar.next = 101 // files come faster than lines are read
	}
	_, choices, err := stored()
	if err != nil {
		return nil, err
	}
	e, err := exam.Open(ctx, path, exam.Options{Study: study, Overrides: choices, Progress: func(p exam.Progress) { bar.set(p.Done, p.Total, p.Stage) }})
	bar.close()
	if err != nil {
		return nil, err
	}
	asked := map[exam.Role]bool{}
	for _, r := range roles {
		name, id, ok := strings.Cut(r, "=")
		if !ok {
			return nil, fmt.Errorf("%w: --role %q is not of the form T2W=ID", errUsage, r)
		}
		role := prep.Channel{Role: strings.ToUpper(name)}.ExamRole()
		if role == exam.RoleUnknown {
			return nil, fmt.Errorf("%w: --role %q: the role is T2W, HBV or ADC", errUsage, r)
		}
		if e, err = e.With(role, id); err != nil {
			return nil, err
		}
		asked[role] = true
	}
	for _, role := range exam.ReadingRoles {
		if choice := e.Roles[role]; choice.Overridden && !asked[role] {
			fmt.Fprintf(s.Err, "note: %s is series %s, as you chose for this exam before\n", role, choice.Series.ID)
		}
	}
	return e, nil
}

// parseCentre reads x,y,z; "" is nil.
func parseCentre(text string) (*geom.Vec3, error) {
	if text == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	var v geom.Vec3
	if len(parts) != len(v) {
		return nil, fmt.Errorf("%w: --centre %q is not of the form x,y,z (LPS mm)", errUsage, text)
	}
	for a, part := range parts {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			return nil, fmt.Errorf("%w: --centre %q: %q is not a number", errUsage, text, part)
		}
		v[a] = x
	}
	if !v.Finite() {
		return nil, fmt.Errorf("%w: --centre %q is not a point", errUsage, text)
	}
	return &v, nil
}
