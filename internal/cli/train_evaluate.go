package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"bayeslice/inference"
	"bayeslice/internal/evaluate"
	"bayeslice/internal/models"
	"bayeslice/training/cohort"
	"bayeslice/training/fold"
	"bayeslice/training/trainer"
)

// evaluationName is the folder of a run's evaluation.
const evaluationName = "evaluation"

// evaluationFlag declares how many executions the evaluation at the end takes.
func evaluationFlag(f *pflag.FlagSet, samples *int) {
	f.IntVar(samples, "evaluation-samples", inference.DefaultSamples, "executions per exam in the evaluation at the end, 0 for none")
}

// maxEvaluationSamples bounds --evaluation-samples.
const maxEvaluationSamples = 100_000

// checkEvaluation refuses numbers of executions that cannot be.
func checkEvaluation(samples int) error {
	if samples < 0 || samples > maxEvaluationSamples {
		return usageError("--evaluation-samples is %d; it is a number from 0 to %d", samples, maxEvaluationSamples)
	}
	return nil
}

// evaluated says whether the run's evaluation is complete.
func evaluated(run *trainer.Run) bool {
	_, err := os.Stat(filepath.Join(run.Dir(), evaluationName, evaluate.ResultFile))
	return err == nil
}

// evaluateRun measures a finished run's model on the exams that it did not learn from, and writes the folder evaluation
// of the run. Where there are none, or samples is 0, it does nothing.
func (s *session) evaluateRun(ctx context.Context, run *trainer.Run, data *cohort.Cohort, d device, samples int) error {
	set := data.Validation
	if samples == 0 || set == nil || set.Len() == 0 {
		return nil
	}
	c, dir := run.Config(), filepath.Join(run.Dir(), evaluationName)
	bar := newMeter(s.Err, "evaluating")
	use, measured := s.use()
	defer measured()
	r, err := fold.Write(ctx, filepath.Join(run.Dir(), trainer.ModelName), models.On(ctx, d.on, use), set, dir, true, fold.Options{
		Samples: samples, Seed: c.Seed, Skip: c.SkipBad, Explain: listSentence, Readers: data.Shares, Progress: func(done, total int) { bar.set(done, total, "") },
		Moved: func(note string) { fmt.Fprintf(s.Err, "note: %s.\n", note) },
	}, fold.About{Program: s.program(), Name: string(c.Loss.Kind), ResearchUse: disclaimer, Time: time.Now()})
	bar.close()
	if err != nil {
		return s.notEvaluated(ctx, run, err)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(s.Err, "left out: %s: %s\n", oneLine(p.Exam), p.Text)
	}
	s.say("evaluated   %s with %s each: %s", plural(r.Exams, "exam"), plural(samples, "execution"), filepath.Join(dir, evaluate.ReportFile))
	return nil
}

// notEvaluated says how to have the evaluation of a model that is written already.
func (s *session) notEvaluated(ctx context.Context, run *trainer.Run, err error) error {
	again := "bayeslice train resume " + shellWord(run.Dir())
	if ctx.Err() != nil && onlyCancelled(err) {
		s.say("the evaluation was stopped; do it with: %s", again)
		return errInterrupted
	}
	fmt.Fprintf(s.Err, "note: the model is complete, its evaluation is not; try that again with: %s\n", again)
	return err
}
