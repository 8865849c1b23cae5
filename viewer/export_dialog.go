package viewer

import (
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/report"
	"bayeslice/viewer/viewstate/exporting"
)

// exportDialog asks what to export and where, shows how far it is, and what came of it.
type exportDialog struct {
	x      *exporter
	form   *exporting.Form
	dialog *dialog.CustomDialog
	pages  struct{ choose, wait, done *fyne.Container }

	checks   map[report.Item]*widget.Check
	hints    map[report.Item]*widget.Label
	format   *widget.RadioGroup
	folder   *widget.Label
	name     *dialogField
	identity *widget.Check
	told     *widget.Label // what would be written, or what is missing
	start    *widget.Button

	bar     *thinBar
	doing   *widget.Label
	result  *widget.Label
	files   *widget.Label
	written []string

	asked int    // looks at the folder that were begun
	stop  func() // ends what is being written; nil while nothing is
}

func newExportDialog(x *exporter, form *exporting.Form) *exportDialog {
	d := &exportDialog{x: x, form: form, checks: map[report.Item]*widget.Check{}, hints: map[report.Item]*widget.Label{}, told: caption(""), bar: newThinBar(), doing: widget.NewLabel(""), files: caption("")}
	d.doing.Truncation = fyne.TextTruncateEllipsis
	d.result = widget.NewLabel("")
	d.result.Wrapping = fyne.TextWrapWord
	d.result.TextStyle.Bold = true
	d.pages.choose = container.NewBorder(nil, container.NewVBox(widget.NewSeparator(), d.where()), nil, nil, container.NewVScroll(d.groups()))
	d.pages.wait = container.NewVBox(d.doing, inset(d.bar.Container))
	d.pages.done = container.NewBorder(d.result, nil, nil, nil, container.NewVScroll(d.files))
	d.dialog = dialog.NewCustomWithoutButtons(lang.T("Export"), container.NewStack(d.pages.choose, d.pages.wait, d.pages.done), x.w.win)
	d.dialog.SetOnClosed(d.closed)
	return d
}

// show shows the page with the choices.
func (d *exportDialog) show() {
	d.page(d.pages.choose)
	d.start = widget.NewButton(lang.T("Export"), d.export)
	d.start.Importance = widget.HighImportance
	d.dialog.SetButtons([]fyne.CanvasObject{widget.NewButton(lang.T("Cancel"), d.dialog.Hide), d.start})
	d.dialog.Resize(d.x.w.dialogSize(760, 640))
	d.x.w.showEscaped(d.dialog)
	d.update()
}

// page shows one of the pages.
func (d *exportDialog) page(which *fyne.Container) {
	for _, p := range []*fyne.Container{d.pages.choose, d.pages.wait, d.pages.done} {
		setVisible(p, p == which)
	}
}

// closed ends what is under way, and lets the dialog be opened again.
func (d *exportDialog) closed() {
	if d.stop != nil {
		d.stop()
	}
	d.asked++
	d.x.last = d.form.Choice()
	d.x.dialog = nil
}

// groups are the kinds of files in columns, each with a line about it.
func (d *exportDialog) groups() fyne.CanvasObject {
	var columns []fyne.CanvasObject
	for _, g := range d.form.Groups() {
		head := widget.NewLabel(g.Name)
		head.TextStyle.Bold = true
		column := snug(head)
		for _, e := range g.Entries {
			check := widget.NewCheck(e.Name, nil)
			check.SetChecked(e.On)
			check.OnChanged = func(on bool) {
				d.form.Set(e.Item, on)
				d.update()
			}
			d.checks[e.Item], d.hints[e.Item] = check, caption("")
			column.Add(check)
			column.Add(container.New(layout.NewCustomPaddedLayout(0, 6, 26, 0), d.hints[e.Item]))
		}
		columns = append(columns, column)
	}
	d.showReasons()
	return container.NewGridWithColumns(len(columns), columns...)
}

// showReasons shows what can be chosen, and of the rest why not, which depends on the format.
func (d *exportDialog) showReasons() {
	for _, g := range d.form.Groups() {
		for _, e := range g.Entries {
			hint := e.Hint
			if e.Why != "" {
				hint = e.Why
			}
			enable(d.checks[e.Item], e.Why == "")
			if d.hints[e.Item].Text != hint {
				d.hints[e.Item].SetText(hint)
			}
		}
	}
}

// where are the fields for format, folder and name.
func (d *exportDialog) where() fyne.CanvasObject {
	labels := make([]string, len(report.Formats))
	for i, f := range report.Formats {
		labels[i] = exporting.FormatName(f)
	}
	d.format = widget.NewRadioGroup(labels, nil)
	d.format.Horizontal, d.format.Required = true, true
	d.format.SetSelected(exporting.FormatName(d.form.Format()))
	d.format.OnChanged = func(label string) {
		for _, f := range report.Formats {
			if exporting.FormatName(f) == label {
				d.form.SetFormat(f)
			}
		}
		d.showReasons()
		d.update()
	}
	d.folder = widget.NewLabel("")
	d.folder.Truncation = fyne.TextTruncateEllipsis
	choose := widget.NewButtonWithIcon(lang.T("Choose …"), theme.FolderOpenIcon(), func() {
		d.x.w.pickPath(pickExportFolder, func(path string) {
			d.form.SetFolder(path)
			d.update()
		})
	})
	d.name = newDialogField(d.x.w)
	d.name.SetText(d.form.Name())
	d.name.OnChanged = func(text string) {
		d.form.SetName(text)
		d.update()
	}
	d.identity = widget.NewCheck(lang.T("Name the patient on the report and in DICOM objects"), func(on bool) {
		d.form.SetIdentity(on)
		d.update()
	})
	return container.NewVBox(row(lang.T("Format"), d.format), row(lang.T("Folder"), container.NewBorder(nil, nil, nil, choose, d.folder)),
		row(lang.T("Name"), d.name), row("", d.identity), d.told)
}

// showPlace shows where files go or went, unless names are hidden.
func (d *exportDialog) showPlace() {
	private := d.x.w.state.Private()
	switch folder := d.form.Folder(); {
	case folder == "":
		d.folder.SetText(lang.T("not chosen yet"))
	case private:
		d.folder.SetText(lang.T("chosen; its path is hidden"))
	default:
		d.folder.SetText(folder)
	}
	if len(d.written) == 0 {
		return
	}
	place := lang.T("In the folder you chose:")
	if !private {
		place = lang.T("In %s:", filepath.Clean(d.form.Folder()))
	}
	d.files.SetText(place + "\n" + strings.Join(d.written, "\n"))
}

// update shows what the form says, and looks at the folder on a worker.
func (d *exportDialog) update() {
	enable(d.format, d.form.HasMaps())
	enable(d.identity, d.form.CanName())
	d.showPlace()
	problem := d.form.Problem()
	enable(d.start, problem == "")
	d.told.Importance = widget.LowImportance
	d.told.SetText(problem)
	d.asked++
	if problem != "" {
		return
	}
	asked, x := d.asked, d.form.Export(now())
	if d.form.HasView() {
		x.View = emptyView
	}
	w := d.x.w
	w.work.Go(func() {
		names, existing, err := x.Names()
		w.do(func() {
			if asked == d.asked && !w.closing {
				d.tell(names, existing, err)
			}
		})
	})
}

// tell says what would be written.
func (d *exportDialog) tell(names, existing []string, err error) {
	if err != nil {
		what, next, _ := explain(err)
		d.told.Importance = widget.WarningImportance
		d.told.SetText(what + " " + next)
		enable(d.start, false)
		return
	}
	sentences := []string{lang.N(len(names), "%d file", "%d files") + "; " + d.tellNames() + "."}
	if len(existing) > 0 {
		d.told.Importance = widget.WarningImportance
		sentences[0] = lang.N(len(names), "%d file; ", "%d files; ") + lang.N(len(existing), "%d is there already, and you will be asked.", "%d are there already, and you will be asked.")
		if d.form.Identity() && d.form.CanName() {
			sentences = append(sentences, capital(d.tellNames())+".")
		}
	}
	if note := d.form.Note(); note != "" {
		sentences = append(sentences, note)
	}
	d.told.SetText(strings.Join(sentences, " "))
}

// tellNames says whether files will name the patient.
func (d *exportDialog) tellNames() string {
	if !d.form.Identity() || !d.form.CanName() {
		return lang.T("none will name the patient")
	}
	d.told.Importance = widget.WarningImportance
	if d.form.HasObjects() {
		return lang.T("the report and DICOM objects will name the patient")
	}
	return lang.T("the report will name the patient")
}

// askReplace asks whether files may be replaced.
func (w *Window) askReplace(existing []string, replace func()) {
	body := widget.NewLabel(strings.Join(append([]string{lang.N(len(existing), "%d file is there already:", "%d files are there already:")}, shortened(existing, 8)...), "\n"))
	c := dialog.NewCustomConfirm(lang.T("Replace files?"), lang.T("Replace"), lang.T("Keep them"), container.New(fixedWidth{460}, body), func(ok bool) {
		if ok {
			replace()
		}
	}, w.win)
	c.SetConfirmImportance(widget.DangerImportance)
	w.showEscaped(c)
}

// shortened lists names, at most so many, and says how many more there are.
func shortened(names []string, most int) []string {
	if len(names) <= most {
		return names
	}
	return append(append([]string{}, names[:most]...), lang.T("… and %d more", len(names)-most))
}

// finished shows what was written.
func (d *exportDialog) finished(folder string, written []string) {
	d.result.SetText(exporting.ResultText(written, true))
	d.written = written
	d.showPlace()
	d.page(d.pages.done)
	shut := widget.NewButton(lang.T("Close"), d.dialog.Hide)
	shut.Importance = widget.HighImportance
	d.dialog.SetButtons([]fyne.CanvasObject{widget.NewButtonWithIcon(lang.T("Show folder"), theme.FolderOpenIcon(), func() { d.x.showFolder(folder) }), shut})
}
