package viewer

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// panel is the content of a tab beside the images.
type panel interface {
	// object returns what is shown; always the same.
	object() fyne.CanvasObject
	// update brings it up to date after a change of the state. It is called for every change, also
	// while the tab is not shown, and must be cheap where the change does not concern it.
	update(c viewstate.Change)
}

// sidePanel is a panel with the layouts in which its tab is there.
type sidePanel struct {
	panel
	name    string // in session files
	item    *container.TabItem
	layouts []viewstate.Layout
	home    bool // it comes up with the first of its layouts
}

// addPanel adds a tab that is there in some layouts; none means all. Session files know it by its name.
func (w *Window) addPanel(name, title string, p panel, layouts ...viewstate.Layout) {
	w.panels = append(w.panels, sidePanel{p, name, container.NewTabItem(title, newPage(p.object())), layouts, false})
}

// page scrolls the content of a tab. The tabs ask all of them for their sizes and refresh all of them whenever one
// comes up, which takes longer than to paint the one; a page has one size whatever it holds, and what it holds
// refreshes itself.
type page struct {
	widget.BaseWidget
	scroll *container.Scroll
}

func newPage(content fyne.CanvasObject) *page {
	p := &page{scroll: container.NewVScroll(content)}
	p.ExtendBaseWidget(p)
	return p
}

// MinSize implements [fyne.CanvasObject].
func (p *page) MinSize() fyne.Size { return fyne.NewSize(32, 32) }

// Refresh implements [fyne.CanvasObject].
func (p *page) Refresh() {}

// CreateRenderer implements [fyne.Widget].
func (p *page) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(p.scroll) }

// addHomePanel adds a tab that comes up with a layout, and is there in others.
func (w *Window) addHomePanel(name, title string, p panel, home viewstate.Layout, others ...viewstate.Layout) {
	w.addPanel(name, title, p, append([]viewstate.Layout{home}, others...)...)
	w.panels[len(w.panels)-1].home = true
}

// addPanels registers every tab, in the order in which they stand.
func (w *Window) addPanels() {
	w.addPanel("exam", lang.T("Exam"), w.exam)
	w.addPanel("results", lang.T("Results"), w.layers)
	w.addPanel("reading", lang.T("Reading"), w.reading, viewstate.Read, viewstate.Uncertainty)
	w.addHomePanel("contour", lang.T("Contour"), newEditPanel(w, w.labels), viewstate.Contour, viewstate.Read, viewstate.Uncertainty)
	w.addReview()
	w.addHomePanel("calibration", lang.T("Calibration"), w.explore, viewstate.Compare)
	w.addPanel("histograms", lang.T("Histograms"), w.histograms, viewstate.Read, viewstate.Compare)
	w.showPanels()
}

// showPanels shows the tabs of the layout.
func (w *Window) showPanels() {
	layout, _ := w.state.Layout()
	var items []*container.TabItem
	for _, p := range w.panels {
		if len(p.layouts) == 0 || slices.Contains(p.layouts, layout) {
			items = append(items, p.item)
		}
	}
	if slices.Equal(items, w.tabs.Items) {
		return
	}
	w.run.update(layout)
	selected := w.tabs.Selected()
	w.tabs.SetItems(items)
	switch {
	case selected != nil && slices.Contains(items, selected):
		w.tabs.Select(selected)
	case len(w.state.AvailableClasses()) > 0:
		w.selectPanel(w.layers)
	}
	for _, p := range w.panels {
		if p.home && p.layouts[0] == layout {
			w.tabs.Select(p.item)
			return
		}
	}
}

// selectPanel brings a tab up; where the layout has none for it, the layout that has comes with it.
func (w *Window) selectPanel(which panel) {
	for _, p := range w.panels {
		if p.panel != which {
			continue
		}
		if layout, _ := w.state.Layout(); len(p.layouts) > 0 && !slices.Contains(p.layouts, layout) {
			w.state.SetLayout(p.layouts[0])
		}
		w.tabs.Select(p.item)
	}
}

// updatePanels tells every tab what changed.
func (w *Window) updatePanels(c viewstate.Change) {
	for _, p := range w.panels {
		p.update(c)
	}
}

// menuItem is an entry of the menu in the tool bar.
type menuItem struct {
	label   string
	command viewstate.Command // carried out; its keys stand beside the label
}

// addMenu adds entries to the menu in the tool bar; the empty entry is a line.
func (w *Window) addMenu(items ...menuItem) { w.menu = append(w.menu, items...) }

// showMenu shows the menu below a button.
func (w *Window) showMenu(below fyne.CanvasObject) {
	items := []*fyne.MenuItem{}
	for _, m := range append(slices.Clone(w.menu), menuItem{lang.T("Fit the slice"), viewstate.FitView}, menuItem{lang.T("Full screen"), viewstate.FullScreen},
		menuItem{}, menuItem{lang.T("Open a session …"), viewstate.OpenSession}, menuItem{lang.T("Save the session …"), viewstate.SaveSession},
		menuItem{}, menuItem{w.privacyLabel(), viewstate.HideIdentity}, menuItem{lang.T("Preferences …"), viewstate.ShowPreferences},
		menuItem{lang.T("Keys and mouse"), viewstate.ShowHelp}, menuItem{lang.T("About Bayeslice …"), viewstate.ShowAbout}, menuItem{}, menuItem{lang.T("Quit"), viewstate.Quit}) {
		if m.command == viewstate.NoCommand {
			items = append(items, fyne.NewMenuItemSeparator())
			continue
		}
		label := m.label
		if keys := w.state.Keys().Text(m.command); keys != "" {
			label += "    " + keys
		}
		items = append(items, fyne.NewMenuItem(label, func() { w.command(m.command) }))
	}
	at := w.app.Driver().AbsolutePositionForObject(below).AddXY(0, below.Size().Height+2)
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items...), w.win.Canvas(), at)
}
