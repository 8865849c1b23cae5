package uitest

import (
	"image"
	"image/color"
	"image/draw"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// window is a picture like the program's: dark, with an image at the left and rows of a panel at the right.
func window() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 640, 400))
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{24, 28, 34, 255}), image.Point{}, draw.Src)
	for y := range 380 {
		for x := range 440 {
			v := uint8(60 + 60*((x/40+y/40)%3) + (x*7+y*13)%20)
			img.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	for i := range 12 {
		draw.Draw(img, image.Rect(460, 20+30*i, 560, 32+30*i), image.NewUniform(color.RGBA{220, 220, 220, 255}), image.Point{}, draw.Src)
	}
	return img
}

func TestCompareAcceptsOnlyNoise(t *testing.T) {
	want := window()
	noisy := window()
	for i := range noisy.Pix {
		if i%4 < 3 {
			noisy.Pix[i] = uint8(min(255, int(noisy.Pix[i])+(i*31%17)))
		}
	}
	if err := Compare(noisy, want); err != nil {
		t.Errorf("noise: %v", err)
	}
	shifted := window()
	draw.Draw(shifted, image.Rect(440, 0, 640, 400), window(), image.Pt(437, 0), draw.Src)
	if Compare(shifted, want) == nil {
		t.Error("a panel three pixels to the right passes")
	}
	missing := window()
	draw.Draw(missing, image.Rect(450, 108, 640, 124), image.NewUniform(color.RGBA{24, 28, 34, 255}), image.Point{}, draw.Src)
	if err := Compare(missing, want); err == nil || !strings.Contains(err.Error(), "%") {
		t.Errorf("a missing row: %v", err)
	}
	if Compare(image.NewRGBA(image.Rect(0, 0, 9, 9)), want) == nil {
		t.Error("another size passes")
	}
	Mask(missing, image.Rect(440, 100, 640, 130))
	Mask(want, image.Rect(440, 100, 640, 130))
	if err := Compare(missing, want); err != nil {
		t.Errorf("masked: %v", err)
	}
}

func TestReduceTakesMeans(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 5, 2))
	for i, v := range []uint8{10, 20, 0, 255, 9, 30, 100, 0, 255, 9} {
		img.SetRGBA(i%5, i/5, color.RGBA{v, 0, v, 255})
	}
	got := Reduce(img, 2)
	if got.Rect != image.Rect(0, 0, 2, 1) || got.RGBAAt(0, 0) != (color.RGBA{48, 0, 48, 255}) || got.RGBAAt(1, 0) != (color.RGBA{120, 0, 120, 255}) {
		t.Errorf("%v %v", got.Rect, got.Pix)
	}
}

func TestReferencesComeBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reference.png")
	if _, err := ReadReference(path); err == nil || !strings.Contains(err.Error(), "-update") {
		t.Errorf("none there: %v", err)
	}
	want := Reduce(window(), 2)
	Save(t, path, want)
	got, err := ReadReference(path)
	if err != nil || !slices.Equal(got.Pix, want.Pix) {
		t.Errorf("%v", err)
	}
	got.SetRGBA(5, 7, color.RGBA{255, 255, 255, 255})
	shown := Differences(got, want)
	if shown.RGBAAt(5, 7) != (color.RGBA{255, 40, 40, 255}) || shown.RGBAAt(6, 7).R > 90 {
		t.Error("differences are not shown")
	}
}

// page is a window with a panel that scrolls down, a label in it and a text beside it.
func page(change func(*Tree)) []string {
	box := Box{0, 0, 300, 200}
	panel := Box{200, 0, 300, 200}
	tall := Box{200, 0, 300, 1000}
	all := Box{0, 0, 300, 200}
	t := &Tree{Size: Size{300, 200}, Scale: 1, Nodes: []Node{
		{Kind: "Container", Parent: -1, Box: box, Seen: box, Fence: all},
		{Kind: "Scroll", Parent: 0, Box: panel, Seen: panel, Fence: all, Widget: true},
		{Kind: "Label", Text: "Samples of both networks", Parent: 1, Box: Box{200, 180, 300, 210}, Seen: Box{200, 180, 300, 200}, Fence: tall, Widget: true},
		{Kind: "RichText", Parent: 2, Box: Box{200, 180, 300, 210}, Seen: Box{200, 180, 300, 200}, Fence: tall, Widget: true},
		{Kind: "Text", Text: "Samples of both", Parent: 3, Box: Box{204, 186, 296, 204}, Seen: Box{204, 186, 296, 200}, Fence: tall, Need: Size{90, 18}},
		{Kind: "Text", Text: "T2W", Parent: 0, Box: Box{10, 10, 40, 26}, Seen: Box{10, 10, 40, 26}, Fence: all, Need: Size{30, 16}},
		{Kind: "Text", Text: "ADC", Parent: 0, Box: Box{50, 10, 80, 26}, Seen: Box{50, 10, 80, 26}, Fence: all, Need: Size{30, 16}, Align: 1},
	}}
	change(t)
	return Faults(t, image.Pt(300, 200), nil)
}

func TestFaultsAreFound(t *testing.T) {
	if got := page(func(*Tree) {}); len(got) != 0 {
		t.Errorf("a sound page: %q", got)
	}
	for want, change := range map[string]func(*Tree){
		`leaves what can be seen`:    func(p *Tree) { p.Nodes[5].Need.W = 320 },
		`is larger than its Label`:   func(p *Tree) { p.Nodes[2].Box.X1, p.Nodes[4].Need.W = 280, 96 },
		`leaves what`:                func(p *Tree) { p.Nodes[4].Need.W = 150 },
		`is shortened to "Samples…`:  func(p *Tree) { p.Nodes[4].Text = "Samples…" },
		`the window needs 302 × 200`: func(p *Tree) { p.Size.W = 302 },
		`are written over each`:      func(p *Tree) { p.Nodes[6].Box = Box{20, 12, 50, 28}; p.Nodes[6].Seen = p.Nodes[6].Box },
	} {
		if got := page(change); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: found %q", want, got)
		}
	}
	under := func(p *Tree) { // a panel lies over the first text and below the other
		p.Nodes[6].Box = Box{20, 12, 50, 28}
		p.Nodes[6].Seen = p.Nodes[6].Box
		panel := Node{Kind: "Rectangle", Opaque: true, Box: Box{0, 0, 300, 100}, Seen: Box{0, 0, 300, 100}}
		p.Nodes = append(p.Nodes[:6:6], panel, p.Nodes[6])
	}
	if got := page(under); len(got) != 0 {
		t.Errorf("what is covered: %q", got)
	}
	var tree *Tree
	page(func(p *Tree) { p.Nodes[4].Text, tree = "Samples…", p })
	if got := Faults(tree, image.Pt(300, 200), func(text string) bool { return strings.HasPrefix(text, "Samples of") }); len(got) != 0 {
		t.Errorf("an allowed one: %q", got)
	}
}

func TestControlsAreFoundByName(t *testing.T) {
	b := func(x, y float64) Box { return Box{x, y, x + 60, y + 20} }
	tree := &Tree{Scale: 1, Nodes: []Node{
		{Kind: "Button", Text: "Run", Box: b(0, 0), Seen: b(0, 0)},
		{Kind: "Text", Text: "Run", Box: b(10, 0), Seen: b(10, 0)},
		{Kind: "Text", Text: "Samples", Box: b(0, 40), Seen: b(0, 40)},
		{Kind: "Entry", Text: "100", Box: b(70, 40), Seen: b(70, 40)},
		{Kind: "Entry", Text: "1", Box: b(200, 40), Seen: b(200, 40)},
		{Kind: "Text", Text: "Models", Box: b(0, 80), Seen: b(0, 80)},
		{Kind: "Select", Text: "CE", Box: b(0, 110), Seen: b(0, 110)},
		{Kind: "Text", Text: "hidden", Box: b(0, 190), Seen: Box{0, 190, 60, 192}},
		{Kind: "Text", Text: "twice", Box: b(0, 150), Seen: b(0, 150)},
		{Kind: "Text", Text: "twice", Box: b(80, 150), Seen: b(80, 150)},
	}}
	if n, err := tree.Control("Run"); err != nil || n.Kind != "Button" {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err := tree.Beside("Samples", "Entry"); err != nil || n.Text != "100" {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err := tree.Beside("Models", "Select"); err != nil || n.Text != "CE" {
		t.Errorf("%+v, %v", n, err)
	}
	for _, name := range []string{"hidden", "twice", "gone"} {
		if n, err := tree.Control(name); err == nil {
			t.Errorf("%s: %+v", name, n)
		}
	}
	tree.Nodes = append(tree.Nodes, Node{Kind: "Text", Text: "Close", Layer: 1, Box: b(0, 0), Seen: b(0, 0)})
	if _, err := tree.Control("Run"); err == nil {
		t.Error("a dialog leaves what lies below it open")
	}
}
