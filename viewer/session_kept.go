package viewer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
	"bayeslice/internal/prep"
	"bayeslice/internal/resultfile"
	"bayeslice/internal/session"
	"bayeslice/viewer/viewstate"
)

// finished is what is shown that need not be sampled again: results that are complete or were stopped, of an exam.
type finished struct {
	exam    *exam.Exam
	results []*inference.Prediction
}

// finishedNow lists the results that are shown, but for those that are still growing.
func (w *Window) finishedNow() finished {
	f := finished{exam: w.state.Exam()}
	add := func(p *inference.Prediction) {
		if p != nil && p.Samples > 0 && p.Stop != inference.Running && p.ModelSHA != "" && !slices.Contains(f.results, p) {
			f.results = append(f.results, p)
		}
	}
	for _, task := range runTasks {
		add(w.state.Prediction(task))
		for slot := range viewstate.ViewportCount {
			add(w.state.ComparedOf(task, slot).Prediction)
		}
	}
	return f
}

// same reports whether nothing is to be written anew.
func (f finished) same(o finished) bool {
	return f.exam == o.exam && slices.Equal(f.results, o.results)
}

// write keeps the results beside the session file at path; where there are none, no file stays. It runs on a worker.
func (f finished) write(ctx context.Context, path string) error {
	path = resultfile.Beside(path)
	var all []resultfile.Kept
	sums := map[string]string{}
	for _, p := range f.results {
		inputs := fmt.Sprint(p.Card.Recipe.Channels, p.Moved)
		if _, known := sums[inputs]; !known {
			sums[inputs], _ = resultfile.InputSum(f.exam, p.Card.Recipe, p.Moved)
		}
		if sums[inputs] != "" { // else its series is in its role no more
			all = append(all, resultfile.Kept{Inputs: sums[inputs], Prediction: p})
		}
	}
	if len(all) > 0 {
		return resultfile.Write(ctx, path, all)
	}
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// keptResults is what was found beside a session file.
type keptResults struct {
	of      map[int]*inference.Prediction // by the number of the result in the session
	misfits int                           // results of other images than those that are open
	err     error                         // what could not be read
}

// readResults reads the results of a session that fit its exam from the file beside it. It runs on a worker.
func readResults(ctx context.Context, f *session.File, e *exam.Exam, path string) keptResults {
	out := keptResults{of: map[int]*inference.Prediction{}}
	var wanted []session.Result
	if json.Unmarshal(f.Sections[resultsSection{}.SectionName()], &wanted) != nil {
		return out // restoring the section tells it
	}
	of := func(k resultfile.Key, r session.Result) bool {
		return k.Model == r.Hash && k.Seed == r.Seed && k.Samples == r.Samples
	}
	all, err := resultfile.Read(ctx, resultfile.Beside(path), func(k resultfile.Key) bool {
		return slices.ContainsFunc(wanted, func(r session.Result) bool { return of(k, r) })
	})
	if !errors.Is(err, fs.ErrNotExist) { // sessions of old have no such file
		out.err = err
	}
	for _, k := range all {
		p := k.Prediction
		sum, _ := resultfile.InputSum(e, p.Card.Recipe, p.Moved)
		for i, r := range wanted {
			switch {
			case !of(k.Key(), r) || string(p.Card.Task) != r.Task || !maps.Equal(r.Moves, movesOf(p.Moved)):
			case sum != k.Inputs:
				out.misfits++
			default:
				out.of[i] = p
			}
		}
	}
	return out
}

// movesOf returns by how much images were moved, by Series.ID.
func movesOf(moved []prep.Moved) map[string]geom.Vec3 {
	var out map[string]geom.Vec3
	for _, m := range moved {
		if out == nil {
			out = map[string]geom.Vec3{}
		}
		out[m.Series] = m.MM
	}
	return out
}

// showKept shows the results that were found beside the session file and returns those that have to be sampled again.
func (w *Window) showKept(wanted []session.Result) (rest []session.Result) {
	kept := w.keptFound
	w.keptFound = keptResults{}
	var shown []*inference.Prediction
	w.state.Update(func() {
		for i, r := range wanted {
			p, ok := kept.of[i]
			if !ok {
				rest = append(rest, r)
				continue
			}
			w.place(r, r.Model, p)
			shown = append(shown, p)
		}
	})
	if len(shown) > 0 {
		w.bar.deviceIs = Device{Name: shown[len(shown)-1].Device}
		w.run.finish(shown, nil)
	}
	w.tellMisfits(kept)
	return rest
}

// tellMisfits says why results that were kept are not shown.
func (w *Window) tellMisfits(kept keptResults) {
	title := lang.T("Results of the session are sampled again")
	switch {
	case kept.err != nil:
		w.showError(title, kept.err)
	case kept.misfits > 0:
		w.showSentence(title, lang.N(kept.misfits, "%d result was made from other images than those that are here now.", "%d results were made from other images than those that are here now."),
			lang.T("Compare the new results with your notes before you rely on them."), "")
	}
}
