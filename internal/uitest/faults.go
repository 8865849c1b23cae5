package uitest

import (
	"fmt"
	"image"
	"strings"
)

// slack is how many pixels a text may stick out: positions are rounded to whole pixels.
const slack = 2

// Faults returns a sentence for every text of the window that cannot be read whole: cut off by the screen or by what
// it stands in, wider than its place, shortened, or with another text across it, and one for a window that is larger
// than the screen. Parts that scrolling brings into view are no fault. A text for which allowed holds may be shortened;
// nil allows none.
func Faults(t *Tree, screen image.Point, allowed func(shortened string) bool) []string {
	var faults []string
	if t.Size.W > float64(screen.X)+1 || t.Size.H > float64(screen.Y)+1 {
		faults = append(faults, fmt.Sprintf("the window needs %.0f × %.0f pixels of a screen of %d × %d", t.Size.W, t.Size.H, screen.X, screen.Y))
	}
	var texts []int
	for i, n := range t.Nodes {
		if n.Kind != "Text" || strings.TrimSpace(n.Text) == "" || n.Seen.Empty() {
			continue
		}
		texts = append(texts, i)
		drawn := n.drawn()
		switch holder := t.holder(n); {
		case !drawn.Within(n.Fence, slack*t.Scale):
			faults = append(faults, fmt.Sprintf("%q at %v leaves what can be seen, %v", n.Text, drawn.Rect(), n.Fence.Rect()))
		case holder != nil && !drawn.Within(holder.Box, slack*t.Scale):
			faults = append(faults, fmt.Sprintf("%q at %v is larger than its %s at %v", n.Text, drawn.Rect(), holder.Kind, holder.Box.Rect()))
		case strings.HasSuffix(n.Text, "…") && t.shortened(n) && (allowed == nil || !allowed(t.whole(n))):
			faults = append(faults, fmt.Sprintf("%q is shortened to %q", t.whole(n), n.Text))
		}
	}
	return append(faults, t.crossings(texts, slack*t.Scale)...)
}

// holder is the nearest widget around a node that scrolls no content, or nil where what scrolls comes before.
func (t *Tree) holder(n Node) *Node {
	for p := n.Parent; p >= 0; p = t.Nodes[p].Parent {
		switch o := &t.Nodes[p]; {
		case o.Kind == "Scroll" || o.Kind == "Clip":
			return nil
		case o.Widget && o.Kind != "RichText" && !o.Box.Empty(): // titles of dialogs have places but no sizes
			return o
		}
	}
	return nil
}

// whole is the text of the widget that a drawn text belongs to.
func (t *Tree) whole(n Node) string {
	for p := n.Parent; p >= 0; p = t.Nodes[p].Parent {
		if t.Nodes[p].Text != "" {
			return t.Nodes[p].Text
		}
	}
	return n.Text
}

// shortened reports whether the toolkit wrote the dots.
func (t *Tree) shortened(n Node) bool { return !strings.Contains(t.whole(n), n.Text) }

// crossings finds texts of one layer, given by their places in the order of painting, that are written over each other.
func (t *Tree) crossings(texts []int, tolerance float64) []string {
	var faults []string
	for i, lower := range texts {
		for _, upper := range texts[i+1:] {
			a, b := t.Nodes[lower], t.Nodes[upper]
			if a.Layer != b.Layer {
				continue
			}
			both := a.drawn().Intersect(a.Seen).Intersect(b.drawn()).Intersect(b.Seen)
			if both.X1-both.X0 > tolerance && both.Y1-both.Y0 > 2*tolerance && !t.covered(both, lower, upper) {
				faults = append(faults, fmt.Sprintf("%q at %v and %q at %v are written over each other", a.Text, a.drawn().Rect(), b.Text, b.drawn().Rect()))
			}
		}
	}
	return faults
}

// covered reports whether something opaque is painted over a box after one node and before another.
func (t *Tree) covered(b Box, after, before int) bool {
	for _, n := range t.Nodes[after+1 : before] {
		if n.Opaque && b.Within(n.Seen, 1) {
			return true
		}
	}
	return false
}
