package viewer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/resultfile"
	"bayeslice/internal/session"
	"bayeslice/viewer/viewstate"
)

// addSection makes a part of the window remember itself in session files. Sections are saved and restored
// in the order in which they were added, with the exam they belong to open.
func (w *Window) addSection(s session.Section) { w.sections = append(w.sections, s) }

const textSessionUnsaved lang.Text = "The session was not saved"

// sessionNow collects what is open.
func (w *Window) sessionNow() (session.File, error) {
	f := session.File{Program: program, Saved: now().UTC()}
	if e := w.state.Exam(); e != nil {
		f.Exam = &session.Exam{Path: w.origin.path, Study: w.origin.study, Key: e.Key, Demo: w.origin.demo}
	}
	sections, err := session.Collect(w.sections, w.foreign)
	f.Sections = sections
	return f, err
}

// saveSession asks where and saves everything that is open.
func (w *Window) saveSession() {
	if w.state.Exam() == nil {
		w.showSentence(textSessionUnsaved.String(), lang.T("No exam is open."), lang.T("Open an exam first."), "")
		return
	}
	w.pickPath(pickSessionSave, func(path string) { w.saveSessionTo(session.WithExtension(path)) })
}

// saveSessionTo saves everything that is open.
func (w *Window) saveSessionTo(path string) {
	f, err := w.sessionNow()
	if err != nil {
		w.showError(textSessionUnsaved.String(), err)
		return
	}
	results := w.finishedNow()
	w.work.Go(func() {
		unkept := results.write(context.WithoutCancel(w.ctx), path)
		err := session.Write(path, f)
		w.do(func() {
			switch {
			case w.closing:
			case err != nil:
				w.showError(textSessionUnsaved.String(), err)
			case unkept != nil:
				w.showError(lang.T("The session is saved, its results are not kept"), unkept)
			default:
				w.run.tell(lang.T("The session is saved."), "")
			}
		})
	})
}

// openSession asks for a session file and restores it.
func (w *Window) openSession() { w.pickPath(pickSession, w.OpenSession) }

// OpenSession restores what a session file remembers.
func (w *Window) OpenSession(path string) {
	w.work.Go(func() {
		f, err := session.Open(path)
		at := ""
		if err == nil && f.Exam != nil {
			at = found(f.Exam.Places(path))
		}
		w.do(func() {
			switch {
			case w.closing:
			case err != nil:
				w.showError(lang.T("The session was not opened"), err)
			case f.Exam == nil:
				w.showSentence(lang.T("The session was not opened"), lang.T("No exam was open when it was saved."), lang.T("Open an exam instead."), "")
			case at == "" && !f.Exam.Demo:
				w.askMoved(f, path)
			default:
				w.restore(f, path, at)
			}
		})
	})
}

// found returns the first place that exists, or "". A place that cannot be looked at counts: opening it
// will say why.
func found(places []string) string {
	for _, p := range places {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			return p
		}
	}
	return ""
}

// askMoved says that the exam of a session is gone and asks for its new place.
func (w *Window) askMoved(f *session.File, from string) {
	text := lang.T("The exam of this session is not where it was. Choose its new place, and the session is restored from there.")
	if !w.state.Private() && f.Exam.Path != "" {
		text += "\n\n" + lang.T("It was at %s", f.Exam.Path)
	}
	body := widget.NewLabel(text)
	body.Wrapping = fyne.TextWrapWord
	var d *dialog.CustomDialog
	choose := func(kind pickKind) func() {
		return func() {
			d.Hide()
			w.pickPath(kind, func(path string) { w.restore(f, from, path) })
		}
	}
	folder := widget.NewButton(lang.T("Choose a folder …"), choose(pickFolder))
	folder.Importance = widget.HighImportance
	file := widget.NewButton(lang.T("Choose a file …"), choose(pickFile))
	cancel := widget.NewButton(lang.T("Cancel"), func() { d.Hide() })
	d = dialog.NewCustomWithoutButtons(lang.T("The exam has moved"), container.New(fixedWidth{460}, body), w.win)
	d.SetButtons([]fyne.CanvasObject{cancel, file, folder})
	w.showEscaped(d)
}

// isSessionFile reports whether a path is named as a session file is.
func isSessionFile(path string) bool { return strings.EqualFold(filepath.Ext(path), session.Extension) }

// errOtherExam says that a place holds another exam than the session's.
var errOtherExam = errors.New("viewer: another exam than that of the session")

// restore opens the exam of a session, which was read from a file, at a place and then gives every part what it remembers.
func (w *Window) restore(f *session.File, from, at string) {
	if f.Exam.Demo {
		at = ""
	}
	var kept keptResults
	w.startOpening(lang.T("Opening the session …"), func(ctx context.Context, progress func(Progress)) (*exam.Exam, error) {
		e, err := w.examOf(ctx, f, at, progress)
		if err == nil {
			progress(Progress{Stage: lang.T("Reading the results …")})
			kept = readResults(ctx, f, e, from)
		}
		return e, err
	}, func(err error) {
		if err != nil {
			w.showError(lang.T("The session was not opened"), err)
			return
		}
		w.opened(origin{path: at, study: f.Exam.Study, demo: f.Exam.Demo})
		w.foreign, w.keptFound = f.Sections, kept
		w.tellUnrestored(f.Restore(w.sections))
	})
}

// examOf opens the exam of a session with the series in the roles that they had. It runs on a worker.
func (w *Window) examOf(ctx context.Context, f *session.File, at string, progress func(Progress)) (e *exam.Exam, err error) {
	if f.Exam.Demo {
		e, err = w.opt.Engine.DemoExam(ctx, progress)
	} else {
		e, err = w.opt.Engine.OpenExam(ctx, at, f.Exam.Study, progress)
	}
	if err != nil {
		return nil, err
	}
	if e.Key != f.Exam.Key {
		return nil, fmt.Errorf("%w; choose the place of the exam that the session was saved with", errOtherExam)
	}
	data, ok := f.Sections[viewSection]
	if !ok {
		return e, nil
	}
	roles, err := viewstate.SavedRoles(data)
	if err != nil {
		return e, nil //nolint:nilerr // restoring the section tells it
	}
	for role, id := range roles {
		if s := e.Chosen(role); s != nil && s.ID == id {
			continue
		}
		if changed, err := w.opt.Engine.Choose(ctx, e, role, id); changed != nil && (err == nil || errors.Is(err, exam.ErrOverrides)) {
			e = changed
		}
	}
	return e, nil
}

// viewSection is the name of the section of the state.
const viewSection = "view"

// tellUnrestored says which parts of a session were left out.
func (w *Window) tellUnrestored(problems []session.Problem) {
	var lines []string
	for _, p := range problems {
		if p.Err == nil {
			lines = append(lines, lang.T("“%s” is of a newer version of the program; it is kept in the file.", p.Section))
		} else {
			lines = append(lines, detail(p.Err))
		}
	}
	if len(lines) > 0 {
		w.showSentence(lang.T("The session was restored in part"), lang.N(len(lines), "%d part was left out.", "%d parts were left out."),
			lang.T("Everything else is as it was."), strings.Join(lines, "\n"))
	}
}

// sessionEvery is how often what is open is remembered beside the end of the program, for the start after
// a crash.
const sessionEvery = 30 * time.Second

// remember keeps what is open now and then, where it changed.
func (w *Window) remember() {
	if w.kept.store == nil || w.opt.Unattended {
		return
	}
	time.AfterFunc(sessionEvery, func() {
		w.do(func() {
			if w.closing {
				return
			}
			if w.state.Exam() != nil && !w.kept.prefs.NoRecents {
				w.keepLastSession()
			}
			w.remember()
		})
	})
}

// keepLastSession remembers what is open for the next start, or forgets it where the user wants no traces
// or nothing is open.
func (w *Window) keepLastSession() {
	if w.kept.store == nil || w.opt.Unattended {
		return
	}
	path := w.kept.store.LastSession()
	if w.kept.prefs.NoRecents || w.state.Exam() == nil {
		w.kept.remembered, w.kept.results = nil, finished{}
		w.work.Go(func() {
			w.kept.mu.Lock() // one that is being written must not come back
			defer w.kept.mu.Unlock()
			_ = removeSession(path)
		})
		return
	}
	f, err := w.sessionNow()
	if err != nil {
		return // what was saved before stays; saving it by hand tells why
	}
	text, err := json.Marshal(f.Sections)
	if err != nil || bytes.Equal(text, w.kept.remembered) {
		return
	}
	results := w.finishedNow()
	fresh := !results.same(w.kept.results)
	w.kept.remembered, w.kept.results = text, results
	w.work.Go(func() {
		w.kept.mu.Lock()
		defer w.kept.mu.Unlock()
		if fresh {
			_ = results.write(context.WithoutCancel(w.ctx), path) // without them they are sampled again
		}
		_ = session.Write(path, f) // it is a convenience: without it the exam is in the list
	})
}

// forgetLastSession deletes what was open at the last end.
func (w *Window) forgetLastSession() {
	path := w.kept.store.LastSession()
	w.kept.remembered, w.kept.results = nil, finished{}
	w.keep(textPrefsUnkept.String(), func() error { return removeSession(path) })
}

// removeSession deletes a session file and the results beside it.
func removeSession(path string) error {
	var errs []error
	for _, p := range []string{path, resultfile.Beside(path)} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// offerLastSession puts what was open at the last end on the start page, if it can be read.
func (w *Window) offerLastSession() {
	w.remember()
	if w.kept.store == nil || w.kept.prefs.NoRecents || w.opt.Unattended {
		return
	}
	path := w.kept.store.LastSession()
	w.work.Go(func() {
		f, err := session.Open(path)
		w.do(func() {
			switch {
			case w.closing || errors.Is(err, fs.ErrNotExist):
			case err != nil:
				w.showError(lang.T("The last session was not read"), err)
			case f.Exam != nil:
				w.recents.offer(f, path)
			}
		})
	})
}
