package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/viewer/viewstate/picking"
)

// pickList lists the entries of a folder and takes keys.
type pickList struct {
	widget.List
	d *pickDialog
}

var (
	_ fyne.Focusable    = (*pickList)(nil)
	_ fyne.Shortcutable = (*pickList)(nil)
)

func newPickList(d *pickDialog) *pickList {
	l := &pickList{d: d}
	l.Length = func() int { return len(d.picker.Entries()) }
	l.CreateItem = func() fyne.CanvasObject { return newPickRow(l) }
	l.UpdateItem = func(i widget.ListItemID, o fyne.CanvasObject) {
		if all := d.picker.Entries(); i < len(all) {
			if row, ok := o.(*pickRow); ok {
				row.set(i, all[i])
			}
		}
	}
	l.HideSeparators = true
	l.ExtendBaseWidget(l)
	return l
}

// FocusGained implements [fyne.Focusable]. The selected line shows where keys act.
func (l *pickList) FocusGained() {}

// FocusLost implements [fyne.Focusable].
func (l *pickList) FocusLost() {}

// TypedRune implements [fyne.Focusable].
func (l *pickList) TypedRune(r rune) { l.d.do(func() { l.d.picker.Type(r, now()) }) }

// TypedKey implements [fyne.Focusable].
func (l *pickList) TypedKey(e *fyne.KeyEvent) {
	p := l.d.picker
	page := max(1, int(l.Size().Height/(l.d.rowHeight()+theme.Padding()))-1)
	move := map[fyne.KeyName]int{fyne.KeyUp: -1, fyne.KeyDown: 1, fyne.KeyPageUp: -page, fyne.KeyPageDown: page,
		fyne.KeyHome: -len(p.Entries()), fyne.KeyEnd: len(p.Entries())}
	switch e.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeyRight:
		if e.Name != fyne.KeyRight || p.OnFolder() {
			l.d.enter()
		}
	case fyne.KeyBackspace, fyne.KeyLeft:
		l.d.do(func() { p.Up() })
	case fyne.KeyEscape:
		l.d.w.escape()
	default:
		if by, ok := move[e.Name]; ok {
			l.d.do(func() { p.Move(by) })
		}
	}
}

// TypedShortcut implements [fyne.Shortcutable]: Ctrl with Enter chooses, Ctrl with L goes to the path.
func (l *pickList) TypedShortcut(s fyne.Shortcut) {
	c, ok := s.(*desktop.CustomShortcut)
	if !ok || c.Modifier&(fyne.KeyModifierControl|fyne.KeyModifierSuper) == 0 {
		return
	}
	switch c.KeyName {
	case fyne.KeyReturn, fyne.KeyEnter:
		l.d.accept()
	case fyne.KeyL:
		l.d.w.win.Canvas().Focus(l.d.path)
		l.d.path.TypedShortcut(&fyne.ShortcutSelectAll{})
	}
}

// pickRow is one line: an icon and a name. A press selects it, a double click opens it.
type pickRow struct {
	widget.BaseWidget
	list *pickList
	at   int
	icon *widget.Icon
	name *widget.Label
}

var (
	_ desktop.Mouseable   = (*pickRow)(nil)
	_ fyne.DoubleTappable = (*pickRow)(nil)
)

func newPickRow(l *pickList) *pickRow {
	r := &pickRow{list: l, icon: widget.NewIcon(theme.FolderIcon()), name: widget.NewLabel("")}
	r.name.Truncation = fyne.TextTruncateEllipsis
	r.ExtendBaseWidget(r)
	return r
}

// rowHeight is the height of a line, logical pixels.
func (d *pickDialog) rowHeight() float32 { return newPickRow(d.list).MinSize().Height }

// CreateRenderer implements [fyne.Widget].
func (r *pickRow) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewBorder(nil, nil, container.NewCenter(container.New(fixedSize{20}, r.icon)), nil, r.name))
}

func (r *pickRow) set(at int, e picking.Entry) {
	r.at = at
	icon := theme.FileIcon()
	if e.Folder {
		icon = theme.FolderIcon()
	}
	r.icon.SetResource(icon)
	r.name.SetText(e.Name)
}

// MouseDown implements [desktop.Mouseable].
func (r *pickRow) MouseDown(*desktop.MouseEvent) {
	d := r.list.d
	d.do(func() { d.picker.Select(r.at) })
	d.w.win.Canvas().Focus(r.list)
}

// MouseUp implements [desktop.Mouseable].
func (r *pickRow) MouseUp(*desktop.MouseEvent) {}

// DoubleTapped implements [fyne.DoubleTappable].
func (r *pickRow) DoubleTapped(*fyne.PointEvent) { r.list.d.enter() }

// pickPathField shows the folder, and takes a typed path.
type pickPathField struct {
	widget.Entry
	d *pickDialog
}

func newPickPathField(d *pickDialog) *pickPathField {
	f := &pickPathField{d: d}
	f.ExtendBaseWidget(f)
	f.OnSubmitted = d.typed
	return f
}

// TypedKey implements [fyne.Focusable]: Escape and Down go back to the list.
func (f *pickPathField) TypedKey(e *fyne.KeyEvent) {
	if e.Name == fyne.KeyEscape || e.Name == fyne.KeyDown {
		f.d.show()
		f.d.w.win.Canvas().Focus(f.d.list)
		return
	}
	f.Entry.TypedKey(e)
}
