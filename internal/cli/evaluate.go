package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bayeslice/internal/evaluate"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
)

// errLeftOut: the evaluation was written, without exams that could not be used.
var errLeftOut = errors.New("cli: not every exam could be evaluated")

// evaluateJob are the flags of evaluate.
type evaluateJob struct {
	evaluate.Options
	task, read, patient    string
	zones, predictionZones string
	segments, predicted    string
	lesionFrom             int
	out, name              string
	overwrite, skip        bool
}

// reads are the values of --read.
var reads = map[string]evaluate.Kind{"auto": "", "probabilities": evaluate.Probabilities, "mask": evaluate.Masks, "detection-map": evaluate.DetectionMaps}

func (s *session) evaluateCommand() *cobra.Command {
	var j evaluateJob
	c := &cobra.Command{
		Use:   "evaluate PREDICTIONS LABELS --task TASK -o FOLDER",
		Short: "Measure predictions against labels: segmentation, calibration, detection, diagnosis",
		Long: "PREDICTIONS and LABELS are folders with one NIfTI, MHA, NRRD or DICOM SEG file per exam, or a sub-folder for each, such as\n`bayeslice infer` and `bayeslice phantom` write; exams are paired by their names, and both may lie in one folder.\n" +
			"Predictions are maps of probabilities, masks, or detection maps. FOLDER gets " + evaluate.ResultFile + ", " + evaluate.ExamsFile + " with a line per\nexam, and " + evaluate.ReportFile + ", one page with the panels of the paper's Figure 2. With --figure-exam it has those of\nFigure 3 too: one slice of that exam with its prediction and reference, and the histogram of its probabilities.\n\n" +
			"An exam that cannot be used is left out and listed, and the command then ends with an error after it has written\nthe rest; --skip-bad makes that a note.\n\n" + disclaimer,
		Example: "  bayeslice evaluate results/ labels/ --task anatomy -o evaluation/\n  bayeslice evaluate maps/ labels/ --task diagnosis --lesion-from 2 --patient '^([0-9]+)_' -o evaluation/ --name FL\n" +
			"  bayeslice evaluate compare evaluation-ce/ evaluation-fl/ -o comparison/",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError("evaluate needs a folder of PREDICTIONS and one of LABELS, and got %d words; put names with blanks in quotes", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			j.Predictions, j.Labels = args[0], args[1]
			if err := j.settle(); err != nil {
				return err
			}
			return s.evaluate(cmd.Context(), &j)
		},
	}
	j.add(c)
	c.AddCommand(s.evaluateCompareCommand())
	return c
}

// add declares the flags.
func (j *evaluateJob) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&j.task, "task", "", "anatomy (zones) or diagnosis (csPCa); required")
	f.StringVarP(&j.out, "out", "o", "", "folder to write into (required)")
	f.BoolVar(&j.overwrite, "overwrite", false, "replace an earlier evaluation in the folder")
	f.StringVar(&j.name, "name", "", "name of the configuration, such as its loss, for comparisons")
	f.StringVar(&j.read, "read", "auto", "what single maps of lesions are: auto, probabilities, mask or detection-map")
	f.StringVar(&j.zones, "zones", string(evaluate.TZPZ), "what 1 and 2 mean in labels: "+string(evaluate.TZPZ)+" or "+string(evaluate.PZTZ))
	f.StringVar(&j.predictionZones, "prediction-zones", string(evaluate.TZPZ), "the same in predictions: masks, or the order of maps in one file")
	f.StringVar(&j.segments, "segments", "", "which segments of DICOM SEG labels are the classes, as TZ=1,PZ=2 or csPCa=3+4 (default: by their codes and labels)")
	f.StringVar(&j.predicted, "prediction-segments", "", "the same of predictions")
	f.IntVar(&j.lesionFrom, "lesion-from", 1, "smallest value of a lesion label that is csPCa; 2 for ISUP grades")
	f.StringVar(&j.patient, "patient", "", "regular expression whose first group takes the patient out of an exam's name, as '^([0-9]+)_' (default: every exam is a patient)")
	f.Float64Var(&j.Match.MinIoU, "min-iou", metrics.DefaultMinIoU, "overlap from which a candidate finds a lesion")
	f.BoolVar(&j.Match.Strict, "strict", false, "count second candidates on a lesion as false positives")
	f.IntVar(&j.Bins, "bins", metrics.DefaultBins, "bins of the calibration error")
	f.IntVar(&j.Bootstrap.Rounds, "rounds", metrics.DefaultRounds, "rounds of the bands")
	f.Uint64Var(&j.Bootstrap.Seed, "seed", 1, "seed of the bands; the same seed gives the same bands")
	f.StringVar(&j.FigureExam, "figure-exam", "", "name of the exam to draw as in the paper's Figure 3; compare puts it beside those of other configurations")
	f.StringVar(&j.Images, "images", "", "folder with the T2W image of that exam: NAME_t2w.nii.gz, or the exam in a sub-folder NAME (default: the labels')")
	f.BoolVar(&j.skip, "skip-bad", false, "end without an error where exams had to be left out")
}

// settle checks the flags and fills the options.
func (j *evaluateJob) settle() error {
	j.Task, j.Zones, j.PredictionZones = modelcard.Task(j.task), evaluate.Zones(j.zones), evaluate.Zones(j.predictionZones)
	kind, known := reads[j.read]
	switch {
	case j.Task != modelcard.Anatomy && j.Task != modelcard.Diagnosis:
		return usageError("--task is %q; it is %s or %s", j.task, modelcard.Anatomy, modelcard.Diagnosis)
	case j.out == "":
		return usageError("evaluate needs -o FOLDER")
	case !known:
		return usageError("--read is %q; it is auto, probabilities, mask or detection-map", j.read)
	case j.lesionFrom < 1 || j.lesionFrom > 255:
		return usageError("--lesion-from is %d; it is a number from 1 to 255", j.lesionFrom)
	case j.Images != "" && j.FigureExam == "":
		return usageError("--images is for the figure of an exam; name it with --figure-exam")
	case !(j.Match.MinIoU > 0 && j.Match.MinIoU <= 1):
		return usageError("--min-iou is %g; it is above 0 and at most 1", j.Match.MinIoU)
	case j.Bins < 1 || j.Bins > 1000:
		return usageError("--bins is %d; it is a number from 1 to 1000", j.Bins)
	case j.Bootstrap.Rounds < 1 || j.Bootstrap.Rounds > 1_000_000:
		return usageError("--rounds is %d; it is a number from 1 to 1,000,000", j.Bootstrap.Rounds)
	}
	j.Kind, j.LesionFrom = kind, uint8(j.lesionFrom)
	var err error
	if j.Segments, err = evaluate.ParseSegments(j.Task, j.segments); err != nil {
		return usageError("--segments: %v", err)
	}
	if j.PredictionSegments, err = evaluate.ParseSegments(j.Task, j.predicted); err != nil {
		return usageError("--prediction-segments: %v", err)
	}
	if j.patient == "" {
		return nil
	}
	r, err := regexp.Compile(j.patient)
	if err != nil || r.NumSubexp() < 1 {
		return usageError("--patient is %q; it is a regular expression with a group, as '^([0-9]+)_'", j.patient)
	}
	j.Patient = r
	return nil
}

// evaluate runs a job, writes its files and prints the figures.
func (s *session) evaluate(ctx context.Context, j *evaluateJob) error {
	if err := evaluate.Ready(j.out, j.overwrite, evaluate.ResultFile, evaluate.ExamsFile, evaluate.ReportFile); err != nil {
		return err
	}
	bar := newMeter(s.Err, "evaluating exams")
	j.Progress = func(done, total int) { bar.set(done, total, "") }
	j.Explain = listSentence
	r, err := evaluate.Run(ctx, j.Options)
	bar.close()
	if err != nil {
		return err
	}
	r.Program, r.Name, r.ResearchUse, r.Time = s.program(), j.name, disclaimer, time.Now().UTC().Format(time.RFC3339)
	if err := evaluate.WriteFolder(j.out, r, j.overwrite); err != nil {
		return err
	}
	if err := s.printEvaluation(r); err != nil {
		return err
	}
	if why := r.Undefined["Figure 3"]; why != "" {
		fmt.Fprintf(s.Err, "Figure 3: %s\n", why)
	}
	s.say("wrote %s", filepath.Join(j.out, evaluate.ReportFile))
	return s.leftOut(j, r)
}

// leftOut tells which exams are missing in a result.
func (s *session) leftOut(j *evaluateJob, r *evaluate.Result) error {
	for _, p := range r.Problems {
		fmt.Fprintf(s.Err, "left out: %s: %s\n", oneLine(p.Exam), p.Text)
	}
	if len(r.Problems) == 0 || j.skip {
		return nil
	}
	return fmt.Errorf("%w: %d of %d were left out, as listed above; the figures are of the others", errLeftOut, len(r.Problems), len(r.Problems)+r.Exams)
}

// printEvaluation prints the figures with their bands.
func (s *session) printEvaluation(r *evaluate.Result) error {
	table := tabwriter.NewWriter(s.Out, 2, 4, 2, ' ', 0)
	fmt.Fprintf(table, "%d exams\tvalue\t%g %% band\n", r.Exams, 100*r.Settings.Level)
	line := func(name string, b *metrics.Band) {
		if b != nil {
			fmt.Fprintf(table, "%s\t%.4f\t%.4f to %.4f\n", name, b.Value, b.Low, b.High)
		}
	}
	if c := r.Calibration; c != nil {
		line("NLL (nats)", c.NLL)
		line("Brier score", c.Brier)
		line("calibration error", c.ECE)
	}
	for _, x := range r.Structures {
		line(x.Name+" soft Dice", x.SoftDice)
		line(x.Name+" hard Dice", x.HardDice)
		line(x.Name+" HD95 (mm)", x.HD95)
		line(x.Name+" ASSD (mm)", x.ASSD)
		line(x.Name+" volume difference (mL)", x.DifferenceML)
	}
	if d := r.Detection; d != nil {
		line("AUROC", d.AUROC)
		line("average precision", d.AP)
		line("PI-CAI score", d.Score)
		line("partial area under FROC", d.PartialArea)
		line("maximum sensitivity", d.MaxSensitivity)
	}
	return table.Flush()
}

// compareJob are the flags of evaluate compare.
type compareJob struct {
	out       string
	overwrite bool
	tests     metrics.Permutation
}

func (s *session) evaluateCompareCommand() *cobra.Command {
	var j compareJob
	c := &cobra.Command{
		Use:   "compare RESULT... -o FOLDER",
		Short: "Put several evaluations on one page and test their differences",
		Long: "RESULT is a folder that evaluate wrote, or its " + evaluate.ResultFile + ". Results of one --name are one configuration: of its anatomy\nand its diagnosis the page shows all panels of the paper's Figure 2. Configurations of one task are tested in pairs,\n" +
			"on the exams that they have in common. FOLDER gets " + evaluate.ReportFile + " and " + evaluate.ComparisonFile + ".",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("compare needs the folders that evaluate wrote, two or more")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case j.out == "":
				return usageError("compare needs -o FOLDER")
			case j.tests.Rounds < 1 || j.tests.Rounds > 1_000_000:
				return usageError("--rounds is %d; it is a number from 1 to 1,000,000", j.tests.Rounds)
			}
			return s.compare(cmd.Context(), &j, args)
		},
	}
	f := c.Flags()
	f.StringVarP(&j.out, "out", "o", "", "folder to write into (required)")
	f.BoolVar(&j.overwrite, "overwrite", false, "replace an earlier comparison in the folder")
	f.IntVar(&j.tests.Rounds, "rounds", 2000, "exchanges that are drawn for a test; all are tried where there are no more")
	f.Uint64Var(&j.tests.Seed, "seed", 1, "seed of the tests")
	return c
}

func (s *session) compare(ctx context.Context, j *compareJob, paths []string) error {
	if err := evaluate.Ready(j.out, j.overwrite, evaluate.ComparisonFile, evaluate.ReportFile); err != nil {
		return err
	}
	var results []*evaluate.Result
	for _, path := range paths {
		r, err := evaluate.ReadResult(path)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	tests, err := evaluate.Compare(ctx, results, j.tests)
	if err != nil {
		return err
	}
	if err := evaluate.WriteComparison(j.out, results, tests, j.overwrite); err != nil {
		return err
	}
	table := tabwriter.NewWriter(s.Out, 2, 4, 2, ' ', 0)
	for _, c := range tests {
		fmt.Fprintf(table, "%s less %s, %s, %d exams\tdifference\tp\n", oneLine(c.Second), oneLine(c.First), c.Task, c.Exams)
		for _, t := range c.Tests {
			fmt.Fprintf(table, "  %s\t%+.4f\t%.4f\n", t.Figure, t.Difference, t.P)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	s.say("wrote %s", filepath.Join(j.out, evaluate.ReportFile))
	return nil
}
