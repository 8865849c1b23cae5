package viewer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"

	"bayeslice/internal/lang"
)

// pickModel asks for a model file with the system's dialog, or Fyne's where that is not built in.
func (w *Window) pickModel() {
	pickNatively(pickModelFile, func(path string, err error) {
		w.do(func() {
			switch {
			case w.closing || errors.Is(err, errPickCancelled):
			case err != nil:
				w.pickModelInWindow()
			default:
				w.openModel(path)
			}
		})
	})
}

// pickModelInWindow asks with Fyne's own dialog.
func (w *Window) pickModelInWindow() {
	d := dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if r == nil && err == nil {
			return // nothing was chosen
		}
		if err == nil {
			err = r.Close() // the dialog has opened the file already
		}
		if err != nil {
			w.showError(lang.T("The file cannot be opened"), err)
			return
		}
		w.openModel(r.URI().Path())
	}, w.win)
	d.SetTitleText(pickTitles[pickModelFile].String())
	d.SetFilter(storage.NewExtensionFileFilter([]string{"." + modelExtensions[0]}))
	d.Resize(fyne.NewSize(820, 560))
	d.Show()
}

// isModelFile reports whether a path is named as a model file is.
func isModelFile(path string) bool {
	return strings.EqualFold(filepath.Ext(path), "."+modelExtensions[0])
}

// openModel reads and checks a model file and chooses it for its task.
func (w *Window) openModel(path string) {
	w.work.Go(func() {
		m, err := w.opt.Engine.OpenModel(w.ctx, path)
		w.do(func() {
			switch {
			case w.closing:
			case err != nil:
				w.showError(lang.T("The model file cannot be used"), err)
			default:
				w.run.pickers[m.Card.Task].add(m)
				w.explore.addModel(m)
				if w.running == nil {
					w.run.tell(fmt.Sprintf("%s · %s", taskNames[m.Card.Task].String(), modelLabel(m)), "")
				}
			}
		})
	})
}
