package viewer

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	product "bayeslice/internal/about"
	"bayeslice/internal/lang"
	"bayeslice/resources"
)

// RuntimeSource is an [Engine] that tells which ONNX Runtime it uses.
type RuntimeSource interface {
	// Runtime returns the version and the path of the library. It loads it where that is not done, which takes a
	// moment; it is called on a worker goroutine.
	Runtime() (version, library string, err error)
}

// Sizes in the dialog about the program, logical pixels.
const (
	aboutWidth   = 960
	aboutHeight  = 680
	partsWidth   = 300 // of the list of parts
	lineHeight   = 15  // of a licence's text
	maxColumns   = 100 // of a licence's text
	textMargin   = 6   // before a licence's text, as labels have it
	scrollMargin = 66  // beside the list and the text: padding and the bar that scrolls
)

// aboutDialog tells the version and shows the licences of everything in the program.
type aboutDialog struct {
	w       *Window
	parts   []product.Licence
	list    *partList
	title   *widget.Label
	note    *widget.Label
	rows    *lazyRows
	columns int
	runtime *widget.Label
}

// showAbout shows version, origin and licences of the program.
func (w *Window) showAbout() {
	parts, err := product.Licences()
	if err != nil {
		w.showError(lang.T("The licences cannot be shown"), err)
		return
	}
	size := w.dialogSize(aboutWidth, aboutHeight)
	a := &aboutDialog{w: w, parts: parts, title: heading(""), note: caption(""), rows: newLazyRows(), runtime: caption("")}
	a.title.Truncation = fyne.TextTruncateEllipsis
	letter := fyne.MeasureText("m", theme.CaptionTextSize(), fyne.TextStyle{Monospace: true}).Width
	a.columns = min(maxColumns, max(1, int((size.Width-partsWidth-scrollMargin)/letter)))
	a.list = newPartList(a)
	rows := container.New(layout.NewCustomPaddedLayout(0, 0, textMargin, 0), a.rows.object)
	texts := container.NewBorder(snug(a.title, a.note), nil, nil, nil, rows)
	lists := container.NewBorder(nil, nil, container.New(fixedWidth{partsWidth}, a.list), nil, texts)
	d := dialog.NewCustom(lang.T("About Bayeslice"), lang.T("Close"), container.NewBorder(a.head(), nil, nil, nil, lists), w.win)
	d.Resize(size)
	w.showEscaped(d)
	a.list.Select(0)
	w.win.Canvas().Focus(a.list)
	a.askRuntime()
}

// head is what stands above the licences: the icon, what this is, and what it must not be used for.
func (a *aboutDialog) head() fyne.CanvasObject {
	icon := canvas.NewImageFromResource(fyne.NewStaticResource("icon.png", resources.Icon))
	icon.FillMode = canvas.ImageFillContain
	name := widget.NewLabel(a.w.programVersion())
	name.TextStyle.Bold = true
	name.SizeName = theme.SizeNameSubHeadingText
	use := widget.NewLabel(researchText.String())
	use.Wrapping = fyne.TextWrapWord
	return container.NewBorder(nil, widget.NewSeparator(), container.New(fixedSize{72}, icon), nil,
		snug(name, caption(buildText(product.ThisBuild())), a.runtime, use))
}

// buildText says what the program was built from.
func buildText(b product.Build) string {
	compiler := lang.T("%s, %s", b.Go, b.Platform)
	switch {
	case b.Revision == "":
		return compiler
	case b.Changed:
		return lang.T("Revision %s of %s, with changes; %s", b.Revision, b.Time.Format("2006-01-02"), compiler)
	}
	return lang.T("Revision %s of %s; %s", b.Revision, b.Time.Format("2006-01-02"), compiler)
}

// askRuntime tells which ONNX Runtime there is, once it is loaded.
func (a *aboutDialog) askRuntime() {
	source, ok := a.w.opt.Engine.(RuntimeSource)
	if !ok {
		return
	}
	a.runtime.SetText(lang.T("ONNX Runtime is being loaded …"))
	a.w.work.Go(func() {
		version, library, err := source.Runtime()
		a.w.do(func() { a.runtime.SetText(a.runtimeText(version, library, err)) })
	})
}

// runtimeText names the library; its path may name the user, and is left out where names are hidden.
func (a *aboutDialog) runtimeText(version, library string, err error) string {
	switch {
	case err != nil:
		what, _, details := explain(err)
		return "ONNX Runtime: " + what + " " + a.w.discreet(details)
	case a.w.state.Private():
		return "ONNX Runtime " + version
	}
	return lang.T("ONNX Runtime %s, %s", version, library)
}

// partList is the list of parts: arrows go through it, Escape closes the dialog.
type partList struct {
	widget.List
	w         *Window
	count, at int
}

func newPartList(a *aboutDialog) *partList {
	l := &partList{w: a.w, count: len(a.parts)}
	l.Length, l.CreateItem, l.UpdateItem = func() int { return l.count }, newPartRow, a.fillRow
	l.OnSelected = func(i int) {
		l.at = i
		a.choose(i)
	}
	l.ExtendBaseWidget(l)
	return l
}

// TypedKey implements [fyne.Focusable].
func (l *partList) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeyEscape:
		l.w.escape()
	case fyne.KeyUp:
		l.Select(max(0, l.at-1))
		l.List.TypedKey(e) // which moves its own mark
	case fyne.KeyDown:
		l.Select(min(l.count-1, l.at+1))
		l.List.TypedKey(e)
	}
}

// newPartRow makes a row of the list.
func newPartRow() fyne.CanvasObject {
	name := widget.NewLabel("")
	name.Truncation = fyne.TextTruncateEllipsis
	kind := caption("")
	kind.Wrapping, kind.Truncation = fyne.TextWrapOff, fyne.TextTruncateEllipsis
	return container.New(partRow{}, name, kind)
}

// fillRow shows a part in its row.
func (a *aboutDialog) fillRow(i int, o fyne.CanvasObject) {
	row := o.(*fyne.Container)
	row.Objects[0].(*widget.Label).SetText(partName(a.parts[i].Name))
	row.Objects[1].(*widget.Label).SetText(a.parts[i].Kind)
}

// partName leaves the host out of a module's path: what tells modules apart stands behind it.
func partName(name string) string {
	if host, rest, ok := strings.Cut(name, "/"); ok && strings.Contains(host, ".") {
		return rest
	}
	return name
}

// choose shows the text of a part.
func (a *aboutDialog) choose(i int) {
	part := a.parts[i]
	a.title.SetText(strings.TrimSpace(part.Name + " " + part.Version))
	note := part.Kind
	if part.Note != "" {
		note += ". " + part.Note
	}
	a.note.SetText(note)
	text, err := part.Text()
	if err != nil {
		what, next, _ := explain(err)
		text = what + " " + next
	}
	var rows []lazyRow
	for _, line := range product.Wrap(text, a.columns) {
		rows = append(rows, lazyRow{func(float32) float32 { return lineHeight }, func() fyne.CanvasObject {
			t := canvas.NewText(line, colorText)
			t.TextStyle.Monospace = true
			t.TextSize = theme.CaptionTextSize()
			return t
		}})
	}
	a.rows.set(rows)
}

// partRow stacks the name of a part and its licence closely.
type partRow struct{}

const partRowHeight = 46

// MinSize implements [fyne.Layout].
func (partRow) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(0, partRowHeight) }

// Layout implements [fyne.Layout].
func (partRow) Layout(o []fyne.CanvasObject, size fyne.Size) {
	place(o[0], 0, -2, size.Width, 28)
	place(o[1], 0, 18, size.Width, 26)
}
