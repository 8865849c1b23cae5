package viewer

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	masks "bayeslice/internal/compare"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/compare"
	"bayeslice/viewer/viewstate/queue"
)

// reviewPanel leads through the uncertain places of an exam, and compares contours with a reference.
type reviewPanel struct {
	w       *Window
	spots   *queue.Spots
	compare *compare.Comparison
	content *fyne.Container

	spotStatus *widget.Label
	spotList   *fyne.Container
	spotsShown []queue.Spot
	spotsAll   bool // more than the first few are listed
	spotsOpen  bool // as spotsAll when the list was made
	previous   *widget.Button
	next       *widget.Button

	side      *segmented
	readers   *widget.Select
	titles    []string
	load      *widget.Button
	remove    *widget.Button
	numbering *widget.Select
	numbers   []masks.Numbering
	numberRow fyne.CanvasObject
	note      *widget.Label
	status    *widget.Label
	table     *fyne.Container
	rows      []compare.Row
	strip     *sliceStrip
	stripText *widget.Label
	band      *widget.Label // two readers against the model's band
	meaning   *widget.Label
	figures   *fyne.Container // table, strip and colours: hidden without figures
	distances *widget.Check
	legend    fyne.CanvasObject
}

func newReviewPanel(w *Window, spots *queue.Spots, c *compare.Comparison) *reviewPanel {
	p := &reviewPanel{w: w, spots: spots, compare: c, spotList: snug(), table: snug(), spotStatus: caption(""), note: caption(""), status: caption(""), stripText: caption(""),
		band: caption(""), meaning: caption(compare.BandMeaning())}
	p.makeSpots()
	p.makeComparison()
	spots.Listen(p.showSpots)
	c.Listen(p.showComparison)
	p.showSpots()
	p.showComparison()
	return p
}

func (p *reviewPanel) object() fyne.CanvasObject { return p.content }

// update implements [panel]: both halves listen to their own state. The figures are kept up to date while the layout has
// the panel.
func (p *reviewPanel) update(c viewstate.Change) {
	if c.Has(viewstate.ChangedLayout) {
		layout, _ := p.w.state.Layout()
		p.compare.Show(layout == viewstate.Contour)
	}
}

// makeSpots makes the controls of the uncertain spots.
func (p *reviewPanel) makeSpots() {
	p.previous = widget.NewButtonWithIcon("", theme.NavigateBackIcon(), func() { p.w.command(viewstate.PreviousSpot) })
	p.next = widget.NewButtonWithIcon(lang.T("Next"), theme.NavigateNextIcon(), func() { p.w.command(viewstate.NextSpot) })
	p.next.IconPlacement = widget.ButtonIconTrailingText
}

// makeComparison makes the controls of the comparison and puts the panel together.
func (p *reviewPanel) makeComparison() {
	c := p.compare
	p.side = newSegmented([]string{lang.T("Contours"), lang.T("Model result")}, func(i int) { c.SetSide(compare.Contours + compare.Side(i)) })
	p.readers = widget.NewSelect(nil, func(string) { c.Select(p.readers.SelectedIndex()) })
	p.readers.PlaceHolder = lang.T("nothing yet")
	p.load = widget.NewButtonWithIcon("", theme.FolderOpenIcon(), nil)
	p.load.OnTapped = func() { p.w.offerMasks(p.load, p.w.maskLoaded) }
	p.remove = widget.NewButtonWithIcon("", theme.DeleteIcon(), c.Remove)
	p.numbering = widget.NewSelect(nil, func(string) {
		if at := p.numbering.SelectedIndex(); at >= 0 {
			c.Renumber(p.numbers[at], p.w.maskLoaded)
		}
	})
	p.numberRow = row(lang.T("Numbers"), p.numbering)
	p.strip = newSliceStrip(c.GoTo)
	p.distances = widget.NewCheck(lang.T("Colour the contour by its distance"), c.SetDistances)
	p.legend = distanceLegend()
	worst := widget.NewButton(lang.T("Worst slice"), c.Worst)
	worst.Importance = widget.LowImportance
	p.figures = snug(p.table, p.distances, inset(p.legend), inset(container.New(fixedHeight{stripHeight}, p.strip)),
		container.NewBorder(nil, nil, nil, worst, p.stripText), p.band, p.meaning)
	with := container.NewBorder(nil, nil, nil, container.NewHBox(p.load, p.remove), p.readers)
	spots := container.NewBorder(nil, nil, nil, container.NewHBox(p.previous, p.next), heading(lang.T("Uncertain spots")))
	p.content = container.NewVBox(snug(container.New(layout.NewCustomPaddedLayout(4, 2, 0, 6), spots), p.spotStatus, p.spotList), widget.NewSeparator(),
		snug(row(lang.T("Compare"), p.side.Container), gapDown(6), row(lang.T("With"), with), gapDown(6), p.numberRow, p.note, p.status), p.figures)
}

// spotsListed is how many spots are listed at first.
const spotsListed = 4

// showSpots brings the list of spots up to date.
func (p *reviewPanel) showSpots() {
	if text := p.spots.Status(); text != p.spotStatus.Text {
		p.spotStatus.SetText(text)
	}
	list := p.spots.List()
	enable(p.next, len(list) > 0)
	enable(p.previous, len(list) > 0)
	if slices.Equal(list, p.spotsShown) && p.spotsAll == p.spotsOpen {
		return
	}
	p.spotsShown, p.spotsOpen = list, p.spotsAll
	p.spotList.RemoveAll()
	for n, s := range p.listed(list) {
		p.spotList.Add(p.spotRow(n, s))
	}
	if more := len(list) - spotsListed; more > 0 && !p.spotsAll {
		all := widget.NewButton(lang.N(more, "Show %d more", "Show %d more"), func() {
			p.spotsAll = true
			p.showSpots()
		})
		all.Importance = widget.LowImportance
		p.spotList.Add(all)
	}
}

// listed returns the spots to list: the first few, up to the one that was gone to, or all.
func (p *reviewPanel) listed(list []queue.Spot) []queue.Spot {
	if p.spotsAll {
		return list
	}
	upTo := spotsListed
	if at := slices.IndexFunc(list, func(s queue.Spot) bool { return s.Current }); at >= upTo {
		upTo = at + 1
	}
	return list[:min(upTo, len(list))]
}

// spotRow is one spot; a click anywhere on it goes there.
func (p *reviewPanel) spotRow(n int, s queue.Spot) fyne.CanvasObject {
	jump := widget.NewButton("", func() { p.spots.Go(n) })
	jump.Importance = widget.LowImportance
	name := widget.NewLabel(lang.T("%d  %s", s.Number, s.Reason))
	name.Truncation = fyne.TextTruncateEllipsis
	name.SizeName = theme.SizeNameCaptionText
	figure := trailing(s.Error, false)
	figure.SizeName = theme.SizeNameCaptionText
	switch {
	case s.Current:
		jump.Importance = widget.MediumImportance
		name.TextStyle.Bold = true
	case s.Visited:
		name.Importance, figure.Importance = widget.LowImportance, widget.LowImportance
	}
	return container.New(fixedHeight{spotHeight}, jump, container.NewBorder(nil, nil, nil, figure, name))
}

// spotHeight is the height of a line of the list of spots.
const spotHeight = 22

// showComparison brings the comparison up to date.
func (p *reviewPanel) showComparison() {
	c := p.compare
	p.side.set(int(c.Side() - compare.Contours))
	enable(p.load, c.CanLoad())
	p.showReaders()
	p.showNumbers()
	p.showNote()
	if rows := c.Rows(); !slices.Equal(rows, p.rows) {
		p.rows = rows
		p.showTable()
	}
	cells := c.Strip()
	p.strip.set(cells)
	if text := stripText(c.Structure(), cells); text != p.stripText.Text {
		p.stripText.SetText(text)
	}
	band := c.BandText()
	if p.band.Text != band {
		p.band.SetText(band)
	}
	setVisible(p.band, band != "")
	setVisible(p.meaning, band != "")
	setVisible(p.figures, len(p.rows) > 0)
	setVisible(p.legend, c.Distances())
	if p.distances.Checked != c.Distances() {
		p.distances.SetChecked(c.Distances())
	}
}

// showReaders lists what can be compared with.
func (p *reviewPanel) showReaders() {
	c := p.compare
	var titles []string
	for n := range c.Readers() {
		titles = append(titles, c.Title(n))
	}
	at := c.Selected()
	enable(p.remove, at >= 0)
	if !slices.Equal(titles, p.titles) || p.readers.SelectedIndex() != at {
		p.titles = titles
		offer(p.readers, titles, at)
	}
}

// offer shows options in a list without calling its callback.
func offer(s *widget.Select, options []string, at int) {
	changed := s.OnChanged
	s.OnChanged = nil
	s.SetOptions(options)
	if at < 0 {
		s.ClearSelected()
	} else {
		s.SetSelectedIndex(at)
	}
	s.OnChanged = changed
}

// showNumbers offers what the numbers of the mask may mean.
func (p *reviewPanel) showNumbers() {
	c := p.compare
	numbers := c.Choices()
	setVisible(p.numberRow, len(numbers) > 1)
	at := -1
	if n := c.Selected(); n >= 0 {
		at = slices.Index(numbers, c.Readers()[n].Numbering)
	}
	if !slices.Equal(numbers, p.numbers) || p.numbering.SelectedIndex() != at {
		p.numbers = numbers
		var words []string
		for _, n := range numbers {
			words = append(words, numberingText(n))
		}
		offer(p.numbering, words, at)
	}
}

// numberingText says what the numbers of a mask mean, in the user's language.
func numberingText(n masks.Numbering) string {
	switch n {
	case masks.TZPZ:
		return lang.T("1 TZ, 2 PZ")
	case masks.PZTZ:
		return lang.T("1 PZ, 2 TZ")
	case masks.TZPZPCa:
		return lang.T("1 TZ, 2 PZ, 3 csPCa")
	case masks.WholeOne:
		return lang.T("whole gland")
	case masks.LesionIn:
		return lang.T("csPCa lesions")
	case masks.ISUP:
		return lang.T("ISUP grades, csPCa from 2")
	}
	return n.Text()
}

// showNote says what must be known about the reference, and what is going on.
func (p *reviewPanel) showNote() {
	c := p.compare
	note := ""
	if at := c.Selected(); at >= 0 {
		r := c.Readers()[at]
		note = r.Note
		if r.Known() && !r.Guess.Sure && r.Guess.Reason != "" && r.Numbering == r.Guess.Numbering {
			note = joined(r.Guess.Reason+" "+lang.T("Correct the numbers if that is wrong."), note)
		}
	}
	status := c.Status()
	if err := c.Problem(); err != nil {
		what, next, _ := explain(err)
		status = what + " " + next
	}
	for l, text := range map[*widget.Label]string{p.note: note, p.status: status} {
		if l.Text != text {
			l.SetText(text)
		}
		setVisible(l, text != "")
	}
}

func joined(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}

// structureHeight is the height of a line of the table.
const structureHeight = 26

// showTable lists the figures of each structure; a click on a line chooses it for the strip and the contour.
func (p *reviewPanel) showTable() {
	p.table.RemoveAll()
	if len(p.rows) == 0 {
		return
	}
	head := []fyne.CanvasObject{trailing("", true)}
	for _, s := range []string{lang.T("Dice"), lang.T("HD95"), lang.T("ASSD"), lang.T("ΔmL"), lang.T("Δ%")} {
		head = append(head, trailing(s, true))
	}
	p.table.Add(container.New(fixedHeight{27}, container.NewGridWithColumns(len(head), head...)))
	for _, r := range p.rows {
		choose := widget.NewButton("", func() { p.compare.SelectStructure(r.Structure) })
		choose.Importance = widget.LowImportance
		if r.Selected {
			choose.Importance = widget.MediumImportance
		}
		name := widget.NewLabel(r.Structure)
		name.TextStyle.Bold = r.Selected
		cells := []fyne.CanvasObject{container.New(layout.NewCustomPaddedLayout(0, 0, 2, 0), name)}
		for _, s := range []string{r.Dice, r.HD95, r.ASSD, r.Volume, r.Relative} {
			cells = append(cells, trailing(s, false))
		}
		p.table.Add(container.New(fixedHeight{structureHeight}, choose, container.NewGridWithColumns(len(cells), cells...)))
	}
	p.table.Add(caption(lang.T("HD95 and ASSD in mm. Δ: volume less that of the reference.")))
}
