package viewer

import (
	"context"
	"sync/atomic"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/align"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate/reading"
)

// alignSection checks whether T2W and diffusion lie on each other, and moves the display of the diffusion images by hand.
type alignSection struct {
	w       *Window
	reading *reading.Reading
	content *fyne.Container
	check   *widget.Button
	stop    *widget.Button
	bar     *thinBar
	result  *widget.Label
	apply   *widget.Button
	applies fyne.CanvasObject // the button with its margin, there while there is something to apply
	offset  *widget.Label
	reset   *widget.Button
	given   *widget.Label // what the models see
	give    *widget.Button
	gives   fyne.CanvasObject // the button with its margin, there while it would change something
	nudges  []*widget.Button
	cancel  context.CancelFunc // of the check under way
}

func newAlignSection(w *Window, r *reading.Reading) *alignSection {
	a := &alignSection{w: w, reading: r, bar: newThinBar(), result: caption(""), offset: widget.NewLabel("")}
	a.check = widget.NewButton(lang.T("Check"), a.start)
	a.stop = widget.NewButtonWithIcon("", theme.MediaStopIcon(), func() {
		if a.cancel != nil {
			a.cancel()
		}
	})
	a.apply = widget.NewButton(lang.T("Apply as manual offset"), func() { r.ApplyEstimate() })
	a.reset = widget.NewButton(lang.T("Reset"), func() { r.SetOffset(align.Offset{}) })
	a.given = caption("")
	a.give = widget.NewButton("", w.runMoved)
	a.gives = inset(a.give)
	a.offset.SizeName = theme.SizeNameCaptionText
	head := ending(container.NewBorder(nil, nil, heading(lang.T("T2W against diffusion")), container.NewHBox(a.stop, a.check)))
	moved := ending(container.NewBorder(nil, nil, nil, a.reset, a.offset))
	a.applies = inset(a.apply)
	a.content = snug(head, inset(a.bar.Container), a.result, a.applies, inset(a.nudgeRow()), moved, a.given, a.gives)
	return a
}

// nudgeRow is a button for each direction of the patient.
func (a *alignSection) nudgeRow() fyne.CanvasObject {
	const mm = reading.NudgeMM
	row := container.NewGridWithColumns(6)
	for _, n := range []struct {
		side string
		by   align.Offset
	}{{"R", align.Offset{Left: -mm}}, {"L", align.Offset{Left: mm}}, {"A", align.Offset{Back: -mm}}, {"P", align.Offset{Back: mm}},
		{"H", align.Offset{Head: mm}}, {"F", align.Offset{Head: -mm}}} {
		b := widget.NewButton(n.side, func() { a.reading.Nudge(n.by) })
		a.nudges = append(a.nudges, b)
		row.Add(b)
	}
	return row
}

// start checks on a goroutine of its own. Progress that the window has not shown yet is replaced by newer.
func (a *alignSection) start() {
	task, ok := a.reading.StartCheck()
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(a.w.ctx)
	a.cancel = cancel
	var pending atomic.Bool
	a.w.work.Go(func() {
		defer cancel()
		e, err := task.Run(ctx, func(done float64) {
			if pending.CompareAndSwap(false, true) {
				a.w.do(func() {
					pending.Store(false)
					a.reading.CheckProgress(task, done)
				})
			}
		})
		a.w.do(func() { a.reading.EndCheck(task, e, err) })
	})
	a.update()
}

// update brings the section up to date with the state.
func (a *alignSection) update() {
	r := a.reading
	running, done := r.Checking()
	has := a.w.state.Exam() != nil
	enable(a.check, has && !running)
	setVisible(a.stop, running)
	setVisible(a.bar.Container, running)
	if running {
		a.bar.set(done)
	}
	text := r.AlignmentProblem()
	switch {
	case running:
		text = lang.T("Comparing the images over the region of the gland …")
	case r.Estimate() != nil:
		text = r.AlignmentText() + " " + r.AlignmentAdvice()
	case text == "":
		text = lang.T("Check whether the diffusion images lie where T2W shows the same anatomy, or move them by hand in steps of %.1f mm.", reading.NudgeMM)
	}
	if a.result.Text != text {
		a.result.SetText(text)
	}
	e := r.Estimate()
	setVisible(a.applies, e != nil && e.Confidence.Reliable())
	if offset := lang.T("Offset: %s", r.OffsetText()); a.offset.Text != offset {
		a.offset.SetText(offset)
	}
	enable(a.reset, !r.Offset().Zero())
	a.updateGiven()
	for _, b := range a.nudges {
		enable(b, has)
	}
}

// updateGiven says what the models see, and offers to let them see the images where they are displayed.
func (a *alignSection) updateGiven() {
	text := a.reading.GivenText()
	if a.given.Text != text {
		a.given.SetText(text)
	}
	setVisible(a.given, text != "")
	setVisible(a.gives, a.reading.OffsetNotGiven())
	give := lang.T("Run again with this offset")
	if a.reading.Offset().Zero() {
		give = lang.T("Run again without an offset")
	}
	if a.give.Text != give {
		a.give.SetText(give)
	}
}
