package viewer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
)

// Lines of a picker beside its models.
const (
	noModel   lang.Text = "none"              // run no model of the task
	openModel lang.Text = "Open model file …" // ask for a file
)

// modelPicker chooses the model of one task.
type modelPicker struct {
	*widget.Select
	models []Model
	asked  bool   // the user has chosen, so that new models do not change it
	at     int    // index of the choice; len(models) is none
	open   func() // asks for a model file
	chosen func() // is told of every change
}

func newModelPicker(open, chosen func()) *modelPicker {
	p := &modelPicker{open: open, chosen: chosen}
	p.Select = widget.NewSelect(nil, func(string) { p.tapped() })
	p.set(nil)
	return p
}

// tapped takes what was chosen in the list. The line for a file is no choice that stays.
func (p *modelPicker) tapped() {
	i := p.SelectedIndex()
	if i < 0 || p.Options[i] != openModel.String() {
		p.at, p.asked = i, true
		p.chosen()
		return
	}
	p.show(p.at)
	p.open()
}

// show selects a line without telling.
func (p *modelPicker) show(i int) {
	changed := p.OnChanged
	p.OnChanged = nil
	p.at = i
	p.SetSelectedIndex(i)
	p.OnChanged = changed
}

// set lists models. A choice of the user stays where it is still there; otherwise the preferred model is
// chosen, or the first.
func (p *modelPicker) set(models []Model) {
	before, none := p.model(), p.at >= len(p.models)
	p.models = models
	p.Options = append(modelLabels(models), noModel.String(), openModel.String())
	at := max(0, slices.IndexFunc(models, func(m Model) bool { return m.Preferred }))
	if p.asked {
		kept := slices.IndexFunc(models, func(m Model) bool { return before != nil && m.ID == before.ID })
		switch {
		case kept >= 0:
			at = kept
		case none:
			at = len(models)
		}
	}
	p.show(at)
	p.Refresh()
}

// add puts a model first and chooses it.
func (p *modelPicker) add(m Model) {
	p.asked = false
	m.Preferred = true
	p.set(append([]Model{m}, slices.DeleteFunc(slices.Clone(p.models), func(o Model) bool { return o.ID == m.ID })...))
	p.asked = true
	p.chosen()
}

// model returns the chosen model, or nil.
func (p *modelPicker) model() *Model {
	if p.at < 0 || p.at >= len(p.models) {
		return nil
	}
	return &p.models[p.at]
}

// modelLabels name models, each name once, and say where their weights come from.
func modelLabels(models []Model) []string {
	var out []string
	for _, m := range models {
		label := modelLabel(m)
		for n := 2; slices.Contains(out, label); n++ {
			label = fmt.Sprintf("%s (%d)", modelLabel(m), n)
		}
		out = append(out, label)
	}
	return out
}

// modelLabel names a model: a bundled one by its loss, since its task is beside the list.
func modelLabel(m Model) string {
	name := m.Card.Name
	switch {
	case m.Bundled:
		name = m.Card.Loss + " · " + lang.T("bundled")
	case name == "":
		name = filepath.Base(m.ID)
	}
	switch m.Card.State() {
	case modelcard.Untrained:
		name += " · " + lang.T("untrained")
	case modelcard.SyntheticOnly:
		name += " · " + lang.T("phantoms only")
	case modelcard.Trained:
	}
	return name
}

// modelNotice says in a line what the chosen models must not be taken for, or "".
func modelNotice(pickers map[modelcard.Task]*modelPicker) string {
	says := map[string][]string{}
	var order []string
	for _, task := range runTasks {
		m := pickers[task].model()
		if m == nil {
			continue
		}
		text := ""
		switch m.Card.State() {
		case modelcard.Untrained:
			text = lang.T("untrained, its output means nothing")
		case modelcard.SyntheticOnly:
			text = lang.T("trained on generated phantoms only")
		case modelcard.Trained:
			continue
		}
		if len(says[text]) == 0 {
			order = append(order, text)
		}
		says[text] = append(says[text], taskNames[task].String())
	}
	var parts []string
	for _, text := range order {
		parts = append(parts, lang.T("%s: %s", strings.Join(says[text], " "+lang.T("and")+" "), text))
	}
	return strings.Join(parts, ". ")
}

// newModelNotice makes the label for [modelNotice].
func newModelNotice() *widget.Label {
	l := widget.NewLabel("")
	l.Importance = widget.WarningImportance
	l.SizeName = theme.SizeNameCaptionText
	l.Wrapping = fyne.TextWrapWord
	return l
}
