package viewer

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/worklist"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/queue"
)

// listPanel is the work list: the exams of a folder in the order in which they should be worked on.
type listPanel struct {
	w       *Window
	list    *queue.List
	content *fyne.Container
	none    fyne.CanvasObject // while no list is open
	some    fyne.CanvasObject

	folder   *widget.Label
	bar      *thinBar
	progress *widget.Label
	next     *widget.Button
	accept   *widget.Button
	flag     *widget.Button
	note     *field
	noteOf   string // ID of the exam whose note is in the field
	noteWas  string // the note that was put into the field; another text was typed
	sample   *widget.Button
	sampling *widget.Label
	openOnly *widget.Check
	keys     []shownKey
	rows     []queue.Row
	table    *widget.List
}

// shownKey shows the keys of a command.
type shownKey struct {
	*widget.Label
	command viewstate.Command
}

func newListPanel(w *Window, l *queue.List) *listPanel {
	p := &listPanel{w: w, list: l, folder: heading(""), bar: newThinBar(), progress: caption(""), sampling: caption("")}
	p.folder.Truncation = fyne.TextTruncateEllipsis
	p.none = p.makeNone()
	p.some = p.makeSome()
	p.content = container.NewStack(p.none, p.some)
	l.Listen(p.show)
	p.show()
	return p
}

func (p *listPanel) object() fyne.CanvasObject { return p.content }

// update implements [panel].
func (p *listPanel) update(c viewstate.Change) {
	if c.Has(viewstate.ChangedExam) {
		p.w.followOrigin()
	}
}

// makeNone is what is there while no list is open.
func (p *listPanel) makeNone() fyne.CanvasObject {
	open := widget.NewButtonWithIcon(lang.T("Open a folder of exams …"), theme.FolderOpenIcon(), p.w.pickList)
	open.Importance = widget.HighImportance
	return snug(heading(lang.T("Work list")),
		caption(lang.T("A folder whose sub-folders or ZIP files are exams. They are sampled in the background and ranked by how much is expected to be wrong; the list with states and notes is a file of yours in the folder.")),
		inset(open))
}

// makeSome is the list.
func (p *listPanel) makeSome() fyne.CanvasObject {
	open := widget.NewButtonWithIcon("", theme.FolderOpenIcon(), p.w.pickList)
	again := widget.NewButtonWithIcon("", theme.ViewRefreshIcon(), func() { p.list.Refresh(p.w.listWritten) })
	p.next = widget.NewButtonWithIcon(lang.T("Next"), theme.NavigateNextIcon(), func() { p.w.command(viewstate.NextCase) })
	p.next.IconPlacement = widget.ButtonIconTrailingText
	p.accept = widget.NewButtonWithIcon(lang.T("Accept"), theme.ConfirmIcon(), func() { p.w.command(viewstate.AcceptCase) })
	p.flag = widget.NewButtonWithIcon(lang.T("Flag"), theme.WarningIcon(), func() { p.w.command(viewstate.FlagCase) })
	p.note = newField(p.w.shortcut)
	p.note.SetPlaceHolder(lang.T("Note on this exam, Enter keeps it"))
	p.note.OnSubmitted = func(string) { p.w.win.Canvas().Unfocus(); p.keepNote() }
	p.note.left = p.keepNote
	p.sample = widget.NewButtonWithIcon(lang.T("Sample"), theme.MediaPlayIcon(), p.w.toggleSampling)
	p.openOnly = widget.NewCheck(lang.T("Only exams to do"), p.list.SetOpenOnly)
	p.table = widget.NewList(func() int { return len(p.rows) }, newListRow, p.fill)
	p.table.OnSelected = func(n int) {
		p.table.UnselectAll()
		if n < len(p.rows) {
			p.w.openEntry(p.rows[n].ID)
		}
	}
	p.table.HideSeparators = true
	for _, c := range []viewstate.Command{viewstate.NextCase, viewstate.AcceptCase, viewstate.FlagCase} {
		key := caption("")
		key.Alignment, key.Wrapping = fyne.TextAlignCenter, fyne.TextWrapOff
		p.keys = append(p.keys, shownKey{key, c})
	}
	heads := container.NewBorder(nil, nil, nil, trailing(lang.T("expected error"), true), p.sampling)
	top := snug(inset(container.NewBorder(nil, nil, nil, container.NewHBox(again, open), container.New(layout.NewCustomPaddedLayout(0, 0, -6, 0), p.folder))),
		inset(p.bar.Container), p.progress,
		inset(container.NewGridWithColumns(3, p.next, p.accept, p.flag)), container.NewGridWithColumns(3, p.keys[0], p.keys[1], p.keys[2]),
		inset(p.note), container.New(layout.NewCustomPaddedLayout(2, 0, 0, 6), container.NewBorder(nil, nil, nil, p.sample, p.openOnly)), heads)
	return container.NewBorder(top, nil, nil, nil, container.New(leastHeight{180}, p.table))
}

// keepNote keeps the note that was typed, if one was.
func (p *listPanel) keepNote() {
	if p.noteOf != "" && p.note.Text != p.noteWas {
		p.noteWas = p.note.Text
		p.list.Annotate(p.noteOf, p.note.Text, p.w.listWritten)
	}
}

// end writes what is not written yet when the window goes.
func (p *listPanel) end() {
	p.keepNote()
	p.list.Close()
}

// show brings the panel up to date.
func (p *listPanel) show() {
	setVisible(p.none, !p.list.IsOpen())
	setVisible(p.some, p.list.IsOpen())
	if !p.list.IsOpen() {
		return
	}
	setText(p.folder, p.list.Folder())
	share, text := p.list.Progress()
	p.bar.set(share)
	setText(p.progress, text)
	for _, k := range p.keys {
		setText(k.Label, p.w.state.Keys().Text(k.command))
	}
	current, ok := p.list.Current()
	_, more := p.list.Next()
	enable(p.next, more)
	enable(p.accept, ok)
	enable(p.flag, ok)
	p.showNote(current, ok)
	_, busy := p.list.Sampling()
	setText(p.sampling, p.list.SamplingText())
	if busy {
		p.sample.SetText(lang.T("Stop"))
		p.sample.SetIcon(theme.MediaStopIcon())
	} else {
		p.sample.SetText(lang.T("Sample"))
		p.sample.SetIcon(theme.MediaPlayIcon())
	}
	if rows := p.list.Rows(); !slices.Equal(rows, p.rows) {
		p.rows = rows
		p.table.Refresh()
	}
}

// showNote puts the note of the open exam into the field; what is being typed stays.
func (p *listPanel) showNote(current worklist.Entry, ok bool) {
	id, text := "", ""
	if ok {
		id, text = current.ID(), current.Note
	}
	private := p.w.state.Private()
	if private {
		text = ""
		if p.w.win.Canvas().Focused() == p.note {
			p.w.win.Canvas().Unfocus()
		}
	}
	if id != p.noteOf || p.w.win.Canvas().Focused() != p.note {
		p.keepNote()
		p.noteOf, p.noteWas = id, text
		if p.note.Text != text {
			p.note.SetText(text)
		}
	}
	enable(p.note, ok && !private)
}

// leastHeight is a layout that gives its objects all room, and a height at least.
type leastHeight struct{ height float32 }

// MinSize implements [fyne.Layout].
func (l leastHeight) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(0, l.height) }

// Layout implements [fyne.Layout].
func (leastHeight) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objects {
		place(o, 0, 0, size.Width, size.Height)
	}
}
