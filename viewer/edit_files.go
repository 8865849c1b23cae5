package viewer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/annotate"
	masks "bayeslice/internal/compare"
	"bayeslice/internal/lang"
	"bayeslice/internal/volume"
)

// saveTarget is where the contours of an exam are saved.
type saveTarget struct{ folder, stem, extension string }

// labelExtensions are the formats that contours are saved in.
var labelExtensions = []string{".nii.gz", ".mha"}

// labelFileExtensions are those of files that labels are read from.
var labelFileExtensions = []string{"nii", "gz", "mha", "mhd", "nrrd", "nhdr", "dcm", "seg"}

// file returns the path of a layer.
func (t saveTarget) file(l annotate.Layer) string {
	suffix := "-zones"
	if l == annotate.Lesions {
		suffix = "-cspca"
	}
	return filepath.Join(t.folder, t.stem+suffix+t.extension)
}

// files returns the paths of all layers.
func (t saveTarget) files() []string {
	return []string{t.file(annotate.Zones), t.file(annotate.Lesions)}
}

// save saves the contours where they were saved before, or asks.
func (l *labels) save() { l.saveThen(nil) }

// saveAs asks where to save the contours.
func (l *labels) saveAs() {
	if l.savable() {
		l.askTarget(func(t saveTarget) { l.saveTo(t, nil) })
	}
}

// saveThen saves and then, where that worked, calls done.
func (l *labels) saveThen(done func()) {
	if !l.savable() {
		return
	}
	if l.target.folder != "" {
		l.saveTo(l.target, done)
		return
	}
	l.askTarget(func(t saveTarget) { l.saveTo(t, done) })
}

// savable reports whether there is something to save, and tells where there is not.
func (l *labels) savable() bool {
	shot := l.editor.Snapshot()
	switch {
	case l.saving:
	case shot == nil:
		l.w.showSentence(lang.T("Nothing was saved"), lang.T("No exam with a T2W image is open."), lang.T("Open an exam first."), "")
	case shot.Empty(annotate.Zones) && shot.Empty(annotate.Lesions) && l.target.folder == "":
		l.w.showSentence(lang.T("Nothing was saved"), lang.T("No contour is drawn yet."), lang.T("Draw one, or start from the model's result."), "")
	default:
		return true
	}
	return false
}

// saveTo writes the contours and reads them back, off the window's goroutine. The files were agreed to.
func (l *labels) saveTo(t saveTarget, done func()) {
	if l.saving { // two savings at once could leave the older contours in the files
		return
	}
	count, shot := l.count, l.editor.Snapshot()
	l.saving = true
	l.editor.Tell(lang.T("Saving …"))
	l.w.work.Go(func() {
		written, err := writeLayers(t, shot)
		l.w.do(func() {
			l.saving = false
			if err != nil && !l.w.closing {
				l.editor.Tell("")
				l.w.showError(lang.T("The contours were not saved"), err)
			}
			if err != nil || l.w.closing || count != l.count {
				return
			}
			l.target = t
			l.editor.MarkSaved(shot, lang.T("Saved and read back: %s", strings.Join(written, ", ")))
			if done != nil {
				done()
			}
		})
	})
}

// writeLayers writes the layers that hold something, and those that replace a file. It returns their names.
func writeLayers(t saveTarget, shot *annotate.Snapshot) ([]string, error) {
	var written []string
	for _, layer := range [...]annotate.Layer{annotate.Zones, annotate.Lesions} {
		path := t.file(layer)
		if _, err := os.Lstat(path); err != nil && shot.Empty(layer) {
			continue
		}
		if err := annotate.WriteLabels(path, shot.Mask(layer), true); err != nil {
			return written, err
		}
		written = append(written, filepath.Base(path))
	}
	return written, nil
}

// askTarget asks for folder, name and format of the files.
func (l *labels) askTarget(chosen func(saveTarget)) {
	t := l.target
	if t.folder == "" {
		t = saveTarget{folder: ".", stem: l.fileStem(), extension: labelExtensions[0]}
		if home, err := os.UserHomeDir(); err == nil {
			t.folder = home
		}
	}
	where := widget.NewLabel("")
	showFolder := func() {
		where.SetText(t.folder)
		if l.w.state.Private() {
			where.SetText(lang.T("chosen; its path is hidden"))
		}
	}
	showFolder()
	where.Truncation = fyne.TextTruncateEllipsis
	told := caption("")
	name := newDialogField(l.w)
	name.SetText(t.stem)
	var format *segmented
	known, look := l.lookAtTarget(&t, told)
	check := func() {
		t.stem = strings.TrimSpace(filepath.Base(name.Text))
		look()
	}
	format = newSegmented([]string{"NIfTI (.nii.gz)", "MetaImage (.mha)"}, func(i int) {
		t.extension = labelExtensions[i]
		format.set(i)
		check()
	})
	format.set(max(0, slices.Index(labelExtensions, t.extension)))
	name.OnChanged = func(string) { check() }
	browse := widget.NewButtonWithIcon(lang.T("Folder …"), theme.FolderOpenIcon(), func() {
		l.w.pickPath(pickLabelFolder, func(path string) {
			t.folder = path
			showFolder()
			check()
		})
	})
	check()
	form := container.NewVBox(container.NewBorder(nil, nil, nil, browse, where), row(lang.T("Name"), name), row(lang.T("Format"), format.Container), told)
	ask := dialog.NewCustomConfirm(lang.T("Save the contours"), lang.T("Save"), lang.T("Cancel"), container.New(fixedWidth{480}, form), func(ok bool) {
		if ok && t.stem != "" && t.stem != "." {
			l.w.unlessThere(t.files(), known(), func() { chosen(t) })
		}
	}, l.w.win)
	name.OnSubmitted = func(string) { ask.Confirm() }
	l.w.showEscaped(ask)
	l.w.win.Canvas().Focus(name)
}

// lookAtTarget returns what is to be called whenever the target may have changed, upon which told says what will be written, and
// the names of the files that it said will be replaced.
func (l *labels) lookAtTarget(t *saveTarget, told *widget.Label) (known func() []string, look func()) {
	found := make([]string, len(t.files())) // "" for a file that is not there
	known = func() []string {
		return slices.DeleteFunc(slices.Clone(found), func(name string) bool { return name == "" })
	}
	var looks []func()
	for i := range found {
		looks = append(looks, l.w.lookLater(func() string { return t.files()[i] }, func(there bool) {
			found[i] = ""
			if there {
				found[i] = filepath.Base(t.files()[i])
			}
			told.SetText(targetText(*t, known()))
		}))
	}
	return known, func() {
		for _, look := range looks {
			look()
		}
	}
}

// targetText says which files will be written, and which of them replaced.
func targetText(t saveTarget, there []string) string {
	text := lang.T("%s with 1 for TZ and 2 for PZ, %s with 1 for csPCa; what is empty is left out.",
		filepath.Base(t.file(annotate.Zones)), filepath.Base(t.file(annotate.Lesions)))
	if len(there) > 0 {
		text += " " + lang.T("Will be replaced: %s.", strings.Join(there, ", "))
	}
	return text
}

// readLabels is a label image that was read, before it is known what it means.
type readLabels struct {
	name      string
	mask      *volume.Mask
	elsewhere bool // on another grid
	pzFirst   bool // zones in it are probably 1 PZ and 2 TZ
	count     int  // the document it was read for
}

// labelText lists the labels of the file.
func (in *readLabels) labelText() string {
	var parts []string
	for _, v := range in.mask.Labels() {
		parts = append(parts, fmt.Sprint(v))
	}
	if len(parts) == 0 {
		return "0"
	}
	if len(parts) > 8 {
		parts = append(parts[:7], "…", parts[len(parts)-1])
	}
	return strings.Join(parts, ", ")
}

// showOpenLabels offers the label files beside the images, and any other.
func (l *labels) showOpenLabels(below fyne.CanvasObject) {
	e := l.w.state.Exam()
	if e == nil || !l.editor.Open() {
		return
	}
	var items []*fyne.MenuItem
	for n, f := range e.Labels {
		name := f.Name
		if l.w.state.Private() {
			name = lang.T("Labels %d", n+1)
		}
		items = append(items, fyne.NewMenuItem(name, func() { l.read(f.Name, f.Mask) }))
	}
	if len(items) > 0 {
		items = append(items, fyne.NewMenuItemSeparator())
	}
	items = append(items, fyne.NewMenuItem(lang.T("File (NIfTI, MHA, DICOM SEG) …"), l.pickLabels))
	at := l.w.app.Driver().AbsolutePositionForObject(below).AddXY(0, below.Size().Height+2)
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), l.w.win.Canvas(), at)
}

// pickLabels asks for a label file.
func (l *labels) pickLabels() {
	l.w.pickPath(pickLabels, l.readFile)
}

// readFile opens a label file.
func (l *labels) readFile(path string) {
	count := l.count
	l.w.chooseMask(path, func(read func() (*volume.Mask, error)) {
		if l.current(count) {
			l.read(filepath.Base(path), read)
		}
	})
}

// read reads labels off the window's goroutine and asks what they mean.
func (l *labels) read(name string, open func() (*volume.Mask, error)) {
	count, grid := l.count, l.grid
	l.editor.Tell(lang.T("Reading labels …"))
	l.w.work.Go(func() {
		m, err := open()
		in := readLabels{name: name, mask: m, count: count}
		if err == nil {
			in.elsewhere = !annotate.OnGrid(m, grid)
			guess, unknown := masks.GuessNumbering(m)
			in.pzFirst = unknown == nil && guess.Numbering == masks.PZTZ
		}
		l.w.do(func() {
			if !l.current(count) {
				return
			}
			l.editor.Tell("")
			if err != nil {
				l.w.showError(lang.T("The labels were not opened"), err)
				return
			}
			l.askMeaning(in)
		})
	})
}

// load brings labels of a numbering of zones to the grid of the document and puts them in the place of a layer.
func (l *labels) load(in readLabels, layer annotate.Layer, zones masks.Numbering) {
	grid := l.grid
	l.worker.Submit("labels", func(ctx context.Context) func() {
		m, err := in.mask, error(nil)
		if layer == annotate.Zones && zones == masks.PZTZ {
			m, err = swapped(m)
		}
		if err == nil {
			m, _, err = annotate.ToLayer(ctx, m, grid, layer, in.elsewhere)
		}
		return func() {
			switch {
			case !l.current(in.count):
			case err != nil:
				l.w.showError(lang.T("The labels were not opened"), err)
			default:
				l.editor.Load(layer, m)
			}
		}
	})
}

// swapped returns zones that are numbered 1 PZ and 2 TZ in the order of the program.
func swapped(m *volume.Mask) (*volume.Mask, error) {
	out, err := masks.PZTZ.Apply(m)
	return out.Zones, err
}
