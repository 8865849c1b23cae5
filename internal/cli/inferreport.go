package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/measure"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report"
	"bayeslice/internal/volume"
)

// Files of the report, in the folder that the user names.
const (
	reportPDF = "report.pdf"
	reportPNG = "report.png"
)

// reportJob is the page that sums up an inference.
type reportJob struct {
	wanted   bool
	psa      string
	identity bool
}

// check refuses what can be refused before anything is read.
func (r reportJob) check(objects bool) error {
	switch {
	case !r.wanted && r.psa != "":
		return fmt.Errorf("%w: --psa is for the page that --report writes; add --report", errUsage)
	case !r.wanted && !objects && r.identity:
		return fmt.Errorf("%w: --identity is for the page that --report writes and the DICOM objects of --format; add one of them", errUsage)
	}
	if r.psa == "" {
		return nil
	}
	if _, err := measure.ParsePSA(r.psa); err != nil {
		return fmt.Errorf("%w: --psa %q: %w", errUsage, r.psa, err)
	}
	return nil
}

// suits refuses models that do not share one page.
func (r reportJob) suits(plan modelRuns) error {
	seen := map[modelcard.Task]string{}
	for _, m := range plan {
		if other, twice := seen[m.card.Task]; r.wanted && twice {
			return fmt.Errorf("%w: --report shows one model of each task, and %s and %s are both for %s; run them one by one", errUsage, other, m.model, m.card.Task)
		}
		seen[m.card.Task] = m.model
	}
	if _, anatomy := seen[modelcard.Anatomy]; r.psa != "" && !anatomy {
		return fmt.Errorf("%w: a PSA density needs the volume of the gland; add an anatomy model with --model", errUsage)
	}
	return nil
}

// free refuses to replace a report that is there.
func (r reportJob) free(dir string, overwrite bool) error {
	if !r.wanted || overwrite {
		return nil
	}
	for _, name := range []string{reportPDF, reportPNG} {
		switch _, err := os.Lstat(filepath.Join(dir, name)); {
		case err == nil:
			return fmt.Errorf("%w: %s", report.ErrExists, name)
		case !errors.Is(err, os.ErrNotExist):
			return err
		}
	}
	return nil
}

// report writes the page about what was sampled, also where a run was stopped or failed after a result.
func (s *session) report(ctx context.Context, j inferJob, e *exam.Exam, predictions []*inference.Prediction, reference *volume.Mask) error {
	if !j.report.wanted || len(predictions) == 0 {
		return nil
	}
	ctx, done := s.untilAbort(ctx)
	defer done()
	page := report.Page{Exam: e, Predictions: predictions, Program: s.program(), Reference: reference}
	if j.report.identity {
		page.Identity = &e.Identity
	}
	if err := s.facts(ctx, j.report, &page); err != nil {
		return err
	}
	if err := page.WritePDF(ctx, filepath.Join(j.out, reportPDF)); err != nil {
		return err
	}
	if err := page.WritePNG(ctx, filepath.Join(j.out, reportPNG)); err != nil {
		return err
	}
	s.say("wrote %s and %s", filepath.Join(j.out, reportPDF), reportPNG)
	return nil
}

// facts works out what the page shows beside the predictions.
func (s *session) facts(ctx context.Context, r reportJob, page *report.Page) error {
	if r.psa != "" {
		psa, err := measure.ParsePSA(r.psa)
		if err == nil {
			err = page.AddPSA(psa)
		}
		if err != nil { // such as a gland of no volume
			fmt.Fprintf(s.Err, "note: the report shows no PSA density: %s\n", sentence(err))
		}
	}
	if err := page.AddSectors(); err != nil {
		return err
	}
	return page.AddAlignment(ctx, nil)
}
