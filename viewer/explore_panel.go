package viewer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/inference"
	"bayeslice/internal/calibrate"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/explore"
)

// explorePanel is the tab beside compared models: which models are compared, by what they are judged, and a page each
// for the diagram, single samples, the clicked voxel and the quiz.
type explorePanel struct {
	w      *Window
	x      *explore.Explore
	works  *worker
	models []Model

	content *fyne.Container
	tour    *tourCard
	head    *fyne.Container // everything above the pages; hidden while the quiz asks
	picks   [explore.Slots]*widget.Select
	compare *widget.Button
	stop    *widget.Button
	bar     *thinBar
	status  *widget.Label
	judged  *widget.Label
	truth   *widget.Button
	load    *widget.Button
	sources *fyne.Container // both, where there is no reference
	class   *segmented
	region  *widget.Select
	tabs    *segmented
	page    explore.Page
	pages   []explorePage

	running *comparison // the comparison under way, or nil
	stopped chan struct{}
	shape   string // of [explorePanel.outline] when the parts were placed
}

// explorePage is a page of the panel.
type explorePage interface {
	object() fyne.CanvasObject
	refresh() // brings it up to date; called while it is shown
}

// newExplorePanel makes the panel and the state behind it.
func newExplorePanel(w *Window) *explorePanel {
	p := &explorePanel{w: w, works: newWorker(w.ctx, w.do, &w.work)}
	p.x = explore.New(w.state, p.works)
	p.tour = newTourCard(p.x)
	p.head = p.makeHead()
	p.pages = []explorePage{newDiagramPage(p.x), newSamplesPage(p), newVoxelPage(p.x), newQuizPage(p)}
	p.tabs = newSegmented([]string{lang.T("Diagram"), lang.T("Samples"), lang.T("Voxel"), lang.T("Quiz")}, func(i int) { p.open(explore.Page(i)) })
	stack := container.NewStack()
	for _, page := range p.pages {
		stack.Add(page.object())
	}
	p.head.Add(inset(p.tabs.Container))
	p.content = container.NewVBox(p.tour.content, p.head, stack)
	p.open(explore.DiagramPage)
	p.x.Listen(p.refresh)
	w.addSection(exploreSection{p.x, w})
	p.readQuiz()
	return p
}

// makeHead makes what stands above the pages.
func (p *explorePanel) makeHead() *fyne.Container {
	picks := container.NewGridWithColumns(explore.Slots)
	for slot := range p.picks {
		p.picks[slot] = widget.NewSelect(nil, func(string) { p.picked(slot) })
		p.picks[slot].PlaceHolder = lang.T("none")
		picks.Add(p.picks[slot])
	}
	p.compare = widget.NewButtonWithIcon(lang.T("Compare"), theme.MediaPlayIcon(), p.w.startComparison)
	p.compare.Importance = widget.HighImportance
	p.stop = widget.NewButtonWithIcon(lang.T("Stop"), theme.MediaStopIcon(), p.w.stopRun)
	guide := widget.NewButtonWithIcon(lang.T("Guided tour"), theme.QuestionIcon(), func() { p.x.GoToTour(1) })
	p.bar, p.status = newThinBar(), caption("")
	p.judged = caption("")
	p.truth = widget.NewButton(lang.T("Use the phantom’s labels"), p.w.useTruth)
	p.load = widget.NewButton(lang.T("Load a mask …"), func() { p.w.offerMasks(p.load, p.maskLoaded) })
	p.sources = container.NewVBox(inset(p.truth), inset(p.load))
	p.class = newNarrowSegmented(names(viewstate.Classes[:]), func(i int) { p.w.state.SetClass(viewstate.Classes[i]) })
	var regions []string
	for _, r := range explore.Regions {
		regions = append(regions, explore.RegionName(r))
	}
	p.region = widget.NewSelect(regions, func(string) {
		s := p.x.Settings()
		s.Region = explore.Regions[p.region.SelectedIndex()]
		p.x.Set(s)
	})
	buttons := container.NewGridWithColumns(2, container.NewStack(p.compare, p.stop), guide)
	return snugly(inset(picks), inset(buttons), inset(p.bar.Container), p.status, p.judged, p.sources,
		inset(container.NewBorder(nil, nil, p.class.Container, nil, p.region)))
}

// snugly stacks objects with hardly any space between them.
func snugly(objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(0), objects...)
}

func (p *explorePanel) object() fyne.CanvasObject { return p.content }

// update implements [panel]: the state's changes come through the exploration, which tells in turn.
func (p *explorePanel) update(c viewstate.Change) {
	if c.Has(viewstate.ChangedExam | viewstate.ChangedLayout | viewstate.ChangedReference) {
		p.refresh()
	}
}

// open shows a page.
func (p *explorePanel) open(page explore.Page) {
	p.page = page
	p.tabs.set(int(page))
	for i, other := range p.pages {
		setVisible(other.object(), i == int(page))
	}
	p.refresh()
}

// setModels lists the models that can be compared.
func (p *explorePanel) setModels(models []Model) {
	p.models = models
	p.x.SetCandidates(candidatesOf(models))
}

// addModel lists one more model, such as a file that was opened.
func (p *explorePanel) addModel(m Model) {
	p.setModels(append([]Model{m}, slices.DeleteFunc(slices.Clone(p.models), func(o Model) bool { return o.ID == m.ID })...))
}

// picked takes a model chosen in a list; the first line is none.
func (p *explorePanel) picked(slot int) {
	i := p.picks[slot].SelectedIndex()
	id := ""
	if of := p.x.Candidates(p.x.Task()); i > 0 && i <= len(of) {
		id = of[i-1].ID
	}
	p.x.Choose(slot, id)
}

// refresh brings the panel up to date with the exploration.
func (p *explorePanel) refresh() {
	if p.content == nil || !p.x.Active() {
		return
	}
	_, asking := p.x.Question()
	setVisible(p.head, !asking)
	p.tour.refresh()
	if step, _, ok := p.x.TourStep(); ok && p.tour.moved {
		p.tour.moved = false
		p.page = step.Page
		p.tabs.set(int(step.Page))
		for i, other := range p.pages {
			setVisible(other.object(), i == int(step.Page))
		}
	}
	if !asking {
		p.refreshHead()
	}
	p.pages[p.page].refresh()
	if shape := p.outline(); shape != p.shape { // what is hidden takes no room
		p.shape = shape
		p.content.Refresh()
		p.content.Refresh() // texts that wrap know their height once they have their width
	}
}

// outline tells what of the panel is shown, as far as it changes the places of other parts.
func (p *explorePanel) outline() string {
	_, number, _ := p.x.TourStep()
	return fmt.Sprint(number, p.page, p.head.Visible(), p.sources.Visible(), p.truth.Visible(), p.bar.Visible(), p.x.QuizEnded())
}

func (p *explorePanel) refreshHead() {
	p.refreshPicks()
	text, missing := p.x.ReferenceText()
	p.judged.SetText(text)
	p.judged.Importance = widget.LowImportance
	if missing {
		p.judged.Importance = widget.WarningImportance
	}
	p.judged.Refresh()
	setVisible(p.sources, missing && p.w.state.Exam() != nil)
	setVisible(p.truth, p.w.knowsTruth())
	p.class.set(int(p.w.state.Class()))
	for i, r := range explore.Regions {
		if r == p.x.Settings().Region {
			quietly(p.region, i)
		}
	}
	p.showRun()
}

// maskLoaded tells what went wrong with a mask; one that was loaded is judged by at once.
func (p *explorePanel) maskLoaded(err error) {
	if err != nil && !p.w.closing {
		p.w.showError(lang.T("The mask was not loaded"), err)
	}
}

// refreshPicks lists the models of the class's task, each list at its slot's choice.
func (p *explorePanel) refreshPicks() {
	of := p.x.Candidates(p.x.Task())
	options := []string{lang.T("none")}
	for _, c := range of {
		options = append(options, c.Title)
	}
	for slot, pick := range p.picks {
		pick.Options = options
		at := 0
		for i, c := range of {
			if chosen := p.x.Chosen(slot); chosen != nil && chosen.ID == c.ID {
				at = i + 1
			}
		}
		quietly(pick, at)
		enable(pick, p.running == nil)
	}
}

// quietly selects a line without calling back.
func quietly(s *widget.Select, i int) {
	if s.SelectedIndex() == i {
		return
	}
	changed := s.OnChanged
	s.OnChanged = nil
	s.SetSelectedIndex(i)
	s.OnChanged = changed
}

// begin shows that a comparison starts.
func (p *explorePanel) begin(c *comparison) {
	p.running = c
	p.bar.set(0)
	p.showRun()
}

// showRun shows how far the comparison is, and which buttons make sense.
func (p *explorePanel) showRun() {
	running := p.running != nil
	setVisible(p.compare, !running)
	setVisible(p.stop, running)
	setVisible(p.bar.Container, running)
	samples, seed := p.w.Numbers()
	wanted := len(p.x.Wanted(samples, seed, p.w.reading.reading.ModelMoves()))
	enable(p.compare, p.w.state.Exam() != nil && p.w.running == nil && wanted > 0 && len(p.models) > 0)
	var text string
	switch {
	case running:
		c := p.running
		text = lang.T("%s · model %d of %d", c.titles[c.at], c.at+1, len(c.jobs))
	case p.w.running != nil:
		text = lang.T("Another run is under way. Wait for it, or stop it.")
	case wanted > 0:
		text = lang.N(wanted, "%d model to run, %d samples each (set below under Run)", "%d models to run, %d samples each (set below under Run)", samples)
	case p.x.MaxSamples() > 0:
		text = lang.T("Every model has run: %d samples, seed %d.", samples, seed)
	default:
		text = lang.T("Choose the models to compare.")
	}
	p.status.SetText(text)
}

// showProgress shows a snapshot of the comparison.
func (p *explorePanel) showProgress(c *comparison, r *inference.Prediction) {
	if p.running != c || r.Requested == 0 {
		return
	}
	done := (float64(c.at) + float64(r.Samples)/float64(r.Requested)) / float64(len(c.jobs))
	p.bar.set(done)
	p.status.SetText(lang.T("%s · model %d of %d · sample %d of %d", c.titles[c.at], c.at+1, len(c.jobs), r.Samples, r.Requested))
}

// finish shows how a comparison ended.
func (p *explorePanel) finish(c *comparison, _ error) {
	if p.running == c {
		p.running = nil
	}
	p.refresh()
}

// playEvery is the time between two samples that follow each other by themselves.
const playEvery = 400 * time.Millisecond

// play lets samples follow each other until the exploration says that they stop.
func (p *explorePanel) play(on bool) {
	if p.stopped != nil {
		close(p.stopped)
		p.stopped = nil
	}
	p.x.Play(on)
	if _, playing := p.x.Browsing(); !playing {
		return
	}
	stopped := make(chan struct{})
	p.stopped = stopped
	p.w.work.Go(func() {
		tick := time.NewTicker(playEvery)
		defer tick.Stop()
		for {
			select {
			case <-p.w.ctx.Done():
				return
			case <-stopped:
				return
			case <-tick.C:
				p.w.do(func() { p.stepIfPlaying(stopped) })
			}
		}
	})
}

// stepIfPlaying goes on by a sample, or ends the playing that nobody wants any more.
func (p *explorePanel) stepIfPlaying(stopped chan struct{}) {
	if p.stopped != stopped {
		return
	}
	if _, playing := p.x.Browsing(); !playing || !p.x.Active() {
		p.play(false)
		return
	}
	p.x.Step(1)
}

// readQuiz reads the rounds of earlier sessions.
func (p *explorePanel) readQuiz() {
	path := p.w.opt.QuizFile
	if path == "" {
		return
	}
	p.works.Submit("read the quiz", func(context.Context) func() {
		log, err := calibrate.ReadQuiz(path)
		return func() {
			if err != nil {
				p.w.showError(lang.T("The earlier quiz results were not read"), err)
				p.w.opt.QuizFile = "" // a file that is damaged or newer stays as it is
				return
			}
			p.x.SetLog(log)
		}
	})
}

// writeQuiz keeps every round.
func (p *explorePanel) writeQuiz() {
	path, log := p.w.opt.QuizFile, p.x.Log()
	if path == "" {
		return
	}
	p.works.Submit("write the quiz", func(context.Context) func() {
		err := log.Write(path)
		return func() {
			if err != nil {
				p.w.showError(lang.T("The quiz result was not stored"), err)
			}
		}
	})
}
