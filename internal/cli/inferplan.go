package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report"
)

// modelRun is one model of an inference.
type modelRun struct {
	model string // name of a bundled one, or a file
	card  modelcard.Card
	out   string // folder of its result
}

// modelRuns are the models of an inference in the order in which they run.
type modelRuns []modelRun

// planModels finds the models of a job, each checked, and the folders of their results.
func (s *session) planModels(j inferJob) (modelRuns, error) {
	if len(j.models) == 0 {
		return s.planBundled(j.out)
	}
	var runs modelRuns
	folders := map[string]string{}
	for _, m := range j.models {
		f, err := s.bundled().Read(m)
		if err != nil {
			return nil, err
		}
		out := j.out
		if len(j.models) > 1 {
			name := strings.TrimSuffix(filepath.Base(m), ".onnx")
			if other, taken := folders[name]; taken {
				return nil, usageError("--model %s and --model %s would both write into a folder %q; run them one by one", other, m, name)
			}
			folders[name] = m
			out = filepath.Join(j.out, name)
		}
		runs = append(runs, modelRun{model: m, card: f.Card, out: out})
	}
	return runs, nil
}

// planBundled plans the bundled model of each task.
func (s *session) planBundled(out string) (modelRuns, error) {
	if _, err := s.bundled().List(); err != nil {
		return nil, err
	}
	var runs modelRuns
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if b, ok := s.bundled().Best(task); ok {
			runs = append(runs, modelRun{model: b.Name, card: b.Card, out: filepath.Join(out, string(task))})
		}
	}
	if len(runs) == 0 {
		return nil, usageError("infer needs --model FILE, since this build comes without models; `bayeslice model init` makes an untrained one")
	}
	return runs, nil
}

// claim makes the folders ready for results. release removes those of them that stayed empty.
func (p modelRuns) claim(out string, overwrite bool) (release func(), err error) {
	var made []string
	release = func() {
		for _, dir := range made { // a failure leaves no empty folder behind; Remove keeps one that holds anything
			_ = os.Remove(dir)
		}
	}
	if _, err := os.Stat(out); errors.Is(err, os.ErrNotExist) {
		made = []string{out}
	}
	for _, r := range p {
		if _, err := os.Stat(r.out); r.out != out && errors.Is(err, os.ErrNotExist) {
			made = append([]string{r.out}, made...) // before its parent
		}
		if err := report.Ready(r.out, overwrite); err != nil {
			return release, err
		}
	}
	return release, nil
}

// leaveOut drops the models that the exam has no images for, but the first, which then says what is
// missing. What is left out is said on standard error.
func (s *session) leaveOut(p modelRuns, e *exam.Exam) modelRuns {
	kept := p[:1]
	for _, r := range p[1:] {
		var missing []string
		for _, c := range r.card.Recipe.Channels {
			if choice := e.Roles[c.ExamRole()]; choice.Series == nil {
				missing = append(missing, c.ExamRole().String())
			}
		}
		if len(missing) > 0 {
			fmt.Fprintf(s.Err, "note: the exam has no %s, so that the %s model is not run\n", strings.Join(missing, " and no "), r.card.Task)
			continue
		}
		kept = append(kept, r)
	}
	return kept
}
