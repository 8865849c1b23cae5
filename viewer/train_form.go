package viewer

import (
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// trainLabelWidth is the width of the labels in the training page's form, logical pixels.
const trainLabelWidth = 106

// trainForm is where a training is chosen, with what it will need below, and the button that starts it.
type trainForm struct {
	t        *viewstate.Training
	content  *fyne.Container
	data     *widget.Select
	dataNote *widget.Label
	dataRow  fyne.CanvasObject
	poolRow  fyne.CanvasObject
	pool     *field
	dataPath *field
	maskRows *fyne.Container
	maskPath *field
	maskMean *widget.Select
	skip     *widget.Check
	task     *segmented
	loss     *segmented
	lossNote *widget.Label
	lossIDs  []string
	size     *widget.Select
	sizeNote *widget.Label
	steps    *field
	rate     *field
	seed     *field
	device   *widget.Select
	folder   *field
	plan     *fyne.Container
	synth    *badge
	why      *widget.Label
	start    *widget.Button
}

func newTrainForm(w *Window, t *viewstate.Training) *trainForm {
	f := &trainForm{t: t, dataNote: caption(""), lossNote: caption(""), sizeNote: caption(""), why: caption("")}
	entry := func(store func(*viewstate.TrainForm, string), check func(string) error) *field {
		e := newField(w.shortcut)
		e.OnChanged = func(s string) { t.Choose(func(form *viewstate.TrainForm) { store(form, s) }) }
		e.Validator = check
		return e
	}
	f.data = widget.NewSelect(dataNames(), func(string) {
		t.Choose(func(form *viewstate.TrainForm) { form.Data = viewstate.TrainData(f.data.SelectedIndex()) })
	})
	f.pool = entry(func(form *viewstate.TrainForm, s string) { form.Anatomies = s }, func(s string) error { _, err := viewstate.ParseAnatomies(s); return err })
	f.dataPath = entry(func(form *viewstate.TrainForm, s string) { form.DataFolder = s }, nil)
	f.dataPath.SetPlaceHolder(lang.T("Folder of the data"))
	f.maskPath = entry(func(form *viewstate.TrainForm, s string) { form.MaskFolder = s }, nil)
	f.maskPath.SetPlaceHolder(lang.T("Beside the images"))
	f.maskMean = widget.NewSelect(nil, func(string) {
		f.chose(f.maskMean, t.Choices().MaskValues, func(form *viewstate.TrainForm) *string { return &form.MaskValues })
	})
	f.skip = widget.NewCheck(lang.T("Leave out exams that cannot be used"), func(on bool) {
		t.Choose(func(form *viewstate.TrainForm) { form.SkipBad = on })
	})
	f.task = newSegmented([]string{taskNames[runTasks[0]].String(), taskNames[runTasks[1]].String()}, func(i int) {
		t.Choose(func(form *viewstate.TrainForm) { form.Task = runTasks[i] })
	})
	f.loss = newSegmented(nil, nil)
	f.size = widget.NewSelect(nil, func(string) {
		f.chose(f.size, t.Choices().Sizes, func(form *viewstate.TrainForm) *string { return &form.Size })
	})
	f.device = widget.NewSelect(nil, func(string) {
		f.chose(f.device, t.Choices().Devices, func(form *viewstate.TrainForm) *string { return &form.Device })
	})
	f.steps = entry(func(form *viewstate.TrainForm, s string) { form.Steps = s }, func(s string) error { _, err := viewstate.ParseSteps(s); return err })
	f.rate = entry(func(form *viewstate.TrainForm, s string) { form.Rate = s }, func(s string) error { _, err := viewstate.ParseRate(s); return err })
	f.seed = entry(func(form *viewstate.TrainForm, s string) { form.Seed = s }, func(s string) error { _, err := viewstate.ParseSeed(s); return err })
	f.folder = entry(func(form *viewstate.TrainForm, s string) { form.Folder = s }, nil)
	f.folder.SetPlaceHolder(lang.T("Folder in which runs are kept"))
	f.synth = newBadge(lang.T("SYNTHETIC"), colorWarning, colorBackground)
	f.start = widget.NewButtonWithIcon(lang.T("Start"), theme.MediaPlayIcon(), t.Start)
	f.start.Importance = widget.HighImportance
	f.layout(w)
	return f
}

func dataNames() []string {
	var names []string
	for _, d := range viewstate.TrainDataKinds {
		names = append(names, d.String())
	}
	return names
}

// layout puts the form together.
func (f *trainForm) layout(w *Window) {
	f.poolRow = trainRow(lang.T("Anatomies"), container.NewGridWithColumns(2, f.pool, caption(lang.T("made once and kept"))))
	f.dataRow = container.NewVBox(trainRow(lang.T("Data folder"), w.folderField(f.dataPath, pickDataFolder)), f.skip)
	f.maskRows = container.NewVBox(trainRow(lang.T("Masks"), w.folderField(f.maskPath, pickMaskFolder)), trainRow(lang.T("Mask values"), f.maskMean))
	rows := container.NewVBox(
		trainRow(lang.T("Data"), f.data), trainNote(f.dataNote), f.poolRow, f.dataRow, f.maskRows,
		trainRow(lang.T("Task"), f.task.Container),
		trainRow(lang.T("Loss"), f.loss.Container), trainNote(f.lossNote),
		trainRow(lang.T("Network"), f.size), trainNote(f.sizeNote),
		trainRow(lang.T("Steps"), container.NewGridWithColumns(2, f.steps, container.NewBorder(nil, nil, widget.NewLabel(lang.T("Seed")), nil, f.seed))),
		trainRow(lang.T("Learning rate"), container.NewGridWithColumns(2, f.rate, layout.NewSpacer())),
		trainRow(lang.T("Device"), f.device),
		trainRow(lang.T("Runs folder"), w.folderField(f.folder, pickRunsFolder)))
	f.plan = container.NewVBox()
	foot := container.NewVBox(widget.NewSeparator(),
		container.NewHBox(heading(lang.T("Before it starts")), spread(), f.synth.Container, gap(4)),
		f.plan, f.why, inset(f.start))
	f.content = container.NewBorder(nil, foot, nil, nil, container.NewVScroll(container.New(layout.NewCustomPaddedLayout(6, 6, 0, 6), rows)))
}

// trainRow is a labelled row of the form.
func trainRow(label string, control fyne.CanvasObject) fyne.CanvasObject {
	l := widget.NewLabel(label)
	l.Truncation = fyne.TextTruncateEllipsis
	return container.New(layout.NewCustomPaddedLayout(0, 0, 0, 6), container.NewBorder(nil, nil, container.New(fixedWidth{trainLabelWidth}, l), nil, control))
}

// shared is a layout of objects side by side: each gets what it needs, and an equal share of the rest.
type shared struct{}

// MinSize implements [fyne.Layout].
func (shared) MinSize(o []fyne.CanvasObject) fyne.Size {
	size := fyne.NewSize(layoutGap*float32(max(0, len(o)-1)), 0)
	for _, x := range o {
		m := x.MinSize()
		size.Width += m.Width
		size.Height = max(size.Height, m.Height)
	}
	return size
}

// Layout implements [fyne.Layout].
func (s shared) Layout(o []fyne.CanvasObject, size fyne.Size) {
	rest := max(0, size.Width-s.MinSize(o).Width) / max(1, float32(len(o)))
	at := float32(0)
	for _, x := range o {
		w := x.MinSize().Width + rest
		place(x, at, 0, w, size.Height)
		at += w + layoutGap
	}
}

// trainNote is the small print of the row above.
func trainNote(l *widget.Label) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(-8, -2, trainLabelWidth+layoutGap-6, 0), l)
}

// layoutGap is the space that a border layout leaves between its parts, logical pixels.
const layoutGap = 4

// chose stores which option of a list the user took.
func (f *trainForm) chose(list *widget.Select, options []viewstate.TrainOption, where func(*viewstate.TrainForm) *string) {
	if i := list.SelectedIndex(); i >= 0 && i < len(options) {
		f.t.Choose(func(form *viewstate.TrainForm) { *where(form) = options[i].ID })
	}
}

// update shows what is chosen and what can be.
func (f *trainForm) update() {
	form, choices := f.t.Form(), f.t.Choices()
	f.data.SetSelectedIndex(int(form.Data))
	f.dataNote.SetText(form.Data.Meaning())
	setVisible(f.poolRow, !form.Data.NeedsFolder())
	setVisible(f.dataRow, form.Data.NeedsFolder())
	setVisible(f.maskRows, form.Data.HasMasks())
	show(f.maskMean, choices.MaskValues, form.MaskValues, nil)
	if f.skip.Checked != form.SkipBad {
		f.skip.SetChecked(form.SkipBad)
	}
	for i, task := range runTasks {
		if task == form.Task {
			f.task.set(i)
		}
	}
	f.updateLosses(choices.Losses, form.Loss)
	show(f.size, choices.Sizes, form.Size, f.sizeNote)
	show(f.device, choices.Devices, form.Device, nil)
	for _, text := range []struct {
		entry *field
		text  string
	}{{f.pool, form.Anatomies}, {f.dataPath, form.DataFolder}, {f.maskPath, form.MaskFolder}, {f.steps, form.Steps}, {f.rate, form.Rate}, {f.seed, form.Seed}, {f.folder, form.Folder}} {
		if text.entry.Text != text.text {
			text.entry.SetText(text.text)
		}
	}
}

// updateLosses shows the losses as buttons; they are made anew where others are offered.
func (f *trainForm) updateLosses(options []viewstate.TrainOption, chosen string) {
	ids, names := []string{}, []string{}
	for _, o := range options {
		ids, names = append(ids, o.ID), append(names, o.Name)
	}
	if len(ids) != len(f.lossIDs) {
		made := newSegmented(names, func(i int) {
			f.t.Choose(func(form *viewstate.TrainForm) { form.Loss = f.lossIDs[i] })
		})
		f.loss.buttons, f.loss.selected = made.buttons, -1
		f.loss.Layout, f.loss.Objects = shared{}, made.Objects
		f.loss.Refresh()
	}
	f.lossIDs = ids
	f.lossNote.SetText("")
	for i, o := range options {
		if o.ID == chosen {
			f.loss.set(i)
			f.lossNote.SetText(o.Description)
		}
	}
}

// show fills a list and its small print.
func show(list *widget.Select, options []viewstate.TrainOption, chosen string, note *widget.Label) {
	list.Options = nil
	for _, o := range options {
		list.Options = append(list.Options, o.Name)
	}
	o, ok := viewstate.FindOption(options, chosen)
	if ok && list.Selected != o.Name {
		list.SetSelected(o.Name)
	}
	list.Refresh()
	if note != nil {
		note.SetText(o.Description)
	}
}

// updatePlan shows what the training will need, or what is missing.
func (f *trainForm) updatePlan() {
	plan, err := f.t.Plan()
	why := ""
	var incomplete viewstate.Incomplete
	switch {
	case errors.As(err, &incomplete):
		why = capital(incomplete.Error()) + "."
	case err != nil:
		what, next, details := explain(err)
		why = what + " " + next + " " + details
	case plan == nil:
		why = lang.T("Looking at what this needs …")
	default:
		for i, w := range plan.Warnings {
			if i > 0 {
				why += " "
			}
			why += w
		}
	}
	f.why.Importance = widget.LowImportance
	if err != nil || plan != nil {
		f.why.Importance = widget.WarningImportance
	}
	f.why.SetText(why)
	setVisible(f.why, why != "")
	f.plan.RemoveAll()
	for _, line := range f.t.PlanLines() {
		value := widget.NewLabel(line.Value)
		value.Truncation = fyne.TextTruncateEllipsis
		f.plan.Add(container.New(tight{}, trainRow(line.Name, value)))
	}
	setVisible(f.synth.Container, plan != nil && plan.Synthetic)
	f.updateStart()
}

// updateStart allows Start where it makes sense.
func (f *trainForm) updateStart() {
	enable(f.start, f.t.CanStart())
}
