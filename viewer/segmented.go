package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

// segmented is a row of buttons of which one is chosen.
type segmented struct {
	*fyne.Container
	buttons  []*widget.Button
	selected int
}

// newSegmented makes the row; chosen is called with the index of a button the user pressed.
func newSegmented(labels []string, chosen func(int)) *segmented {
	s := &segmented{selected: -1}
	objects := make([]fyne.CanvasObject, len(labels))
	for i, label := range labels {
		b := widget.NewButton(label, func() { chosen(i) })
		s.buttons = append(s.buttons, b)
		objects[i] = b
	}
	s.Container = container.New(layout.NewGridLayoutWithColumns(len(labels)), objects...)
	return s
}

// newNarrowSegmented is [newSegmented] with buttons as wide as their labels.
func newNarrowSegmented(labels []string, chosen func(int)) *segmented {
	s := newSegmented(labels, chosen)
	s.Container = container.New(layout.NewCustomPaddedHBoxLayout(2), s.Objects...)
	return s
}

// set marks a button as chosen; −1 marks none.
func (s *segmented) set(index int) {
	if index == s.selected {
		return
	}
	s.selected = index
	for i, b := range s.buttons {
		importance := widget.MediumImportance
		if i == index {
			importance = widget.HighImportance
		}
		if b.Importance != importance {
			b.Importance = importance
			b.Refresh()
		}
	}
}

// enable allows or forbids a button.
func (s *segmented) enable(index int, on bool) {
	if on {
		s.buttons[index].Enable()
	} else {
		s.buttons[index].Disable()
	}
}
