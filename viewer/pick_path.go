package viewer

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/recent"
	"bayeslice/internal/session"
	"bayeslice/viewer/viewstate/picking"
)

// pickPath asks for a path with the system's dialog, or in the window where that is not built in.
func (w *Window) pickPath(kind pickKind, chosen func(path string)) {
	take := func(path string) {
		w.rememberPlace(kind, path)
		chosen(path)
	}
	pickNatively(kind, func(path string, err error) {
		w.do(func() {
			switch {
			case w.closing || errors.Is(err, errPickCancelled):
			case err != nil:
				w.pickPathInWindow(kind, take)
			default:
				take(path)
			}
		})
	})
}

// pickPathInWindow asks in the window.
func (w *Window) pickPathInWindow(kind pickKind, chosen func(path string)) {
	switch kind {
	case pickSessionSave:
		w.askSaveName(kind, w.sessionName(), session.Extension, chosen)
		return
	case pickPictureSave:
		w.askSaveName(kind, w.pictureName(), "."+pictureExtension, chosen)
		return
	}
	folder, selected := w.startOf(kind)
	extensions := pickExtensions(kind)
	w.showPicker(pickTitles[kind].String(), picking.Question{Folder: extensions == nil, Extensions: extensions}, folder, selected, chosen)
}

// startOf returns where a choice begins: beside what was chosen last for the same use, or where there is none beside the exam
// opened last, or at home.
func (w *Window) startOf(kind pickKind) (folder, selected string) {
	home, err := os.UserHomeDir()
	if err != nil {
		home = string(filepath.Separator)
	}
	last := ""
	if n := slices.IndexFunc(w.kept.places, func(p recent.Place) bool { return p.Use == pickUses[kind] }); n >= 0 {
		last = w.kept.places[n].Path
	} else if len(w.kept.entries) > 0 && filepath.IsAbs(w.kept.entries[0].Path) {
		last = w.kept.entries[0].Path
	}
	return picking.Start(last, home)
}

// rememberPlace keeps what was chosen, so that the next choice begins there; where nothing is to be remembered, until the
// program ends.
func (w *Window) rememberPlace(kind pickKind, path string) {
	place := recent.Place{Use: pickUses[kind], Path: absolute(path)}
	w.keepRecents(func(l *recent.List) error {
		_ = l.AddPlace(place) // a convenience: where it cannot be stored it holds until the program ends
		return nil
	})
}

// lastFolders lists the folders around what was chosen or opened last, each once; in private mode none.
func (w *Window) lastFolders() []string {
	const most = 6
	if w.state.Private() {
		return nil
	}
	var out []string
	add := func(path string) {
		if folder := filepath.Dir(path); filepath.IsAbs(path) && folder != path && !slices.Contains(out, folder) && len(out) < most {
			out = append(out, folder)
		}
	}
	for _, p := range w.kept.places {
		add(p.Path)
	}
	for _, e := range w.kept.entries {
		add(e.Path)
	}
	return out
}

// pickExtensions returns the extensions of the files that a kind offers, with dots; nil for folders.
func pickExtensions(kind pickKind) []string {
	switch kind {
	case pickFile:
		return dotted(examExtensions)
	case pickModelFile:
		return dotted(modelExtensions)
	case pickSession:
		return []string{session.Extension}
	case pickLabels:
		return dotted(labelFileExtensions)
	}
	return nil
}

// dotted puts a dot before every extension.
func dotted(extensions []string) []string {
	out := make([]string, len(extensions))
	for i, x := range extensions {
		out[i] = "." + x
	}
	return out
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

// askSaveName asks for a folder and a name. What is there is asked for when typing pauses.
func (w *Window) askSaveName(kind pickKind, name, extension string, chosen func(path string)) {
	last, _ := w.startOf(kind)
	folder := last
	where := widget.NewLabel(w.placeText(folder))
	where.Truncation = fyne.TextTruncateEllipsis
	entry := newDialogField(w)
	entry.SetText(name)
	told := caption("")
	path := func() string {
		base := filepath.Base(strings.TrimSpace(entry.Text))
		if !strings.EqualFold(filepath.Ext(base), extension) {
			base += extension
		}
		return filepath.Join(folder, base)
	}
	var known []string // what the user was told to be there
	look := w.lookLater(func() string { return path() }, func(there bool) {
		text := ""
		known = nil
		if there {
			known = []string{filepath.Base(path())}
			text = lang.T("A file of this name is there and will be replaced.")
		}
		told.SetText(text)
	})
	entry.OnChanged = func(string) { look() }
	look()
	browse := widget.NewButtonWithIcon(lang.T("Folder …"), theme.FolderOpenIcon(), func() {
		d := w.showPicker(lang.T("Choose a folder"), picking.Question{Folder: true}, filepath.Dir(folder), filepath.Base(folder), func(path string) {
			folder = path
			where.SetText(w.placeText(folder))
			look()
		})
		d.dialog.SetOnClosed(func() { w.win.Canvas().Focus(entry) })
	})
	form := container.NewVBox(container.NewBorder(nil, nil, nil, browse, where), entry, told)
	ask := dialog.NewCustomConfirm(pickTitles[kind].String(), lang.T("Save"), lang.T("Cancel"), container.New(fixedWidth{480}, form), func(ok bool) {
		if to := path(); ok && strings.TrimSpace(entry.Text) != "" {
			w.unlessThere([]string{to}, known, func() { chosen(to) })
		}
	}, w.win)
	entry.OnSubmitted = func(string) { ask.Confirm() }
	w.showEscaped(ask)
	w.win.Canvas().Focus(entry)
}
