package viewer

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"

	"bayeslice/inference"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// volumeTable lists the volumes of zones. Its lines stay while a network samples, and so do their sizes: the window
// would lay out all that holds them, and paint once more, for every sample.
type volumeTable struct {
	content *fyne.Container
	zones   []string
	lines   []volumeLine
}

// volumeLine is the line of a zone.
type volumeLine struct{ mean, interval *widget.Label }

func newVolumeTable() *volumeTable { return &volumeTable{content: snug()} }

// show shows the volumes, with the interval over the samples.
func (t *volumeTable) show(volumes []inference.ZoneVolume) {
	var zones []string
	for _, v := range volumes {
		zones = append(zones, v.Zone)
	}
	if !slices.Equal(zones, t.zones) {
		t.zones = zones
		t.build()
	}
	for i, v := range volumes {
		t.lines[i].mean.SetText(lang.T("%.1f mL", v.ML.Mean))
		t.lines[i].interval.SetText(fmt.Sprintf("%.1f–%.1f", v.ML.P5, v.ML.P95))
	}
}

// build makes the lines anew.
func (t *volumeTable) build() {
	t.content.RemoveAll()
	t.lines = nil
	for i, zone := range t.zones {
		if i == 0 {
			t.content.Add(columns(heading(lang.T("Volume")), trailing(lang.T("mean"), true), trailing(lang.T("5–95 %"), true)))
		}
		line := volumeLine{trailing("", false), trailing("", false)}
		t.lines = append(t.lines, line)
		t.content.Add(columns(zoneName(zone), newSteady(line.mean, lang.T("%.1f mL", 100.)), newSteady(line.interval, "100.0–100.0")))
	}
}

// zoneName is a zone's name behind its colour.
func zoneName(zone string) fyne.CanvasObject {
	chip := canvas.NewRectangle(colorMuted)
	for _, c := range viewstate.Classes {
		if c.String() == zone {
			chip.FillColor = c.Color()
		}
	}
	chip.SetMinSize(fyne.NewSize(10, 10))
	chip.CornerRadius = 2
	return container.NewHBox(container.New(layout.NewCustomPaddedLayout(0, 0, 6, 0), container.NewCenter(chip)), widget.NewLabel(zone))
}

// columns is a line of a table of a name and numbers.
func columns(cells ...fyne.CanvasObject) fyne.CanvasObject {
	return container.New(tight{}, container.NewGridWithColumns(len(cells), cells...))
}

// steady holds a label in the size of its longest text, so that nothing moves when the text changes.
type steady struct {
	widget.BaseWidget
	label *widget.Label
	least fyne.Size
}

func newSteady(label *widget.Label, longest string) *steady {
	s := &steady{label: label}
	text := label.Text
	label.Text = longest
	s.least = label.MinSize()
	label.Text = text
	s.ExtendBaseWidget(s)
	return s
}

// MinSize implements [fyne.CanvasObject].
func (s *steady) MinSize() fyne.Size { return s.least }

// CreateRenderer implements [fyne.Widget].
func (s *steady) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(s.label) }
