package viewer

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// trainPanelWidth is the width of the training page's left panel, logical pixels.
const trainPanelWidth = 404

// trainPage is the page on which networks are trained. It takes the place of the images.
type trainPage struct {
	w       *Window
	t       *viewstate.Training
	content *fyne.Container

	form   *trainForm
	runs   *trainRuns
	tabs   *container.AppTabs
	charts [4]*curveChart

	synthetic *badge
	device    *badge
	headline  *widget.Label
	status    *widget.Label
	results   *widget.Label
	trouble   *widget.Label
	notes     *widget.Label
	bar       *thinBar
	wait      *widget.ProgressBarInfinite
	pause     *widget.Button
	cancel    *widget.Button
	open      *widget.Button
	busy      atomic.Bool // a run is under way
}

// newTrainPage makes the page, hidden.
func newTrainPage(w *Window, trainer viewstate.Trainer) *trainPage {
	p := &trainPage{w: w}
	p.t = viewstate.NewTraining(viewstate.TrainingOptions{
		Trainer: trainer, Context: w.ctx, Do: w.do, Go: w.work.Go, Clock: time.Now,
		After:   func(d time.Duration, f func()) { time.AfterFunc(d, f) },
		Changed: p.changed,
	})
	p.form = newTrainForm(w, p.t)
	p.runs = newTrainRuns(p.t, w.openTrained)
	p.synthetic = newBadge(lang.T("SYNTHETIC"), colorWarning, colorBackground)
	p.device = newBadge("", colorInput, colorText)
	p.headline, p.status, p.results, p.trouble, p.notes = heading(""), widget.NewLabel(""), caption(""), widget.NewLabel(""), caption("")
	for _, l := range []*widget.Label{p.headline, p.status, p.results, p.notes} {
		l.Wrapping, l.Truncation = fyne.TextWrapOff, fyne.TextTruncateEllipsis
	}
	p.trouble.Wrapping, p.trouble.Importance = fyne.TextWrapWord, widget.DangerImportance
	p.bar, p.wait = newThinBar(), widget.NewProgressBarInfinite()
	p.wait.Stop()
	p.pause = widget.NewButtonWithIcon(lang.T("Pause"), theme.MediaPauseIcon(), p.pauseOrGoOn)
	p.cancel = widget.NewButtonWithIcon(lang.T("Cancel"), theme.MediaStopIcon(), p.t.Cancel)
	p.open = widget.NewButtonWithIcon(lang.T("Open model"), theme.FolderOpenIcon(), func() { w.openTrained(p.t.Shown()) })
	for i := range p.charts {
		p.charts[i] = newCurveChart()
	}
	p.layout()
	p.content.Hide()
	p.changed(^viewstate.TrainChange(0))
	return p
}

// layout puts the page together.
func (p *trainPage) layout() {
	back := widget.NewButtonWithIcon(lang.T("Images"), theme.NavigateBackIcon(), p.w.hideTraining)
	title := widget.NewLabel(lang.T("Training"))
	title.SizeName = theme.SizeNameSubHeadingText
	title.TextStyle.Bold = true
	head := container.New(layout.NewCustomPaddedLayout(4, 4, 6, 8),
		container.NewHBox(back, container.New(tight{}, title), spread(), p.synthetic.Container, p.device.Container))

	p.tabs = container.NewAppTabs(container.NewTabItem(lang.T("New run"), p.form.content), container.NewTabItem(lang.T("Runs"), p.runs.content))
	buttons := container.NewHBox(p.pause, p.cancel, p.open)
	told := snug(p.headline, p.status, p.results)
	above := container.NewVBox(container.NewBorder(nil, nil, nil, container.NewVBox(gapDown(4), buttons), told),
		inset(container.New(fixedHeight{6}, p.wait, p.bar.Container)), p.trouble)
	grid := container.New(chartGrid{}, p.charts[0], p.charts[1], p.charts[2], p.charts[3])
	right := container.New(layout.NewCustomPaddedLayout(4, 2, 8, 8), container.NewBorder(above, p.notes, nil, nil, grid))

	foot := widget.NewLabel(Disclaimer.String())
	foot.SizeName = "helperText"
	foot.TextStyle.Bold = true
	local := caption(lang.T("Training runs on this machine alone; nothing is sent anywhere."))
	local.Wrapping = fyne.TextWrapOff
	bottom := container.NewBorder(nil, nil, local, foot)
	p.content = container.New(trainFrame{}, head, p.tabs, right, bottom,
		canvas.NewRectangle(colorBackground), canvas.NewRectangle(colorBackground))
}

// trainFrame places head, left panel, right part and foot, with lines between them.
type trainFrame struct{}

// MinSize implements [fyne.Layout].
func (trainFrame) MinSize(o []fyne.CanvasObject) fyne.Size {
	height := o[0].MinSize().Height + max(o[1].MinSize().Height, o[2].MinSize().Height) + o[3].MinSize().Height
	return fyne.NewSize(max(o[0].MinSize().Width, trainPanelWidth+o[2].MinSize().Width), height)
}

// Layout implements [fyne.Layout].
func (trainFrame) Layout(o []fyne.CanvasObject, size fyne.Size) {
	top, bottom := o[0].MinSize().Height, o[3].MinSize().Height
	middle := size.Height - top - bottom - 2
	place(o[0], 0, 0, size.Width, top)
	place(o[1], 0, top+1, trainPanelWidth, middle)
	place(o[2], trainPanelWidth+1, top+1, size.Width-trainPanelWidth-1, middle)
	place(o[3], 0, size.Height-bottom, size.Width, bottom)
	place(o[4], trainPanelWidth, top+1, 1, middle)
	place(o[5], 0, size.Height-bottom-1, size.Width, 1)
}

// chartGrid places four charts in two rows and columns of whole pixels.
type chartGrid struct{}

// MinSize implements [fyne.Layout].
func (chartGrid) MinSize(o []fyne.CanvasObject) fyne.Size {
	m := o[0].MinSize()
	return fyne.NewSize(2*m.Width+chartGap, 2*m.Height+chartGap)
}

// chartGap is the space between charts, logical pixels.
const chartGap = 10

// Layout implements [fyne.Layout].
func (chartGrid) Layout(o []fyne.CanvasObject, size fyne.Size) {
	w, h := whole((size.Width-chartGap)/2), whole((size.Height-chartGap)/2)
	for i, c := range o {
		place(c, float32(i%2)*(w+chartGap), float32(i/2)*(h+chartGap), w, h)
	}
}

// changed brings the page up to date.
func (p *trainPage) changed(c viewstate.TrainChange) {
	if p.content == nil {
		return // still being made
	}
	if c.Has(viewstate.TrainFormChanged) {
		p.form.update()
	}
	if c.Has(viewstate.TrainPlanChanged | viewstate.TrainFormChanged) {
		p.form.updatePlan()
	}
	if c.Has(viewstate.TrainRunsChanged | viewstate.TrainStateChanged) {
		p.runs.update()
	}
	if c.Has(viewstate.TrainStateChanged | viewstate.TrainPlanChanged) {
		p.updateState()
	}
	if c.Has(viewstate.TrainCurvesChanged|viewstate.TrainFormChanged) && p.content.Visible() {
		p.updateCharts()
	}
}

// updateCharts draws the curves anew.
func (p *trainPage) updateCharts() {
	for i, chart := range p.t.Charts() {
		p.charts[i].set(chart)
	}
}

// updateState shows how far the run is and what can be done.
func (p *trainPage) updateState() {
	t := p.t
	p.busy.Store(t.Phase().Active())
	setVisible(p.synthetic.Container, t.Synthetic())
	setVisible(p.device.Container, t.Device() != "")
	ground := colorInput
	if t.DeviceMoved() {
		ground = colorDanger
	}
	p.device.set(t.Device(), ground)
	setText(p.headline, t.Headline())
	setText(p.status, t.Status())
	setText(p.results, capital(t.Results()))
	notes := t.Notes()
	setText(p.notes, strings.Join(notes[max(0, len(notes)-1):], ""))
	setVisible(p.notes, len(notes) > 0)
	setText(p.trouble, troubleText(t.Err()))
	setVisible(p.trouble, p.trouble.Text != "")
	preparing := t.Phase() == viewstate.TrainPreparing && t.Fraction() == 0
	setVisible(p.wait, preparing)
	if preparing && p.content.Visible() {
		p.wait.Start()
	} else {
		p.wait.Stop()
	}
	setVisible(p.bar.Container, !preparing)
	p.bar.set(t.Fraction())
	p.updateButtons()
	p.form.updateStart()
	p.w.bar.setTraining(t.Phase().Active(), t.Fraction())
}

func (p *trainPage) updateButtons() {
	text, icon := lang.T("Pause"), theme.MediaPauseIcon()
	if p.t.CanGoOn() {
		text, icon = lang.T("Resume"), theme.MediaPlayIcon()
	}
	if p.pause.Text != text {
		p.pause.SetText(text)
		p.pause.SetIcon(icon)
	}
	active := p.t.Phase().Active()
	setVisible(p.pause, active)
	setVisible(p.cancel, active)
	setVisible(p.open, p.t.CanOpenModel())
	enable(p.pause, p.t.CanPause() || p.t.CanGoOn())
	enable(p.cancel, p.t.CanCancel())
	importance := widget.MediumImportance
	if p.t.Phase() == viewstate.TrainFinished {
		importance = widget.HighImportance
	}
	if p.open.Importance != importance {
		p.open.Importance = importance
		p.open.Refresh()
	}
}

// troubleText tells an error in the page: what happened, what to do next, and the details.
func troubleText(err error) string {
	if err == nil || errors.Is(err, context.Canceled) {
		return ""
	}
	what, next, details := explain(err)
	return what + " " + next + "\n" + details
}

// setText changes a label only where it differs: each change repaints the window.
func setText(l *widget.Label, text string) {
	if l.Text != text {
		l.SetText(text)
	}
}

func (p *trainPage) pauseOrGoOn() {
	if p.t.CanGoOn() {
		p.t.GoOn()
	} else {
		p.t.Pause()
	}
}
