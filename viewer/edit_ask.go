package viewer

import (
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/annotate"
	masks "bayeslice/internal/compare"
	"bayeslice/internal/geom"
	"bayeslice/internal/lang"
)

// sentenceLabel is a paragraph of a dialog.
func sentenceLabel(text string) *widget.Label {
	l := widget.NewLabel(text)
	l.Wrapping = fyne.TextWrapWord
	return l
}

// askRecover offers unsaved contours that were found, the latest first.
func (l *labels) askRecover(key string, grid geom.Grid, found []annotate.Found) {
	f := found[0]
	if f.Problem != nil {
		l.w.showError(lang.T("Unsaved contours of this exam cannot be read"), f.Problem)
		return
	}
	text := lang.N(f.Steps, "%d change to contours of this exam was not saved; it was made on %s.", "%d changes to contours of this exam were not saved; the last was made on %s.",
		f.Changed.Format("2006-01-02 15:04"))
	if f.TornTail {
		text += " " + lang.T("The last one was cut short and will be missing.")
	}
	if n := len(found) - 1; n > 0 {
		text += " " + lang.N(n, "There is %d older one, which is offered again later.", "There are %d older ones, which are offered again later.")
	}
	var d *dialog.CustomDialog
	answer := func(f func()) func() {
		return func() {
			d.Hide()
			if l.still(key, grid) {
				f()
			}
		}
	}
	goOn := widget.NewButton(lang.T("Recover"), answer(func() { l.recover(l.count, f) }))
	goOn.Importance = widget.HighImportance
	remove := widget.NewButton(lang.T("Delete …"), answer(func() { l.askDelete(f) }))
	later := widget.NewButton(lang.T("Later"), answer(func() {}))
	d = dialog.NewCustomWithoutButtons(lang.T("Unsaved contours"), container.New(fixedWidth{440}, sentenceLabel(text)), l.w.win)
	d.SetButtons([]fyne.CanvasObject{remove, later, goOn})
	l.w.showEscaped(d)
}

// askDelete makes sure that unsaved contours are to be deleted.
func (l *labels) askDelete(f annotate.Found) {
	text := sentenceLabel(lang.T("The unsaved contours of this exam are deleted for good."))
	l.w.showEscaped(dialog.NewCustomConfirm(lang.T("Delete the contours?"), lang.T("Delete"), lang.T("Keep them"), container.New(fixedWidth{360}, text), func(ok bool) {
		if !ok {
			return
		}
		l.w.work.Go(func() {
			err := annotate.DiscardJournal(f.Path)
			l.w.do(func() {
				if err != nil && !l.w.closing {
					l.w.showError(lang.T("The contours were not deleted"), err)
				}
			})
		})
	}, l.w.win))
}

// askUnsaved asks what to do with unsaved contours before the window is closed, and calls leave where it may
// go. It reports whether it asks: without unsaved contours there is nothing to ask.
func (l *labels) askUnsaved(leave func()) bool {
	if !l.editor.Unsaved() {
		return false
	}
	text := lang.T("The contours of this exam are not saved as files. They are kept, and offered when the exam is opened again.")
	close := lang.T("Close, keep for later")
	if l.editor.Trouble() != nil || l.editor.WantsJournal() {
		text = lang.T("The contours of this exam are not saved, and autosaving does not work: closing loses them.")
		close = lang.T("Close, lose them")
	}
	var d *dialog.CustomDialog
	answer := func(f func()) func() {
		return func() {
			d.Hide()
			f()
		}
	}
	save := widget.NewButton(lang.T("Save …"), answer(func() { l.saveThen(leave) }))
	save.Importance = widget.HighImportance
	stay := widget.NewButton(lang.T("Stay"), answer(func() {}))
	gone := widget.NewButton(close, answer(leave))
	d = dialog.NewCustomWithoutButtons(lang.T("Save the contours?"), container.New(fixedWidth{440}, sentenceLabel(text)), l.w.win)
	d.SetButtons([]fyne.CanvasObject{gone, stay, save})
	d.SetOnClosed(func() { l.w.askingClose = false })
	l.w.showEscaped(d)
	return true
}

// askMeaning asks what the labels of a file are, and whether they may be brought to another grid.
func (l *labels) askMeaning(in readLabels) {
	zones, pzFirst, lesions := lang.T("Zones: 1 is TZ, 2 is PZ"), lang.T("Zones: 1 is PZ, 2 is TZ"), lang.T("Lesions: every label is csPCa")
	choice := widget.NewRadioGroup([]string{zones, pzFirst, lesions}, nil)
	choice.Required = true
	choice.SetSelected(zones)
	if in.pzFirst {
		choice.SetSelected(pzFirst)
	}
	if in.looksLikeLesions() {
		choice.SetSelected(lesions)
	}
	text := lang.T("The file holds the labels %s. What are they?", in.labelText())
	if in.elsewhere {
		text += "\n\n" + lang.T("Its voxels are not those of the T2W image: each voxel takes the label that is nearest to it.")
	}
	text += "\n\n" + lang.T("They take the place of what is drawn there now, which can be undone.")
	body := container.New(fixedWidth{400}, container.NewVBox(sentenceLabel(text), choice))
	l.w.showEscaped(dialog.NewCustomConfirm(lang.T("Open labels"), lang.T("Open"), lang.T("Cancel"), body, func(ok bool) {
		if !ok || !l.current(in.count) {
			return
		}
		layer, numbering := annotate.Zones, masks.TZPZ
		switch choice.Selected {
		case lesions:
			layer = annotate.Lesions
		case pzFirst:
			numbering = masks.PZTZ
		}
		l.load(in, layer, numbering)
	}, l.w.win))
}

// looksLikeLesions guesses what a file holds by its name, then by its labels.
func (in *readLabels) looksLikeLesions() bool {
	name := strings.ToLower(filepath.Base(in.name))
	for _, word := range []string{"lesion", "cspca", "cancer", "tumor", "tumour", "roi"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	present := in.mask.Labels()
	return len(present) > 0 && present[len(present)-1] > 2
}
