package viewer

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// folderField is a field for a path with a button that opens the system's dialog.
func (w *Window) folderField(path *field, kind pickKind) fyne.CanvasObject {
	choose := widget.NewButtonWithIcon("", theme.FolderOpenIcon(), func() {
		w.pickPath(kind, func(chosen string) { path.SetText(chosen) })
	})
	return container.NewBorder(nil, nil, nil, choose, path)
}

// showTraining puts the training page in the place of the images.
func (w *Window) showTraining() {
	p := w.training
	if p == nil || p.content.Visible() || w.closing {
		return
	}
	w.images.Hide()
	p.content.Show()
	p.t.Open()
	p.changed(^viewstate.TrainChange(0))
	w.win.Canvas().Unfocus()
}

// hideTraining goes back to the images; a training goes on.
func (w *Window) hideTraining() {
	if w.training == nil || !w.training.content.Visible() {
		return
	}
	w.training.content.Hide()
	w.training.wait.Stop()
	w.images.Show()
	w.changed(viewstate.ChangedAll)
}

// trainingShown reports whether the training page is in view.
func (w *Window) trainingShown() bool { return w.training != nil && w.training.content.Visible() }

// askClose closes the window, asking first where contours are not saved or a training is under way.
func (w *Window) askClose() {
	if w.askingClose {
		return
	}
	w.askingClose = true
	if !w.labels.askUnsaved(w.askTrainingClose) {
		w.askTrainingClose()
	}
}

// askTrainingClose closes the window, asking first where a training is under way.
func (w *Window) askTrainingClose() {
	w.askingClose = false
	if w.training == nil || !w.training.t.Phase().Active() {
		w.Close()
		return
	}
	w.askingClose = true
	text := widget.NewLabel(lang.T("A training is under way. Closing stops it and keeps a checkpoint;\nit goes on from there with Resume in the list of runs."))
	d := dialog.NewCustomConfirm(lang.T("Close Bayeslice?"), lang.T("Stop and close"), lang.T("Stay"), text, func(ok bool) {
		w.askingClose = false
		if ok {
			w.Close()
		}
	}, w.win)
	w.showEscaped(d)
}

// checkpointWait bounds how long closing waits for a training to keep its checkpoint, which at full size
// is a gigabyte.
const checkpointWait = 2 * time.Minute

// patience is how long closing waits for work that was told to end.
func (w *Window) patience() time.Duration {
	if w.training != nil && w.training.busy.Load() {
		return checkpointWait
	}
	return shutdownWait
}

// duringTraining reports whether a command makes sense while the training page is in view, and carries
// out those that mean something else there.
func (w *Window) duringTraining(c viewstate.Command) bool {
	switch c {
	case viewstate.ShowTraining:
		w.hideTraining()
		return false
	case viewstate.OpenExam:
		w.hideTraining()
		return true
	case viewstate.ShowHelp, viewstate.ShowAbout, viewstate.Quit:
		return true
	}
	return false
}

// openTrained chooses the model of a finished run for its task, and goes to the images.
func (w *Window) openTrained(r viewstate.TrainRun) {
	w.hideTraining()
	w.openModel(r.Model)
}
