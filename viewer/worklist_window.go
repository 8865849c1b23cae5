package viewer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bayeslice/internal/annotate"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/session"
	"bayeslice/internal/volume"
	"bayeslice/internal/worklist"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/compare"
	"bayeslice/viewer/viewstate/queue"
)

// Ranker is an [Engine] that samples exams one after the other for a work list.
type Ranker interface {
	// Ranking returns how a folder's exams are opened and sampled with a model. It is called off the UI goroutine and
	// may take seconds; it fails as [Engine.Predict] does.
	Ranking(ctx context.Context, m Model) (worklist.Sampling, error)
}

// addReview makes the parts of the window that say what to look at next: uncertain spots, comparison, work list. It is
// called once the contours are there.
func (w *Window) addReview() {
	spots := queue.NewSpots(w.state, newWorker(w.ctx, w.do, &w.work))
	against := compare.New(w.state, newWorker(w.ctx, w.do, &w.work))
	against.SetEdited(editedLabels{w})
	against.SetSettle(settle)
	w.review = newReviewPanel(w, spots, against)
	writer := newWorker(context.WithoutCancel(w.ctx), w.do, &w.work) // what waits to be written is written when the window closes
	w.list = newListPanel(w, queue.NewList(w.state, writer, now))
	w.addPanel("review", lang.T("Review"), w.review, viewstate.Contour)
	w.addPanel("list", lang.T("List"), w.list, viewstate.Contour)
	w.addSection(against.SessionSection(w.maskRestored))
	w.addSection(listSection{w})
	w.handle(viewstate.NextCase, w.nextCase)
	w.handle(viewstate.AcceptCase, w.acceptCase)
	w.handle(viewstate.FlagCase, w.flagCase)
	w.handle(viewstate.NextSpot, w.noSpot)
	w.handle(viewstate.PreviousSpot, w.noSpot)
}

// noSpot answers the keys for spots where none is known.
func (w *Window) noSpot() {
	if w.state.Exam() != nil {
		w.selectPanel(w.review)
	}
}

// pickList asks for a folder of exams.
func (w *Window) pickList() { w.pickPath(pickExams, func(path string) { w.OpenList(path, "") }) }

// OpenList opens the work list of a folder of exams; file is where it is kept, "" in the folder.
func (w *Window) OpenList(folder, file string) {
	w.list.list.Open(folder, file, func(err error) {
		switch {
		case w.closing:
		case err != nil:
			w.showError(lang.T("The work list was not opened"), err)
		default:
			w.followOrigin()
			w.selectPanel(w.list)
		}
	})
}

// listWritten tells where the list could not be written.
func (w *Window) listWritten(err error) {
	if err != nil && !w.closing {
		w.showError(lang.T("The work list was not written"), err)
	}
}

// followOrigin tells the list which exam is open, once it is known where that came from.
func (w *Window) followOrigin() {
	w.work.Go(func() { // the place is noted when those who follow the state have been told of the exam
		w.do(func() {
			if w.closing {
				return
			}
			before, _ := w.list.list.Current()
			w.list.list.Opened(w.origin.path, w.origin.study)
			if e, ok := w.list.list.Current(); ok && e.ID() != before.ID() {
				w.openedEntry(e)
			}
		})
	})
}

// openedEntry shows the labels that were saved for an exam of the list, and runs the models.
func (w *Window) openedEntry(e worklist.Entry) {
	w.selectPanel(w.list)
	_, _, folder := w.list.list.Place(e)
	w.labels.openSaved(saveTarget{folder: folder, stem: listStem, extension: labelExtensions[0]})
	w.startRunWhenModelsKnown()
}

// listStem begins the names of the files of labels that belong to a list.
const listStem = "labels"

// openSaved puts contours that were saved for the exam in their place and saves to the same files from now on. What
// was drawn meanwhile stays.
func (l *labels) openSaved(t saveTarget) {
	count, grid := l.count, l.grid
	l.target = t
	l.w.work.Go(func() {
		d, err := savedDocument(l.w.ctx, t, grid)
		l.w.do(func() {
			switch {
			case !l.current(count):
			case err != nil:
				l.w.showError(lang.T("The saved contours were not opened"), err)
			case d != nil && !l.editor.Unsaved():
				l.replace(d, false)
				l.editor.Tell(lang.T("The contours of the work list are open."))
			}
		})
	})
}

// savedDocument reads the contours that were saved; nil where there are none. It runs on a worker.
func savedDocument(ctx context.Context, t saveTarget, grid geom.Grid) (*annotate.Document, error) {
	var found [2]*volume.Mask
	for n, layer := range [...]annotate.Layer{annotate.Zones, annotate.Lesions} {
		m, err := imageio.OpenMask(t.file(layer))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			found[n], _, err = annotate.ToLayer(ctx, m, grid, layer, false)
		}
		if err != nil {
			return nil, err
		}
	}
	if found[0] == nil && found[1] == nil {
		return nil, nil //nolint:nilnil // nothing was saved
	}
	return annotate.FromMasks(grid, found[0], found[1])
}

// openEntry opens an exam of the list. Unsaved contours of the one before are saved first.
func (w *Window) openEntry(id string) {
	e, ok := w.list.list.Find(id)
	if !ok || w.closing {
		return
	}
	path, study, _ := w.list.list.Place(e)
	w.leaveCase(func() { w.open(path, study) })
}

// leaveCase saves what was drawn on an exam of the list as work in progress, and then goes on. Where it cannot be
// saved, the exam stays open.
func (w *Window) leaveCase(then func()) {
	e, ok := w.list.list.Current()
	if !ok || !w.labels.editor.Unsaved() {
		then()
		return
	}
	w.saveCase(e, func() {
		if e.State != worklist.NotStarted {
			then()
			return
		}
		w.list.list.Mark(e.ID(), worklist.InProgress, func(err error) {
			w.listWritten(err)
			if err == nil {
				then()
			}
		})
	})
}

// saveCase writes the contours of an exam of the list into the list's folder, and calls then where that worked.
func (w *Window) saveCase(e worklist.Entry, then func()) {
	shot := w.labels.editor.Snapshot()
	_, _, folder := w.list.list.Place(e)
	if shot == nil || shot.Empty(annotate.Zones) && shot.Empty(annotate.Lesions) && !w.labels.editor.Unsaved() {
		then() // nothing is drawn, and nothing was
		return
	}
	w.work.Go(func() {
		err := os.MkdirAll(folder, 0o750)
		w.do(func() {
			switch {
			case w.closing:
			case err != nil:
				w.showError(lang.T("The contours were not saved"), err)
			default:
				w.labels.saveTo(saveTarget{folder: folder, stem: listStem, extension: labelExtensions[0]}, then)
			}
		})
	})
}

// nextCase goes on with the next exam that is not done.
func (w *Window) nextCase() {
	if !w.list.list.IsOpen() {
		w.selectPanel(w.list)
		w.pickList()
		return
	}
	next, ok := w.list.list.Next()
	if !ok {
		_, text := w.list.list.Progress()
		w.showSentence(lang.T("The work list"), lang.T("No other exam is left to do."), lang.T("%s. Flagged ones can be opened in the list.", text), "")
		return
	}
	w.openEntry(next.ID())
}

// acceptCase saves the contours, marks the exam as completed, and goes on with the next one.
func (w *Window) acceptCase() { w.finishCase(worklist.Completed, true) }

// flagCase saves the contours and puts the exam aside; it stays open, so that a note can be written.
func (w *Window) flagCase() { w.finishCase(worklist.Flagged, false) }

// finishCase saves the contours of the open exam, marks it, and may go on.
func (w *Window) finishCase(state worklist.State, goOn bool) {
	e, ok := w.list.list.Current()
	if !ok {
		w.showSentence(lang.T("The work list"), lang.T("The open exam is in no work list."), lang.T("Open the folder of exams under List, and the exam from there."), "")
		return
	}
	w.saveCase(e, func() {
		w.list.list.Mark(e.ID(), state, func(err error) {
			w.listWritten(err)
			if err != nil || w.closing {
				return
			}
			if goOn {
				w.nextCase()
			} else {
				w.selectPanel(w.list)
				w.win.Canvas().Focus(w.list.note)
			}
		})
	})
}

// toggleSampling samples the exams of the list in the background, or stops that.
func (w *Window) toggleSampling() {
	if _, busy := w.list.list.Sampling(); busy {
		w.list.list.StopSampling()
		return
	}
	ranker, ok := w.opt.Engine.(Ranker)
	m, known := w.rankingModel()
	if !ok || !known {
		w.showSentence(lang.T("The exams were not sampled"), lang.T("No model is chosen."), lang.T("Choose one in the run panel below, then sample again."), "")
		return
	}
	lazy := &lazyRanking{ranker: ranker, model: m}
	o := worklist.Sampling{Explain: listExplain}
	run, finish, ok := w.list.list.BeginSampling(w.ctx, o, w.do, lazy.prepare)
	if !ok {
		return
	}
	w.work.Go(func() {
		err := run()
		w.do(func() {
			finish()
			if err != nil && !errors.Is(err, context.Canceled) && !w.closing {
				w.showError(lang.T("The exams were not sampled"), err)
			}
		})
	})
}

// lazyRanking loads the model when the sampling has begun, off the UI goroutine.
type lazyRanking struct {
	ranker Ranker
	model  Model
}

// prepare completes a sampling.
func (r *lazyRanking) prepare(ctx context.Context, o *worklist.Sampling) error {
	ready, err := r.ranker.Ranking(ctx, r.model)
	if err != nil {
		return err
	}
	o.Predictor, o.Open, o.Choices = ready.Predictor, ready.Open, ready.Choices
	return nil
}

// rankingModel is the model that exams are ranked with: the chosen one of the zones, else the other.
func (w *Window) rankingModel() (Model, bool) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if picker := w.run.pickers[task]; picker != nil {
			if m := picker.model(); m != nil {
				return *m, true
			}
		}
	}
	return Model{}, false
}

// listExplain is what is kept in the list of an exam that cannot be used.
func listExplain(err error) string {
	what, next, _ := explain(err)
	return what + " " + next
}

// maskRestored tells where a mask of a session cannot be read.
func (w *Window) maskRestored(err error) {
	if err != nil && !w.closing {
		w.showError(lang.T("A mask of the session was not loaded"), err)
	}
}

// listSection makes the work list part of session files: which one is open, told by where it lies from the open
// exam, since paths may be patients' names. What is in the list is its own file's.
type listSection struct{ w *Window }

var _ session.Section = listSection{}

// savedList is the stored form: the folder of the list is so many levels above the exam.
type savedList struct {
	Levels int `json:"levels"`
}

// maxLevels bounds how far above the exam a list is looked for.
const maxLevels = 8

// SectionName implements [session.Section].
func (listSection) SectionName() string { return "worklist" }

// SaveSection implements [session.Section]. A list that does not lie above the open exam is not remembered.
func (x listSection) SaveSection() (any, error) {
	folder, file := x.w.list.list.Paths()
	if folder == "" || filepath.Dir(file) != folder {
		return nil, nil //nolint:nilnil // nothing to remember
	}
	at := x.w.origin.path
	for levels := range maxLevels {
		if at == folder {
			return savedList{levels}, nil
		}
		at = filepath.Dir(at)
	}
	return nil, nil //nolint:nilnil // nothing to remember
}

// RestoreSection implements [session.Section]. The list is read on a worker.
func (x listSection) RestoreSection(data json.RawMessage) error {
	var in savedList
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("viewer: the work list of the session is damaged: %w", err)
	}
	at := x.w.origin.path
	if at == "" || in.Levels < 0 || in.Levels >= maxLevels {
		return nil
	}
	for range in.Levels {
		at = filepath.Dir(at)
	}
	x.w.OpenList(at, "")
	return nil
}
