package viewer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/session"
)

// pickPath asks for a path with the system's dialog, or in the window where that is not built in.
func (w *Window) pickPath(kind pickKind, chosen func(path string)) {
	pickNatively(kind, func(path string, err error) {
		w.do(func() {
			switch {
			case w.closing || errors.Is(err, errPickCancelled):
			case err != nil:
				w.pickPathInWindow(kind, chosen)
			default:
				chosen(path)
			}
		})
	})
}

// pickPathInWindow asks with Fyne's own dialogs.
func (w *Window) pickPathInWindow(kind pickKind, chosen func(path string)) {
	switch kind {
	case pickSessionSave:
		w.askSaveName(kind, w.sessionName(), session.Extension, chosen)
		return
	case pickPictureSave:
		w.askSaveName(kind, w.pictureName(), "."+pictureExtension, chosen)
		return
	}
	failed := func(err error) { w.showError(lang.T("The place cannot be opened"), err) }
	d := dialog.NewFolderOpen(func(u fyne.ListableURI, err error) {
		switch {
		case err != nil:
			failed(err)
		case u != nil:
			chosen(u.Path())
		}
	}, w.win)
	if extensions := pickExtensions(kind); extensions != nil {
		d = dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
			if r == nil && err == nil {
				return // nothing was chosen
			}
			if err == nil {
				err = r.Close() // the dialog has opened the file already
			}
			if err != nil {
				failed(err)
				return
			}
			chosen(r.URI().Path())
		}, w.win)
		d.SetFilter(storage.NewExtensionFileFilter(extensions))
	}
	d.SetTitleText(pickTitles[kind].String())
	d.Resize(w.dialogSize(820, 560))
	w.fileDialog(d).Show()
}

// pickExtensions returns the extensions of the files that a kind offers, with dots; nil for folders.
func pickExtensions(kind pickKind) []string {
	switch kind {
	case pickFile:
		dotted := make([]string, len(examExtensions))
		for i, x := range examExtensions {
			dotted[i] = "." + x
		}
		return dotted
	case pickModelFile:
		return []string{"." + modelExtensions[0]}
	case pickSession:
		return []string{session.Extension}
	case pickLabels:
		dotted := make([]string, len(labelFileExtensions))
		for i, x := range labelFileExtensions {
			dotted[i] = "." + x
		}
		return dotted
	}
	return nil
}

// sessionName proposes a name for a session file, without what may name the patient.
func (w *Window) sessionName() string {
	e := w.state.Exam()
	if e == nil {
		return program + session.Extension
	}
	return "study-" + strings.ToLower(e.Key[:min(4, len(e.Key))]) + session.Extension
}

// placeText names a folder on screen; in private mode it does not.
func (w *Window) placeText(folder string) string {
	if w.state.Private() {
		return lang.T("a folder of your own")
	}
	return folder
}

// askSaveName asks for a folder and a name. Fyne's own dialog empties the chosen file before anything is
// written, so that a failure would lose what was there.
func (w *Window) askSaveName(kind pickKind, name, extension string, chosen func(path string)) {
	folder, err := os.UserHomeDir()
	if err != nil {
		folder = "."
	}
	where := widget.NewLabel(w.placeText(folder))
	where.Truncation = fyne.TextTruncateEllipsis
	entry := widget.NewEntry()
	entry.SetText(name)
	told := caption("")
	path := func() string {
		base := filepath.Base(strings.TrimSpace(entry.Text))
		if !strings.EqualFold(filepath.Ext(base), extension) {
			base += extension
		}
		return filepath.Join(folder, base)
	}
	check := func() {
		told.SetText("")
		at := path()
		w.work.Go(func() { // a network may answer late
			_, err := os.Stat(at)
			w.do(func() {
				if err == nil && at == path() {
					told.SetText(lang.T("A file of this name is there and will be replaced."))
				}
			})
		})
	}
	entry.OnChanged = func(string) { check() }
	check()
	browse := widget.NewButtonWithIcon(lang.T("Folder …"), theme.FolderOpenIcon(), func() {
		d := dialog.NewFolderOpen(func(u fyne.ListableURI, err error) {
			if u != nil && err == nil {
				folder = u.Path()
				where.SetText(w.placeText(folder))
				check()
			}
		}, w.win)
		d.Resize(w.dialogSize(820, 560))
		w.fileDialog(d).Show()
	})
	form := container.NewVBox(container.NewBorder(nil, nil, nil, browse, where), entry, told)
	dialog.NewCustomConfirm(pickTitles[kind].String(), lang.T("Save"), lang.T("Cancel"), container.New(fixedWidth{480}, form), func(ok bool) {
		if ok && strings.TrimSpace(entry.Text) != "" {
			chosen(path())
		}
	}, w.win).Show()
}
