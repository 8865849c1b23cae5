package viewer

import (
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/inference"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// layersPanel chooses what is drawn over the images, and shows the numbers of the result.
type layersPanel struct {
	state     *viewstate.State
	content   *fyne.Container
	class     *segmented
	contours  *segmented
	layer     *widget.Select
	opacity   *widget.Slider
	opacityAt *widget.Label
	cut       *widget.Slider
	cutAt     *widget.Label
	sliders   *fyne.Container // of a map, there while one is drawn
	bar       *colorBar
	meaning   *widget.Label
	volumes   *volumeTable
	numbers   *readingNumbers // PSA density, candidates, width of the band
	notice    *widget.Label   // what the numbers must not be taken for
}

func newLayersPanel(s *viewstate.State, numbers *readingNumbers) *layersPanel {
	p := &layersPanel{state: s, bar: newColorBar(), meaning: caption(""), volumes: newVolumeTable(), numbers: numbers}
	p.class = newSegmented(names(viewstate.Classes[:]), func(i int) { s.SetClass(viewstate.Classes[i]) })
	p.contours = newSegmented(names(viewstate.ContourModes[:]), func(i int) { s.SetContours(viewstate.ContourModes[i]) })
	p.layer = widget.NewSelect(names(viewstate.Layers[:]), func(string) { s.SetLayer(viewstate.Layers[p.layer.SelectedIndex()]) })
	p.opacity, p.opacityAt = slider(0, 1, 0.05, s.SetOpacity)
	p.cut, p.cutAt = slider(0, 0.95, 0.05, s.SetThreshold)
	p.notice = newModelNotice()
	p.sliders = container.NewVBox(row(lang.T("Opacity"), container.NewBorder(nil, nil, nil, p.opacityAt, p.opacity)),
		row(lang.T("Hide below"), container.NewBorder(nil, nil, nil, p.cutAt, p.cut)))
	p.content = container.NewVBox(
		row(lang.T("Class"), p.class.Container), row(lang.T("Contours"), p.contours.Container), row(lang.T("Map"), p.layer),
		p.sliders, inset(p.bar), p.meaning, widget.NewSeparator(), p.notice, p.volumes.content, p.numbers.content)
	return p
}

// names returns the display names of a list.
func names[T fmt.Stringer](list []T) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = x.String()
	}
	return out
}

// slider returns a slider with a label for its value.
func slider(lo, hi, step float64, changed func(float64)) (*widget.Slider, *widget.Label) {
	s := widget.NewSlider(lo, hi)
	s.Step = step
	s.OnChanged = changed
	l := widget.NewLabel("00 %")
	l.Alignment = fyne.TextAlignTrailing
	return s, l
}

// rowLabelWidth aligns the controls of a panel.
const rowLabelWidth = 78

// row puts a label before a control.
func row(label string, control fyne.CanvasObject) fyne.CanvasObject {
	l := widget.NewLabel(label)
	return container.New(layout.NewCustomPaddedLayout(0, 0, 0, 6), container.NewBorder(nil, nil, container.New(fixedWidth{rowLabelWidth}, l), nil, control))
}

// inset indents an object by the padding labels have.
func inset(o fyne.CanvasObject) fyne.CanvasObject {
	return container.New(layout.NewCustomPaddedLayout(4, 2, 6, 6), o)
}

func (p *layersPanel) object() fyne.CanvasObject { return p.content }

// update brings controls and numbers up to date with the state.
func (p *layersPanel) update(c viewstate.Change) {
	p.numbers.update(c)
	if !c.Has(viewstate.ChangedLayer | viewstate.ChangedPrediction | viewstate.ChangedExam | viewstate.ChangedLayout) {
		return
	}
	s := p.state
	available := s.AvailableClasses()
	for i, class := range viewstate.Classes {
		p.class.enable(i, slices.Contains(available, class))
	}
	if len(available) == 0 {
		p.class.set(-1)
	} else {
		p.class.set(int(s.Class()))
	}
	mode, hidden := s.Contours()
	if hidden {
		mode = viewstate.NoContours
	}
	p.contours.set(int(mode))
	l, hidden := s.Layer()
	if hidden {
		l = viewstate.NoLayer
	}
	if p.layer.SelectedIndex() != int(l) { // set without the callback, which would show a hidden layer
		changed := p.layer.OnChanged
		p.layer.OnChanged = nil
		p.layer.SetSelectedIndex(int(l))
		p.layer.OnChanged = changed
	}
	setVisible(p.sliders, anyMap(s))
	setSlider(p.opacity, p.opacityAt, s.Opacity())
	setSlider(p.cut, p.cutAt, s.Threshold())
	if legend, ok := s.Legend(); ok {
		p.bar.set(legend)
		p.bar.Show()
		p.meaning.SetText(legend.Layer.Meaning())
	} else {
		p.bar.Hide()
		p.meaning.SetText(noMapText(l, len(available) > 0))
	}
	if c.Has(viewstate.ChangedPrediction | viewstate.ChangedExam) {
		p.notice.SetText(resultNotice(s.Flags()))
		setVisible(p.notice, p.notice.Text != "")
		p.showVolumes()
	}
}

// anyMap reports whether a map is drawn somewhere, or is hidden for the moment.
func anyMap(s *viewstate.State) bool {
	if l, _ := s.Layer(); l != viewstate.NoLayer {
		return true
	}
	for v := range viewstate.ViewportCount {
		if s.LayerIn(v) != viewstate.NoLayer {
			return true
		}
	}
	return false
}

// resultNotice says what the numbers must not be taken for, or "".
func resultNotice(f viewstate.Flags) string {
	var parts []string
	if f.Untrained {
		parts = append(parts, lang.T("Untrained network: random weights. The numbers below mean nothing clinically."))
	}
	if f.SyntheticOnly {
		parts = append(parts, lang.T("Network trained on generated phantoms only, on no patient. For research and education, not for diagnosis."))
	}
	return strings.Join(parts, " ")
}

func noMapText(l viewstate.Layer, results bool) string {
	switch {
	case !results:
		return lang.T("Contours and maps appear here while the models run.")
	case l == viewstate.NoLayer:
		return lang.T("Contours show where 10, 50 and 90 % of the probability lies.")
	}
	return ""
}

func setSlider(s *widget.Slider, l *widget.Label, v float64) {
	if s.Value != v {
		changed := s.OnChanged
		s.OnChanged = nil
		s.SetValue(v)
		s.OnChanged = changed
	}
	l.SetText(fmt.Sprintf("%.0f %%", 100*v))
}

// showVolumes lists the volumes of the zones.
func (p *layersPanel) showVolumes() {
	var volumes []inference.ZoneVolume
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if r := p.state.Prediction(task); r != nil {
			volumes = append(volumes, r.Volumes...)
		}
	}
	p.volumes.show(volumes)
}

func trailing(s string, muted bool) *widget.Label {
	l := widget.NewLabel(s)
	l.Alignment = fyne.TextAlignTrailing
	if muted {
		l.Importance = widget.LowImportance
		l.SizeName = theme.SizeNameCaptionText
	}
	return l
}

// tight is a layout that lets rows of a table overlap their padding.
type tight struct{}

// MinSize implements [fyne.Layout].
func (tight) MinSize(o []fyne.CanvasObject) fyne.Size {
	return o[0].MinSize().SubtractWidthHeight(0, 8)
}

// Layout implements [fyne.Layout].
func (tight) Layout(o []fyne.CanvasObject, size fyne.Size) {
	place(o[0], 0, -4, size.Width, size.Height+8)
}
