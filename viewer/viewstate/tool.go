package viewstate

import "bayeslice/internal/lang"

// Tool is what the left mouse button does in the images.
type Tool uint8

// Tools. Browse is window and level, cursor and probe; those from Brush on edit labels.
const (
	Browse Tool = iota
	WindowRegion
	Ruler
	Ellipsoid
	Region
	DarkestNine
	Brush
	Eraser
	Polygon
	Lasso
)

var toolNames = [...]lang.Text{lang.Mark("Browse"), lang.Mark("Window to region"), lang.Mark("Ruler"), lang.Mark("Ellipsoid"), lang.Mark("Region"), lang.Mark("Darkest nine voxels"),
	lang.Mark("Brush"), lang.Mark("Eraser"), lang.Mark("Polygon"), lang.Mark("Lasso")}

// String returns the display name.
func (t Tool) String() string { return toolNames[t].String() }

// Edits reports whether the tool changes labels.
func (t Tool) Edits() bool { return t >= Brush }

// Mode decides what keys and mouse buttons mean where viewing and editing differ.
type Mode uint8

// Modes. A [Binding] with AnyMode holds in both others.
const (
	AnyMode Mode = iota
	ViewMode
	EditMode
)

// Tool returns the active tool.
func (s *State) Tool() Tool { return s.tool }

// Mode returns the mode that follows from the tool.
func (s *State) Mode() Mode {
	if s.tool.Edits() {
		return EditMode
	}
	return ViewMode
}

// SetTool makes a tool the active one.
func (s *State) SetTool(t Tool) {
	if int(t) >= len(toolNames) || t == s.tool {
		return
	}
	s.lastTool, s.tool = s.tool, t
	s.mark(ChangedTool | ChangedMarks)
}

// SwapTools goes back to the tool that was active before.
func (s *State) SwapTools() { s.SetTool(s.lastTool) }
