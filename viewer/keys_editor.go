package viewer

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/keymap"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// keysEditor is the dialog in which keys are changed. A change holds at once, and is stored when the
// dialog is closed.
type keysEditor struct {
	w       *Window
	keys    *keymap.Store
	profile *widget.Select
	about   *widget.Label
	search  *dialogField
	rows    *lazyRows
}

// editKeys shows the editor.
func (w *Window) editKeys() {
	e := &keysEditor{w: w, keys: w.kept.keys, about: caption(""), search: newDialogField(w), rows: newLazyRows()}
	var titles []string
	for _, p := range e.keys.Profiles() {
		titles = append(titles, p.Title.String())
	}
	e.profile = widget.NewSelect(titles, nil)
	e.showProfile()
	e.profile.OnChanged = func(string) { e.chooseProfile() }
	e.search.SetPlaceHolder(lang.T("Search keys and commands"))
	e.search.OnChanged = func(string) { e.rows.set(e.list()) }
	e.rows.set(e.list())
	var d *dialog.CustomDialog
	reset := widget.NewButtonWithIcon(lang.T("Undo all my changes"), theme.ContentUndoIcon(), func() {
		e.keys.Reset()
		e.changed()
	})
	end := widget.NewButton(lang.T("Done"), func() { d.Hide() })
	end.Importance = widget.HighImportance
	top := container.NewVBox(container.NewBorder(nil, nil, widget.NewLabel(lang.T("Keyboard map")), nil, e.profile), e.about, e.search)
	d = dialog.NewCustomWithoutButtons(lang.T("Change keys"), container.NewBorder(top, nil, nil, nil, e.rows.object), w.win)
	d.SetButtons([]fyne.CanvasObject{reset, end})
	d.SetOnClosed(e.store)
	d.Resize(w.dialogSize(760, 660))
	w.showEscaped(d)
}

// store keeps the map on the disk.
func (e *keysEditor) store() {
	keys := e.keys
	e.w.keep(textKeysUnkept.String(), keys.Save)
}

func (e *keysEditor) showProfile() {
	for i, p := range e.keys.Profiles() {
		if p.Name == e.keys.Profile() {
			e.profile.SetSelectedIndex(i)
			e.about.SetText(p.About.String())
		}
	}
	if name := e.keys.Missing(); name != "" {
		e.about.SetText(lang.T("The stored map %q is not known to this program; the first one takes its place.", name))
	}
}

func (e *keysEditor) chooseProfile() {
	p := e.keys.Profiles()[e.profile.SelectedIndex()]
	if p.Name == e.keys.Profile() {
		return
	}
	e.keys.SetProfile(p.Name)
	e.changed()
}

// changed makes the map the active one, and shows it.
func (e *keysEditor) changed() {
	e.w.state.SetKeys(viewstate.KeymapOf(e.keys.Map()))
	e.w.bindShortcuts()
	e.w.showHints()
	e.showProfile()
	e.rows.keep(e.list())
}

// list gives the commands that match the search, with their keys.
func (e *keysEditor) list() []lazyRow {
	words := strings.Fields(strings.ToLower(e.search.Text))
	height := widget.NewButtonWithIcon("", theme.ContentAddIcon(), nil).MinSize().Height + keyRowGap
	var rows []lazyRow
	for _, g := range viewstate.Groups {
		first := true
		for _, c := range viewstate.Commands() {
			info := c.Info()
			text := strings.ToLower(g.String() + " " + info.Meaning + " " + e.w.state.Keys().Text(c))
			if info.Group != g || !containsAll(text, words) {
				continue
			}
			if first {
				rows = append(rows, titleRow(g.String()))
				first = false
			}
			rows = append(rows, lazyRow{func(float32) float32 { return height }, func() fyne.CanvasObject { return e.row(info) }})
		}
	}
	if len(rows) == 0 {
		rows = append(rows, nothingFound())
	}
	return rows
}

// keyRowGap is the space below a command, logical pixels.
const keyRowGap = 4

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// row is one command: what it does, its keys, each of which can be taken away, and a button for a new one.
func (e *keysEditor) row(info viewstate.CommandInfo) fyne.CanvasObject {
	meaning := widget.NewLabel(capital(info.Meaning))
	meaning.Truncation = fyne.TextTruncateEllipsis
	keys := container.NewHBox()
	for _, b := range e.keys.Map().Of(info.Name) {
		button := widget.NewButtonWithIcon(b.Chord.Label(), theme.CancelIcon(), func() {
			e.keys.Map().Unbind(b.Mode, b.Chord)
			e.changed()
		})
		button.IconPlacement = widget.ButtonIconTrailingText
		keys.Add(button)
	}
	add := widget.NewButtonWithIcon("", theme.ContentAddIcon(), func() { e.catch(info) })
	undo := widget.NewButtonWithIcon("", theme.ContentUndoIcon(), func() {
		e.keys.ResetCommand(info.Name)
		e.changed()
	})
	undo.Importance = widget.LowImportance
	if !e.keys.CommandChanged(info.Name) {
		undo.Disable()
	}
	row := container.NewBorder(nil, nil, nil, container.NewHBox(keys, add, undo), meaning)
	return container.New(layout.NewCustomPaddedLayout(0, keyRowGap, 0, 0), row)
}

// catch waits for a key for a command, and says whose key it was.
func (e *keysEditor) catch(info viewstate.CommandInfo) {
	var d *dialog.CustomDialog
	var chosen keymap.Chord
	mode := e.keys.Scope(info.Name)
	told := widget.NewLabel(modeText(mode))
	told.Wrapping = fyne.TextWrapWord
	use := widget.NewButton(lang.T("Use this key"), func() {
		e.keys.Map().Bind(mode, chosen, info.Name)
		d.Hide()
		e.changed()
	})
	use.Importance = widget.HighImportance
	use.Disable()
	var catcher *keyCatcher
	catcher = newKeyCatcher(lang.T("Press the key, with Ctrl, Alt or Shift where you want them"), func(c keymap.Chord) {
		chosen = c
		catcher.label.SetText(c.Label())
		told.SetText(e.conflictText(mode, c, info.Name))
		use.Enable()
	})
	cancel := widget.NewButton(lang.T("Cancel"), func() { d.Hide() })
	content := container.New(fixedWidth{440}, container.NewVBox(catcher, told))
	d = dialog.NewCustomWithoutButtons(capital(info.Meaning), content, e.w.win)
	d.SetButtons([]fyne.CanvasObject{cancel, use})
	e.w.showEscaped(d)
	e.w.win.Canvas().Focus(catcher)
}

// modeText says when a key will hold.
func modeText(m keymap.Mode) string {
	switch m {
	case keymap.View:
		return lang.T("The key holds while images are looked at.")
	case keymap.Edit:
		return lang.T("The key holds while labels are edited.")
	}
	return lang.T("The key holds while images are looked at and while labels are edited.")
}

// conflictText says which commands would lose a key.
func (e *keysEditor) conflictText(mode keymap.Mode, c keymap.Chord, command string) string {
	var lines []string
	for _, held := range e.keys.Map().Conflicts(mode, c, command) {
		meaning := held.Command
		if known, ok := viewstate.CommandNamed(held.Command); ok {
			meaning = known.Info().Meaning
		}
		lines = append(lines, lang.T("It is taken from “%s”.", capital(meaning)))
	}
	if len(lines) == 0 {
		lines = append(lines, lang.T("The key is free."))
	}
	return strings.Join(append(lines, modeText(mode)), "\n")
}
