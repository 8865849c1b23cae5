package viewer

import (
	"fmt"
	"slices"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/recent"
	"bayeslice/internal/settings"
	"bayeslice/resources"
	"bayeslice/viewer/viewstate"
)

// prefsDialog is the dialog of preferences. Nothing holds before Save.
type prefsDialog struct {
	w         *Window
	languages []lang.Choice
	scale     *widget.Select
	contrast  *widget.Check
	language  *widget.Select
	layout    *widget.Select
	private   *widget.Check
	recents   *widget.Check
	samples   *dialogField
	seed      *dialogField
	device    *widget.Select
	autosave  *widget.Label
	folder    string // of autosave; "" is the usual one
	told      *widget.Label
}

// showPreferences shows the dialog.
func (w *Window) showPreferences() {
	p := newPrefsDialog(w)
	var d *dialog.CustomDialog
	save := widget.NewButton(lang.T("Save"), func() {
		p.save(d.Hide)
	})
	save.Importance = widget.HighImportance
	cancel := widget.NewButton(lang.T("Cancel"), func() { d.Hide() })
	keys := widget.NewButton(lang.T("Change keys …"), func() {
		d.Hide()
		w.editKeys()
	})
	scroll := container.NewVScroll(besideBar(p.form()))
	d = dialog.NewCustomWithoutButtons(lang.T("Preferences"), container.NewBorder(nil, p.told, nil, nil, scroll), w.win)
	d.SetButtons([]fyne.CanvasObject{keys, cancel, save})
	d.Resize(w.dialogSize(640, 740))
	w.showEscaped(d)
}

func newPrefsDialog(w *Window) *prefsDialog {
	prefs := w.kept.prefs
	p := &prefsDialog{w: w, told: caption(""), folder: prefs.Autosave}
	p.scale = widget.NewSelect(scaleLabels(), nil)
	p.scale.SetSelected(scaleLabel(int(100*prefs.UIScale() + 0.5)))
	p.contrast = widget.NewCheck(lang.T("High contrast"), nil)
	p.contrast.SetChecked(prefs.Contrast == settings.HighContrast)
	p.makeLanguages(prefs.Language)
	p.layout = widget.NewSelect(names(viewstate.Layouts[:]), nil)
	p.layout.SetSelectedIndex(int(layoutNamed(prefs.Layout)))
	p.private = widget.NewCheck(lang.T("Hide names and paths (private mode)"), nil)
	p.private.SetChecked(prefs.Private)
	p.recents = widget.NewCheck(lang.T("Remember recent exams and what was open last"), nil)
	p.recents.SetChecked(!prefs.NoRecents)
	samples, seed := w.Numbers()
	p.samples, p.seed = newDialogField(w), newDialogField(w)
	p.samples.SetText(strconv.Itoa(samples))
	p.seed.SetText(strconv.FormatUint(seed, 10))
	p.device = widget.NewSelect(append([]string{lang.T("Automatic")}, w.opt.Devices...), nil)
	p.device.SetSelectedIndex(max(0, 1+slices.Index(w.opt.Devices, prefs.Provider)))
	p.autosave = widget.NewLabel("")
	p.autosave.Truncation = fyne.TextTruncateEllipsis
	p.showFolder()
	p.told.Importance = widget.WarningImportance
	setVisible(p.told, p.told.Text != "")
	return p
}

// makeLanguages offers the system's language and those that there are texts in.
func (p *prefsDialog) makeLanguages(chosen string) {
	available, err := lang.Available(resources.Texts)
	if err != nil {
		p.tell(detail(err))
	}
	p.languages = append([]lang.Choice{{Name: lang.T("As the system")}}, available...)
	p.language = widget.NewSelect(nil, nil)
	for i, l := range p.languages {
		p.language.Options = append(p.language.Options, l.Name)
		if l.Tag == chosen {
			p.language.SetSelectedIndex(i)
		}
	}
}

// choosesLanguage reports whether there are texts in more languages than English.
func (p *prefsDialog) choosesLanguage() bool { return len(p.languages) > 2 }

// form puts the rows together.
func (p *prefsDialog) form() fyne.CanvasObject {
	where := caption(lang.T("Nothing is kept: this window has no settings folder."))
	if s := p.w.kept.store; s != nil {
		where.SetText(lang.T("The paths of recent exams, and of what was chosen last in dialogs, are kept in %s. Without the tick that file is deleted.", s.Recents()))
		if p.w.state.Private() {
			where.SetText(lang.T("The paths of recent exams, and of what was chosen last in dialogs, are kept in the settings folder. Without the tick that file is deleted."))
		}
	}
	browse := widget.NewButtonWithIcon("", theme.FolderOpenIcon(), func() {
		p.w.pickPath(pickRunsFolder, func(path string) {
			p.folder = path
			p.showFolder()
		})
	})
	usual := widget.NewButtonWithIcon("", theme.ContentUndoIcon(), func() {
		p.folder = ""
		p.showFolder()
	})
	language := prefsRow(lang.T("Language"), container.NewVBox(p.language, caption(lang.T("Holds from the next start."))))
	setVisible(language, p.choosesLanguage())
	return container.NewVBox(
		groupTitle(lang.T("Appearance")),
		prefsRow(lang.T("Size of texts and controls"), p.scale),
		prefsRow("", p.contrast),
		language,
		prefsRow(lang.T("Layout at the start"), p.layout),
		groupTitle(lang.T("Privacy")),
		prefsRow("", p.private),
		prefsRow("", p.recents),
		prefsRow("", where),
		groupTitle(lang.T("Models")),
		prefsRow(lang.T("Samples"), p.samples),
		prefsRow(lang.T("Seed"), p.seed),
		prefsRow(lang.T("Device"), container.NewVBox(p.device, caption(lang.T("Holds from the next run.")))),
		groupTitle(lang.T("Unsaved work")),
		prefsRow(lang.T("Folder"), container.NewBorder(nil, nil, nil, container.NewHBox(browse, usual), p.autosave)),
	)
}

// prefsRow is a label with what it names beside it.
func prefsRow(label string, o fyne.CanvasObject) fyne.CanvasObject {
	l := widget.NewLabel(label)
	l.Alignment = fyne.TextAlignTrailing
	l.Wrapping = fyne.TextWrapWord
	return container.NewBorder(nil, nil, container.New(fixedWidth{190}, l), nil, o)
}

// showFolder shows where unsaved work is kept.
func (p *prefsDialog) showFolder() {
	text := lang.T("the settings folder")
	if p.folder != "" {
		text = p.folder
		if p.w.state.Private() {
			text = lang.T("a folder of your own")
		}
	}
	p.autosave.SetText(text)
}

// tell says in the dialog why something cannot be.
func (p *prefsDialog) tell(text string) {
	p.told.SetText(text)
	setVisible(p.told, text != "")
}

// save makes the choices hold and keeps them; it returns false where one of them cannot be. close is called
// before anything is asked: the toolkit takes a dialog away with all above it.
func (p *prefsDialog) save(close func()) bool {
	samples, err := parseSamples(p.samples.Text)
	if err != nil {
		p.tell(lang.T("Samples: %s", err.Error()))
		return false
	}
	seed, err := parseSeed(p.seed.Text)
	if err != nil {
		p.tell(lang.T("Seed: %s", err.Error()))
		return false
	}
	w, prefs := p.w, p.w.kept.prefs
	before := prefs
	prefs.Samples, prefs.Seed = samples, seed
	prefs.Scale = scaleOf(p.scale.SelectedIndex())
	prefs.Contrast = ""
	if p.contrast.Checked {
		prefs.Contrast = settings.HighContrast
	}
	if p.choosesLanguage() {
		prefs.Language = p.languages[max(0, p.language.SelectedIndex())].Tag
	}
	prefs.Layout = layoutNames[max(0, p.layout.SelectedIndex())]
	prefs.Private, prefs.NoRecents = p.private.Checked, !p.recents.Checked
	prefs.Provider = ""
	if i := p.device.SelectedIndex(); i > 0 {
		prefs.Provider = w.opt.Devices[i-1]
	}
	prefs.Autosave = p.folder
	close()
	w.kept.prefs = prefs
	w.keepPrefs()
	w.applyPrefs(before)
	return true
}

// applyPrefs makes changed preferences hold.
func (w *Window) applyPrefs(before settings.Settings) {
	now := w.kept.prefs
	w.run.samples.SetText(strconv.Itoa(now.Samples))
	w.run.seed.SetText(strconv.FormatUint(now.Seed, 10))
	if now.NoRecents != before.NoRecents {
		w.keepRecents(func(l *recent.List) error { return l.SetKeep(!now.NoRecents) })
		if now.NoRecents {
			w.forgetLastSession()
		}
	}
	if e, ok := w.opt.Engine.(DeviceChooser); ok && now.Provider != before.Provider {
		w.work.Go(func() { e.SetDevice(now.Provider) })
	}
	if now.Private != before.Private {
		w.setPrivate(now.Private)
	}
	if now.UIScale() != before.UIScale() || now.Contrast != before.Contrast {
		w.applyLook(before)
	}
}

// scaleStep is the step between sizes offered, percent: the toolkit rounds to it.
const scaleStep = 10

func scaleLabel(percent int) string { return fmt.Sprintf("%d %%", percent) }

func scaleLabels() []string {
	var out []string
	for s := settings.MinScale; s <= settings.MaxScale; s += scaleStep {
		out = append(out, scaleLabel(s))
	}
	return out
}

// scaleOf returns the percentage of a line of the list; none is the usual size.
func scaleOf(index int) int {
	if index < 0 {
		return settings.MinScale
	}
	return settings.MinScale + index*scaleStep
}
