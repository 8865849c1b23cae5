package uitest

import (
	"fmt"
	"image"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Tree is what a window shows at one moment: its objects in the order in which they are painted.
type Tree struct {
	Size  Size    `json:"size"`  // of the window, pixels
	Scale float64 `json:"scale"` // pixels per logical pixel
	Nodes []Node  `json:"nodes"`
}

// Size is a width and a height in pixels.
type Size struct {
	W float64 `json:"w"`
	H float64 `json:"h"`
}

// Box is a rectangle in pixels of the window; X1 and Y1 are outside of it.
type Box struct {
	X0 float64 `json:"x0"`
	Y0 float64 `json:"y0"`
	X1 float64 `json:"x1"`
	Y1 float64 `json:"y1"`
}

// Intersect returns what both boxes cover, which may be empty.
func (b Box) Intersect(o Box) Box {
	return Box{max(b.X0, o.X0), max(b.Y0, o.Y0), min(b.X1, o.X1), min(b.Y1, o.Y1)}
}

// Empty reports whether the box covers nothing.
func (b Box) Empty() bool { return b.X0 >= b.X1 || b.Y0 >= b.Y1 }

// Within reports whether the box lies in another one, give or take some pixels.
func (b Box) Within(o Box, tolerance float64) bool {
	return b.X0 >= o.X0-tolerance && b.Y0 >= o.Y0-tolerance && b.X1 <= o.X1+tolerance && b.Y1 <= o.Y1+tolerance
}

// Center returns the pixel in the middle.
func (b Box) Center() image.Point { return b.At(0.5, 0.5) }

// At returns the pixel at a fraction of the width and height.
func (b Box) At(x, y float64) image.Point {
	return image.Pt(int(b.X0+x*(b.X1-b.X0)), int(b.Y0+y*(b.Y1-b.Y0)))
}

// Rect returns the pixels that the box touches.
func (b Box) Rect() image.Rectangle {
	return image.Rect(int(math.Floor(b.X0)), int(math.Floor(b.Y0)), int(math.Ceil(b.X1)), int(math.Ceil(b.Y1)))
}

// Node is a visible object.
type Node struct {
	Kind     string  `json:"kind"`               // the Go type, or the toolkit's type that it embeds: "Button", "Text", …
	Type     string  `json:"type,omitempty"`     // the Go type where Kind is what it embeds
	Text     string  `json:"text,omitempty"`     // as drawn, or as typed in, chosen or written on it
	Hint     string  `json:"hint,omitempty"`     // what stands in an empty field
	Icon     string  `json:"icon,omitempty"`     // the name of a button's icon
	Parent   int     `json:"parent"`             // in [Tree.Nodes]; −1 for the roots
	Layer    int     `json:"layer"`              // 0 for the window's content, 1 and more for what lies over it
	Box      Box     `json:"box"`                // where it is
	Seen     Box     `json:"seen"`               // what of it is not cut off by anything
	Fence    Box     `json:"fence"`              // what it must lie within: scrolling may bring it into the other direction
	Need     Size    `json:"need"`               // the least size
	Align    int     `json:"align,omitempty"`    // of a text: 0 at the left, 1 in the middle, 2 at the right
	Disabled bool    `json:"disabled,omitempty"` // it takes no events
	On       bool    `json:"on,omitempty"`       // checked, or of high importance
	Value    float64 `json:"value,omitempty"`    // of a slider: the fraction of its range at which it stands
	Range    float64 `json:"range,omitempty"`    // of a slider: from its least to its greatest value
	Widget   bool    `json:"widget,omitempty"`   // it has a renderer of its own
	Opaque   bool    `json:"opaque,omitempty"`   // what lies below it cannot be seen
}

// drawn is the box of the letters of a text.
func (n *Node) drawn() Box {
	b := n.Box
	free := b.X1 - b.X0 - n.Need.W
	b.X0 += free * float64(n.Align) / 2
	b.X1 = b.X0 + n.Need.W
	middle := (b.Y0 + b.Y1) / 2
	b.Y0, b.Y1 = middle-n.Need.H/2, middle+n.Need.H/2
	return b
}

// top is the highest layer: what lies below it takes no events.
func (t *Tree) top() int {
	top := 0
	for _, n := range t.Nodes {
		top = max(top, n.Layer)
	}
	return top
}

// Find returns the visible nodes of the kind ("" for any) whose text or icon is the given one, in the topmost
// layer. A node of which less than half can be seen is not among them.
func (t *Tree) Find(kind, text string) []Node {
	return t.Where(func(n Node) bool {
		return (kind == "" || n.Kind == kind || n.Type == kind) && (n.Text == text || n.Icon == text)
	})
}

// Match is Find by a regular expression.
func (t *Tree) Match(kind, pattern string) []Node {
	re := regexp.MustCompile(pattern)
	return t.Where(func(n Node) bool { return (kind == "" || n.Kind == kind || n.Type == kind) && re.MatchString(n.Text) })
}

// Where returns the nodes of the topmost layer of which at least half can be seen and that satisfy.
func (t *Tree) Where(holds func(Node) bool) []Node {
	top := t.top()
	var found []Node
	for _, n := range t.Nodes {
		if n.Layer == top && !n.Seen.Empty() && n.Seen.Center().In(n.Box.Rect()) && area(n.Seen) >= area(n.Box)/2 && holds(n) {
			found = append(found, n)
		}
	}
	return found
}

func area(b Box) float64 { return max(0, b.X1-b.X0) * max(0, b.Y1-b.Y0) }

// Controls are kinds that a click means something to.
var Controls = []string{"Button", "Check", "Select", "Entry", "Slider", "Hyperlink", "tabButton", "menuItem", "RadioGroup", "radioItem"}

// Control returns the control of a name: one that it is written on, else the only text of that name that is drawn.
func (t *Tree) Control(name string) (Node, error) {
	all := t.Find("", name)
	controls := slices.DeleteFunc(slices.Clone(all), func(n Node) bool { return !slices.Contains(Controls, n.Kind) })
	if len(controls) == 0 { // a text on a control that keeps its name to itself, or anything else to click on
		controls = slices.DeleteFunc(all, func(n Node) bool { return n.Kind != "Text" })
	}
	switch len(controls) {
	case 0:
		return Node{}, fmt.Errorf("nothing named %q can be seen", name)
	case 1:
		return controls[0], nil
	}
	return Node{}, fmt.Errorf("%d things are named %q", len(controls), name)
}

// Beside returns the control of a kind to the right of a text in its row, else the next below it.
func (t *Tree) Beside(label, kind string) (Node, error) {
	labels := t.Find("Text", label)
	if len(labels) == 0 {
		return Node{}, fmt.Errorf("no text %q can be seen", label)
	}
	at := labels[0].Box
	best, found := math.Inf(1), Node{}
	for _, n := range t.Where(func(n Node) bool { return n.Kind == kind || n.Type == kind }) {
		distance := math.Inf(1)
		middle := float64(n.Box.Center().Y)
		switch {
		case n.Box.X0 >= at.X1-8 && n.Box.Y0 < float64(at.Center().Y) && n.Box.Y1 > float64(at.Center().Y):
			distance = n.Box.X0 - at.X1
		case middle > at.Y1 && n.Box.X0 < at.X1 && n.Box.X1 > at.X0:
			distance = 1000 + middle - at.Y1
		}
		if distance < best {
			best, found = distance, n
		}
	}
	if math.IsInf(best, 1) {
		return Node{}, fmt.Errorf("no %s beside %q can be seen", kind, label)
	}
	return found, nil
}

// Texts returns what can be read, a line for each text, for messages of failed tests.
func (t *Tree) Texts() string {
	var out []string
	for _, n := range t.Where(func(n Node) bool { return n.Kind == "Text" && n.Text != "" }) {
		out = append(out, n.Text)
	}
	return strings.Join(out, " | ")
}
