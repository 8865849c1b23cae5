package viewer

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate/picking"
)

// pickDialog asks for a file or a folder in the window. It is worked by mouse or by keys alone.
type pickDialog struct {
	w      *Window
	picker *picking.Picker
	chosen func(path string)
	first  bool // nothing has been listed yet

	dialog *dialog.CustomDialog
	path   *pickPathField
	list   *pickList
	told   *widget.Label
	choose *widget.Button
	up     *widget.Button
	hidden *widget.Check
}

// showPicker asks for what a question allows, beginning in a folder with an entry selected.
func (w *Window) showPicker(title string, q picking.Question, folder, selected string, chosen func(path string)) *pickDialog {
	d := &pickDialog{w: w, picker: picking.New(q, folder, selected), chosen: chosen, first: true, told: caption("")}
	d.path = newPickPathField(d)
	d.list = newPickList(d)
	d.told.Wrapping = fyne.TextWrapWord
	d.up = widget.NewButtonWithIcon("", theme.MoveUpIcon(), func() { d.do(func() { d.picker.Up() }) })
	d.hidden = widget.NewCheck(lang.T("Hidden ones too"), func(on bool) { d.do(func() { d.picker.SetHidden(on) }) })
	d.choose = widget.NewButton(d.chooseText(), d.accept)
	d.choose.Importance = widget.HighImportance
	cancel := widget.NewButton(lang.T("Cancel"), func() { d.dialog.Hide() })
	size := w.dialogSize(820, 560)
	var places fyne.CanvasObject
	if size.Width >= 600 {
		places = container.New(fixedWidth{190}, container.NewVScroll(d.places()))
	}
	top := container.NewBorder(nil, nil, d.up, nil, d.path)
	foot := container.NewBorder(nil, nil, nil, d.hidden, d.told)
	d.dialog = dialog.NewCustomWithoutButtons(title, container.NewBorder(top, foot, places, nil, d.list), w.win)
	d.dialog.SetButtons([]fyne.CanvasObject{cancel, d.choose})
	d.dialog.Resize(size)
	w.files = d.dialog
	d.dialog.SetOnClosed(func() {
		if w.files == d.dialog {
			w.files = nil
		}
	})
	d.do(func() {})
	w.showEscaped(d.dialog)
	w.win.Canvas().Focus(d.list)
	return d
}

// do changes the choice and shows what came of it; a folder that has to be read is read on a worker.
func (d *pickDialog) do(change func()) {
	change()
	d.show()
	folder, asked, ok := d.picker.Ask()
	if !ok {
		return
	}
	read := picking.List
	if d.first {
		read = picking.Nearest // what was there last time may be gone
	}
	d.first = false
	d.w.work.Go(func() {
		l, err := read(folder, d.picker.Question())
		d.w.do(func() {
			d.picker.Answer(asked, l, err)
			d.show()
		})
	})
}

// show brings the dialog up to date with the choice.
func (d *pickDialog) show() {
	p := d.picker
	if d.path.Text != p.Folder() {
		d.path.SetText(p.Folder())
	}
	d.list.Refresh()
	if p.At() >= 0 {
		d.list.Select(p.At())
	} else {
		d.list.UnselectAll()
	}
	if text := d.text(); d.told.Text != text {
		d.told.SetText(text)
	}
	if text := d.chooseText(); d.choose.Text != text {
		d.choose.SetText(text)
	}
	_, ok := p.Choice()
	enable(d.choose, ok)
	enable(d.up, filepath.Dir(p.Folder()) != p.Folder())
}

// chooseText names what the button chooses.
func (d *pickDialog) chooseText() string {
	p := d.picker
	switch {
	case !p.Question().Folder:
		return lang.T("Open")
	case p.OnFolder():
		return lang.T("Choose “%s”", shortName(p.Entries()[p.At()].Name))
	}
	return lang.T("Choose this folder")
}

// text says what is listed, or why nothing is, and what keys do.
func (d *pickDialog) text() string {
	p := d.picker
	switch {
	case p.Busy():
		return lang.T("Reading the folder …")
	case p.Err() != nil:
		return lang.T("This folder cannot be read: %s. Go up with Backspace, or type another path above.", detail(p.Err()))
	}
	keys := lang.T("Enter opens, Backspace goes up, letters go to a name.")
	switch {
	case p.Question().Folder && p.At() < 0:
		keys = lang.T("Enter chooses this folder, Down selects one in it, Backspace goes up, letters go to a name.")
	case p.Question().Folder:
		keys = lang.T("Enter goes into a folder, Ctrl+Enter chooses it, Backspace goes up, letters go to a name.")
	}
	switch n := p.Others(); {
	case len(p.Entries()) == 0 && n == 0:
		return lang.T("Nothing is here.") + " " + keys
	case n > 0 && p.Question().Folder:
		return lang.N(n, "%d file here.", "%d files here.") + " " + keys
	case n > 0:
		return lang.N(n, "%d other file here, of another kind.", "%d other files here, of other kinds.") + " " + keys
	}
	return keys
}

// accept chooses what the button stands for.
func (d *pickDialog) accept() {
	if path, ok := d.picker.Choice(); ok {
		d.take(path)
	}
}

// enter opens the selected line; where a folder is asked for and none is selected, the one that is shown is chosen.
func (d *pickDialog) enter() {
	if p := d.picker; p.Question().Folder && p.At() < 0 {
		d.accept()
		return
	}
	d.do(func() {
		if path, chosen := d.picker.Enter(); chosen {
			d.take(path)
		}
	})
}

func (d *pickDialog) take(path string) {
	d.dialog.Hide()
	d.chosen(path)
}

// typed goes where a path that was typed in leads to, and says where it leads nowhere.
func (d *pickDialog) typed(path string) {
	path = strings.TrimSpace(path)
	if home, err := os.UserHomeDir(); err == nil && (path == "~" || strings.HasPrefix(path, "~"+string(filepath.Separator))) {
		path = home + path[1:]
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.picker.Folder(), path)
	}
	d.w.work.Go(func() {
		info, err := os.Stat(path)
		d.w.do(func() {
			if err != nil {
				d.told.SetText(lang.T("There is nothing to be opened at this path: %s.", detail(err)))
				return
			}
			chosen, ok := d.picker.Typed(path, info.IsDir())
			switch {
			case chosen:
				d.take(path)
			case ok:
				d.do(func() {})
				d.w.win.Canvas().Focus(d.list)
			default:
				d.told.SetText(lang.T("A file of this kind is not what is asked for here."))
			}
		})
	})
}

// places are buttons that lead to home, to the drives and to the folders used last.
func (d *pickDialog) places() fyne.CanvasObject {
	fixed, drives, last := container.NewVBox(), container.NewVBox(), container.NewVBox()
	add := func(to *fyne.Container, name, folder string, icon fyne.Resource) {
		b := widget.NewButtonWithIcon(name, icon, func() {
			d.do(func() { d.picker.Go(folder, "") })
			d.w.win.Canvas().Focus(d.list)
		})
		b.Alignment, b.Importance = widget.ButtonAlignLeading, widget.LowImportance
		to.Add(b)
	}
	if home, err := os.UserHomeDir(); err == nil {
		add(fixed, lang.T("Home"), home, theme.HomeIcon())
	}
	if runtime.GOOS != "windows" {
		add(fixed, lang.T("Computer"), string(filepath.Separator), theme.ComputerIcon())
	}
	d.w.work.Go(func() {
		found := mounted()
		d.w.do(func() {
			for _, folder := range found {
				add(drives, shortName(filepath.Base(folder)), folder, theme.StorageIcon())
			}
		})
	})
	if folders := d.w.lastFolders(); len(folders) > 0 {
		last.Add(heading(lang.T("Used last")))
		for _, folder := range folders {
			add(last, shortName(filepath.Base(folder)), folder, theme.FolderIcon())
		}
	}
	return container.NewVBox(fixed, drives, last)
}

// shortName shortens a name for a narrow button.
func shortName(name string) string {
	const most = 18
	if r := []rune(name); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return name
}

// mounted lists removable drives; it may take a moment.
func mounted() []string {
	var out []string
	for _, pattern := range []string{"/media/*/*", "/run/media/*/*", "/Volumes/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			continue // the patterns are right
		}
		for _, f := range found {
			if info, err := os.Stat(f); err == nil && info.IsDir() {
				out = append(out, f)
			}
		}
	}
	return out
}
