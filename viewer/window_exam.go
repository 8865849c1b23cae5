package viewer

import (
	"context"
	"errors"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
)

// welcome fills the image area while no exam is open or one is being opened.
type welcome struct {
	content *fyne.Container
	start   *fyne.Container
	busy    *fyne.Container
	ground  *canvas.Rectangle // behind them
	stage   *widget.Label
	bar     *thinBar                    // where the end is known
	wait    *widget.ProgressBarInfinite // where it is not
}

func newWelcome(w *Window) *welcome {
	p := &welcome{stage: widget.NewLabel(lang.T("Opening …")), bar: newThinBar(), wait: widget.NewProgressBarInfinite()}
	title := widget.NewLabel("Bayeslice")
	title.SizeName = theme.SizeNameHeadingText
	title.TextStyle.Bold = true
	title.Alignment = fyne.TextAlignCenter
	what := widget.NewLabel(lang.T("Prostate MRI with sampled segmentations and their uncertainty"))
	what.Alignment = fyne.TextAlignCenter
	folder := widget.NewButtonWithIcon(lang.T("Open exam folder …"), theme.FolderOpenIcon(), func() { w.pick(pickFolder) })
	folder.Importance = widget.HighImportance
	file := widget.NewButtonWithIcon(lang.T("Open file (ZIP, NIfTI, MHA) …"), theme.FileIcon(), func() { w.pick(pickFile) })
	demo := widget.NewButtonWithIcon(lang.T("Open a synthetic demo exam"), theme.ComputerIcon(), w.openDemo)
	hint := caption(lang.T("or drop a folder or a file on the window"))
	hint.Alignment = fyne.TextAlignCenter
	w.recents = newRecentList(w)
	start := container.New(fixedWidth{400}, container.NewVBox(title, what, gapDown(8), folder, file, demo, hint, w.recents.content))
	p.start = container.NewStack(container.NewVScroll(container.NewCenter(start))) // a long list must not make the window grow
	cancel := widget.NewButtonWithIcon(lang.T("Cancel"), theme.CancelIcon(), w.cancelOpening)
	p.stage.Alignment = fyne.TextAlignCenter
	p.busy = container.NewCenter(container.New(fixedWidth{380}, container.NewVBox(p.stage,
		container.New(fixedHeight{6}, p.wait, p.bar.Container), gapDown(6), container.NewCenter(cancel))))
	p.busy.Hide()
	p.wait.Stop()
	p.ground = canvas.NewRectangle(color.Black)
	p.content = container.NewStack(p.ground, p.start, p.busy)
	return p
}

func gapDown(height float32) fyne.CanvasObject { return container.New(fixedHeight{height}) }

// show shows the start page, the progress of an opening, or neither.
func (p *welcome) show(start, busy bool) {
	setVisible(p.start, start)
	setVisible(p.busy, busy)
	setVisible(p.ground, start || busy)
	if busy {
		p.wait.Start()
	} else {
		p.wait.Stop()
	}
}

// set shows how far an opening is.
func (p *welcome) set(g Progress) {
	p.stage.SetText(g.Stage)
	setVisible(p.wait, g.Total == 0)
	setVisible(p.bar.Container, g.Total > 0)
	if g.Total > 0 {
		p.bar.set(float64(g.Done) / float64(g.Total))
		p.stage.SetText(lang.T("%s: %d of %d", g.Stage, g.Done, g.Total))
	} else if g.Done > 0 {
		p.stage.SetText(lang.T("%s: %d so far", g.Stage, g.Done))
	}
}

// Open opens the exam at path, or restores the session that is there.
func (w *Window) Open(path string) {
	if isSessionFile(path) {
		w.OpenSession(path)
		return
	}
	w.open(path, "")
}

func (w *Window) open(path, study string) {
	w.startOpening(lang.T("Opening …"), func(ctx context.Context, progress func(Progress)) (*exam.Exam, error) {
		return w.opt.Engine.OpenExam(ctx, path, study, progress)
	}, func(err error) {
		var several *exam.SeveralExamsError
		switch {
		case errors.As(err, &several):
			w.chooseStudy(path, several.Studies)
		case err != nil:
			w.showError(lang.T("The exam was not opened"), err)
		default:
			w.opened(origin{path: absolute(path), study: study})
		}
	})
}

func (w *Window) openDemo() {
	w.startOpening(lang.T("Making a synthetic exam …"), w.opt.Engine.DemoExam, func(err error) {
		if err != nil {
			w.showError(lang.T("The demo exam was not made"), err)
			return
		}
		w.opened(origin{demo: true})
	})
}

// startOpening runs an opening, cancelling an earlier one, and shows the exam; then it calls done on
// the UI goroutine, with an error or not.
func (w *Window) startOpening(title string, open func(context.Context, func(Progress)) (*exam.Exam, error), done func(error)) {
	if w.closing {
		return
	}
	w.cancelOpening()
	ctx, cancel := context.WithCancel(w.ctx)
	w.openID++
	id := w.openID
	w.opening = cancel
	w.welcome.set(Progress{Stage: title})
	w.welcome.show(false, true)
	w.work.Go(func() {
		defer cancel()
		e, err := open(ctx, w.limited(id))
		w.do(func() {
			if id != w.openID || w.closing {
				return
			}
			w.opening = nil
			if err == nil {
				w.show(e)
			}
			w.welcome.show(w.state.Exam() == nil, false)
			if errors.Is(err, context.Canceled) {
				err = nil
				return
			}
			done(err)
			if err == nil && w.autoRun {
				w.autoRun = false
				w.startRunWhenModelsKnown()
			}
		})
	})
}

// limited returns a progress callback that reaches the window when it has shown the last one.
func (w *Window) limited(id int) func(Progress) {
	free := make(chan struct{}, 1)
	free <- struct{}{}
	return func(g Progress) {
		select {
		case <-free:
		default:
			return
		}
		w.do(func() {
			if id == w.openID && w.opening != nil {
				w.welcome.set(g)
			}
			free <- struct{}{}
		})
	}
}

// cancelOpening ends the opening under way; what was open before stays open.
func (w *Window) cancelOpening() {
	if w.opening == nil {
		return
	}
	w.opening()
	w.opening = nil
	w.openID++
	w.welcome.show(w.state.Exam() == nil, false)
}

// show shows an exam, ending a run on the one before.
func (w *Window) show(e *exam.Exam) {
	w.stopRun()
	w.state.SetExam(e)
	w.origin, w.foreign, w.wantResults, w.ranBy = origin{}, nil, nil, map[modelcard.Task]string{}
	w.wantRun = false
	w.showTitle()
	w.selectPanel(w.exam)
	w.run.setExam(true)
}

// choose puts another series into a role.
func (w *Window) choose(role exam.Role, id string) {
	e := w.state.Exam()
	if e == nil || w.closing {
		return
	}
	w.work.Go(func() {
		changed, err := w.opt.Engine.Choose(w.ctx, e, role, id)
		w.do(func() {
			if w.state.Exam() != e || w.closing {
				return
			}
			if changed != nil { // also where only storing the choice failed
				w.stopRun()
				w.state.SetExam(changed)
			}
			if err != nil {
				w.showError(lang.T("The choice of series"), err)
				w.exam.refresh()
			}
		})
	})
}

// chooseStudy asks which of several exams in one place to open.
func (w *Window) chooseStudy(path string, studies []exam.StudyInfo) {
	labels := make([]string, len(studies))
	for i, s := range studies {
		labels[i] = lang.T("%s · %d series", s.Name, s.Series)
		if s.Date != "" {
			labels[i] = lang.T("%s · %s · %d series", s.Name, s.Date, s.Series)
		}
	}
	list := widget.NewRadioGroup(labels, nil)
	list.SetSelected(labels[0])
	list.Required = true
	text := widget.NewLabel(lang.T("This place holds more than one exam. Which one?"))
	w.showEscaped(dialog.NewCustomConfirm(lang.T("Several exams"), lang.T("Open"), lang.T("Cancel"), container.NewVBox(text, list), func(ok bool) {
		for i, l := range labels {
			if ok && l == list.Selected {
				w.open(path, studies[i].Key)
				return
			}
		}
	}, w.win))
}

// dropped opens what was dropped on the window.
func (w *Window) dropped(_ fyne.Position, items []fyne.URI) {
	if len(items) == 0 {
		return
	}
	if len(items) > 1 {
		w.showSentence(lang.T("Several items were dropped"), lang.T("One folder or one file is opened at a time."), lang.T("Drop the folder that holds the exam."), "")
		return
	}
	if path := items[0].Path(); isModelFile(path) {
		w.openModel(path)
	} else {
		w.Open(path)
	}
}

// showOpenMenu offers the ways to open an exam below a button.
func (w *Window) showOpenMenu(below fyne.CanvasObject) {
	menu := fyne.NewMenu("",
		fyne.NewMenuItem(lang.T("Folder …"), func() { w.pick(pickFolder) }),
		fyne.NewMenuItem(lang.T("File (ZIP, NIfTI, MHA) …"), func() { w.pick(pickFile) }),
		fyne.NewMenuItem(lang.T("Model file …"), w.pickModel),
		fyne.NewMenuItem(lang.T("Session …"), w.openSession),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem(lang.T("Synthetic demo exam"), w.openDemo))
	if recents := w.recentMenu(); recents != nil {
		menu.Items = append(menu.Items, recents)
	}
	at := w.app.Driver().AbsolutePositionForObject(below).AddXY(0, below.Size().Height+2)
	widget.ShowPopUpMenuAtPosition(menu, w.win.Canvas(), at)
}

// pick asks for a folder or file with an exam, and opens it.
func (w *Window) pick(kind pickKind) {
	w.pickPath(kind, func(path string) { w.open(path, "") })
}
