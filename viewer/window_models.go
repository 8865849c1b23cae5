package viewer

import (
	"fmt"
	"path/filepath"
	"strings"

	"bayeslice/internal/lang"
)

// pickModel asks for a model file and opens it.
func (w *Window) pickModel() { w.pickPath(pickModelFile, w.openModel) }

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
