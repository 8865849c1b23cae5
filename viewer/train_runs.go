package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// trainRuns lists the runs of the folder that is chosen in the form.
type trainRuns struct {
	t       *viewstate.Training
	content *fyne.Container
	list    *widget.List
	where   *widget.Label
	none    *widget.Label
	open    func(viewstate.TrainRun)
}

func newTrainRuns(t *viewstate.Training, open func(viewstate.TrainRun)) *trainRuns {
	r := &trainRuns{t: t, where: caption(""), none: caption(""), open: open}
	r.where.Wrapping, r.where.Truncation = fyne.TextWrapOff, fyne.TextTruncateEllipsis
	r.list = widget.NewList(r.count, newRunRow, r.fill)
	r.list.OnSelected = func(i widget.ListItemID) {
		if runs, _ := t.Runs(); i < len(runs) {
			t.ShowRun(runs[i])
		}
	}
	again := widget.NewButtonWithIcon("", theme.ViewRefreshIcon(), t.RefreshRuns)
	r.content = container.NewBorder(container.NewBorder(nil, nil, nil, again, r.where), nil, nil, nil,
		container.NewStack(r.list, container.NewVBox(r.none)))
	return r
}

func (r *trainRuns) count() int {
	runs, _ := r.t.Runs()
	return len(runs)
}

// runRow is one line of the list.
type runRow struct {
	*fyne.Container
	name, state *widget.Label
	act         *widget.Button
}

func newRunRow() fyne.CanvasObject {
	name, state, act := widget.NewLabel(""), caption(""), widget.NewButton(lang.T("Open model"), nil)
	name.Truncation = fyne.TextTruncateEllipsis
	state.Wrapping, state.Truncation = fyne.TextWrapOff, fyne.TextTruncateEllipsis
	return container.NewBorder(nil, nil, nil, container.NewCenter(act), snug(name, state))
}

// rowParts finds the parts of a line that newRunRow made.
func rowParts(o fyne.CanvasObject) (row runRow, ok bool) {
	c, ok := o.(*fyne.Container)
	if !ok || len(c.Objects) != 2 {
		return row, false
	}
	words, ok := c.Objects[0].(*fyne.Container)
	if !ok {
		return row, false
	}
	centre, ok := c.Objects[1].(*fyne.Container)
	if !ok {
		return row, false
	}
	row.Container = c
	row.name, _ = words.Objects[0].(*widget.Label)
	row.state, _ = words.Objects[1].(*widget.Label)
	row.act, _ = centre.Objects[0].(*widget.Button)
	return row, row.name != nil && row.state != nil && row.act != nil
}

// fill shows a run in a line.
func (r *trainRuns) fill(i widget.ListItemID, o fyne.CanvasObject) {
	runs, _ := r.t.Runs()
	row, ok := rowParts(o)
	if !ok || i >= len(runs) {
		return
	}
	run := runs[i]
	row.name.SetText(viewstate.RunTitle(run))
	row.state.SetText(capital(viewstate.RunState(run)))
	if run.Model != "" {
		row.act.SetText(lang.T("Open model"))
		row.act.OnTapped = func() { r.open(run) }
	} else {
		row.act.SetText(lang.T("Resume"))
		row.act.OnTapped = func() { r.t.Continue(run) }
	}
	setVisible(row.act, run.Problem == "")
	enable(row.act, run.Model != "" || r.t.CanContinue(run))
}

// update shows the list anew.
func (r *trainRuns) update() {
	runs, err := r.t.Runs()
	setText(r.where, lang.T("In %s", r.t.Form().Folder))
	text := ""
	switch {
	case err != nil:
		what, next, _ := explain(err)
		text = what + " " + next
	case r.t.RunsKnown() && len(runs) == 0:
		text = lang.T("No runs in this folder yet.")
	}
	setText(r.none, text)
	r.list.Refresh()
}
