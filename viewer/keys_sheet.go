package viewer

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// keysSheet is the sheet of keys and mouse gestures, made of the active keyboard map.
type keysSheet struct {
	w      *Window
	search *dialogField
	rows   *lazyRows
	// measure are labels, by whether they are bold, that tell how high a text will be.
	measure map[bool]*widget.Label
}

// sheetLine is one line of the sheet.
type sheetLine struct {
	group   string
	keys    string
	meaning string
}

// sheetLines lists what the sheet says where it matches a search: every word of it in the keys, the
// meaning or the group.
func (w *Window) sheetLines(search string) []sheetLine {
	var out []sheetLine
	add := func(l sheetLine) {
		text := strings.ToLower(l.group + " " + l.keys + " " + l.meaning)
		for _, word := range strings.Fields(strings.ToLower(search)) {
			if !strings.Contains(text, word) {
				return
			}
		}
		out = append(out, l)
	}
	for _, l := range viewstate.MouseHelp() {
		add(sheetLine{lang.T("Mouse"), l.Keys, l.Meaning})
	}
	for _, g := range viewstate.Groups {
		for _, c := range viewstate.Commands() {
			if info := c.Info(); info.Group == g && w.state.Keys().Text(c) != "" {
				add(sheetLine{g.String(), w.state.Keys().Text(c), info.Meaning})
			}
		}
	}
	return out
}

// showHelp shows the sheet of keys and gestures.
func (w *Window) showHelp() {
	s := &keysSheet{w: w, search: newDialogField(w), rows: newLazyRows(), measure: map[bool]*widget.Label{true: heading(""), false: widget.NewLabel("")}}
	for _, l := range s.measure {
		l.Wrapping = fyne.TextWrapWord
	}
	s.search.SetPlaceHolder(lang.T("Search keys and commands"))
	s.search.ActionItem = widget.NewIcon(theme.SearchIcon())
	s.search.OnChanged = func(string) { s.fill() }
	s.fill()
	var d *dialog.CustomDialog
	change := widget.NewButtonWithIcon(lang.T("Change keys …"), theme.DocumentCreateIcon(), func() {
		d.Hide()
		w.editKeys()
	})
	end := widget.NewButton(lang.T("Close"), func() { d.Hide() })
	end.Importance = widget.HighImportance
	content := container.NewBorder(container.NewVBox(s.search, caption(w.profileText())), nil, nil, nil, s.rows.object)
	d = dialog.NewCustomWithoutButtons(lang.T("Keys and mouse"), content, w.win)
	d.SetButtons([]fyne.CanvasObject{change, end})
	d.Resize(w.dialogSize(720, 640))
	w.showEscaped(d)
	w.win.Canvas().Focus(s.search)
}

// profileText says which keyboard map is active.
func (w *Window) profileText() string {
	keys := w.kept.keys
	for _, p := range keys.Profiles() {
		if p.Name == keys.Profile() {
			if keys.Changed() {
				return lang.T("Keyboard map: %s, with your changes", p.Title.String())
			}
			return lang.T("Keyboard map: %s", p.Title.String())
		}
	}
	return ""
}

// dialogSize returns a size for a dialog, within the window.
func (w *Window) dialogSize(width, height float32) fyne.Size {
	size := w.win.Canvas().Size()
	return fyne.NewSize(min(width, size.Width-40), min(height, size.Height-40))
}

// fill lists what matches the search.
func (s *keysSheet) fill() {
	var rows []lazyRow
	group := ""
	for _, l := range s.w.sheetLines(s.search.Text) {
		if l.group != group {
			group = l.group
			rows = append(rows, titleRow(group))
		}
		rows = append(rows, s.row(l))
	}
	if len(rows) == 0 {
		rows = append(rows, nothingFound())
	}
	s.rows.set(rows)
}

// row has the keys on the left, and their meaning beside them.
func (s *keysSheet) row(l sheetLine) lazyRow {
	return lazyRow{
		height: func(width float32) float32 {
			left := whole(width * sheetKeys)
			return max(s.height(l.keys, true, left), s.height(capital(l.meaning), false, width-left)) - 6 // labels bring padding of their own
		},
		build: func() fyne.CanvasObject {
			keys := heading(l.keys)
			keys.Wrapping = fyne.TextWrapWord
			meaning := widget.NewLabel(capital(l.meaning))
			meaning.Wrapping = fyne.TextWrapWord
			return container.New(sheetLayout{}, keys, meaning)
		},
	}
}

// height is that of a text in a column.
func (s *keysSheet) height(text string, bold bool, width float32) float32 {
	l := s.measure[bold]
	l.SetText(text)
	l.Resize(fyne.NewSize(width, l.Size().Height))
	return l.MinSize().Height
}

// titleRow is the title of a group of rows.
func titleRow(title string) lazyRow {
	return lazyRow{func(float32) float32 { return 40 }, func() fyne.CanvasObject { return groupTitle(title) }}
}

// nothingFound says that a search among keys found nothing.
func nothingFound() lazyRow {
	return lazyRow{func(float32) float32 { return 36 }, func() fyne.CanvasObject { return caption(lang.T("No key and no command matches.")) }}
}

// groupTitle is the title of a group of lines in a dialog.
func groupTitle(text string) fyne.CanvasObject {
	l := heading(text)
	l.Importance = widget.HighImportance
	return container.New(layout.NewCustomPaddedLayout(8, 0, 0, 0), l)
}

// besideBar keeps an object clear of the bar that scrolls it.
func besideBar(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(0, 0, 0, 12), o)
}

// sheetLayout has keys on the left and their meaning beside them.
type sheetLayout struct{}

const sheetKeys = 0.38 // of the width

// MinSize implements [fyne.Layout].
func (sheetLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

// Layout implements [fyne.Layout].
func (sheetLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	left := whole(size.Width * sheetKeys)
	place(o[0], 0, 0, left, size.Height+6)
	place(o[1], left, 0, size.Width-left, size.Height+6)
}
