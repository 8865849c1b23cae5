package paper

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/report/paper/papertest"
)

// sample is a page with all that a page can hold.
func sample() *Page {
	p := NewPage(A4Width, A4Height)
	p.Text(20, 30, Style{Points: 12, Bold: true}, Left, `Volume (TZ ∪ PZ) 42.0 mL [40.1, 45.3] \ ×10⁻⁶ mm²/s — Ångström, Łódź`)
	p.Text(190, 40, Style{Points: 9}, Right, "right")
	p.Text(105, 50, Style{Points: 9, Color: color.NRGBA{R: 200, A: 255}}, Centre, "middle")
	p.Fill(Rect{20, 60, 30, 10}, color.NRGBA{0, 114, 178, 255})
	img := image.NewRGBA(image.Rect(0, 0, 40, 40))
	for i := range img.Pix {
		img.Pix[i] = 255
		if i%4 != 3 {
			img.Pix[i] = uint8(i / 160 * 6)
		}
	}
	p.Picture(Rect{60, 60, 40, 40}, img)
	for n := range 4 { // of one size, which must not change places
		small := image.NewRGBA(img.Rect)
		draw.Draw(small, small.Rect, image.NewUniform(color.RGBA{uint8(60 * n), 0, 90, 255}), image.Point{}, draw.Src)
		p.Picture(Rect{20 + 30*float64(n), 120, 20, 20}, small)
	}
	return p
}

func pdfOf(t *testing.T, p *Page, m Meta) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := p.PDF(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPDFHoldsItsTextAsText(t *testing.T) {
	data := pdfOf(t, sample(), Meta{Title: "T"})
	lines, err := papertest.Lines(data)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`Volume (TZ ∪ PZ) 42.0 mL [40.1, 45.3] \ ×10⁻⁶ mm²/s — Ångström, Łódź`, "right", "middle"}
	if !slices.Equal(lines, want) {
		t.Errorf("lines %q, want %q", lines, want)
	}
	if n := papertest.Pages(data); n != 1 {
		t.Errorf("%d pages", n)
	}
}

// Another program's reading of the same file, where one is installed.
func TestGhostscriptReadsTheText(t *testing.T) {
	gs, err := exec.LookPath("gs")
	if err != nil {
		t.Skip("no Ghostscript here")
	}
	path := filepath.Join(t.TempDir(), "page.pdf")
	if err := writeAll(path, pdfOf(t, sample(), Meta{})); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(gs, "-q", "-dSAFER", "-sDEVICE=txtwrite", "-o", "-", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TZ ∪ PZ", "×10⁻⁶ mm²/s", "Łódź", "right", "middle"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("Ghostscript does not find %q in %q", want, out)
		}
	}
}

func TestEqualPagesGiveEqualFiles(t *testing.T) {
	first := pdfOf(t, sample(), Meta{Title: "T", Program: "P"})
	for range 3 {
		if !bytes.Equal(first, pdfOf(t, sample(), Meta{Title: "T", Program: "P"})) {
			t.Fatal("two files of equal pages differ")
		}
	}
	if bytes.Contains(first, []byte("Date")) || bytes.Contains(first, []byte("D:19")) {
		t.Error("a date stands in a file that was given none")
	}
	dated := pdfOf(t, sample(), Meta{Created: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)})
	if !bytes.Contains(dated, []byte("/CreationDate (D:20260701120000)")) {
		t.Error("the date that was given is missing")
	}
}

func TestImageShowsWhatThePDFShows(t *testing.T) {
	img, err := sample().Image(100)
	if err != nil {
		t.Fatal(err)
	}
	if want := image.Rect(0, 0, 827, 1169); img.Bounds() != want {
		t.Errorf("bounds %v, want %v", img.Bounds(), want)
	}
	at := func(x, y float64) color.RGBA { return img.RGBAAt(int(x*100/25.4), int(y*100/25.4)) }
	if c := at(35, 65); c != (color.RGBA{0, 114, 178, 255}) {
		t.Errorf("area has colour %v", c)
	}
	if c := at(5, 5); c != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("paper has colour %v", c)
	}
	if top, bottom := at(80, 62), at(80, 98); top.R >= bottom.R {
		t.Errorf("the picture is dark at the top and bright below, got %v and %v", top, bottom)
	}
	gs, err := exec.LookPath("gs")
	if err != nil {
		t.Skip("no Ghostscript here to compare with")
	}
	compareWithGhostscript(t, gs, img)
}

// compareWithGhostscript asks how dark each 2 mm of the page is in both.
func compareWithGhostscript(t *testing.T, gs string, img *image.RGBA) {
	t.Helper()
	dir := t.TempDir()
	pdf, png := filepath.Join(dir, "page.pdf"), filepath.Join(dir, "page.png")
	if err := writeAll(pdf, pdfOf(t, sample(), Meta{})); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(gs, "-q", "-dSAFER", "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4", "-sDEVICE=png16m", "-r100", "-o", png, pdf).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	other, err := readPNG(png)
	if err != nil {
		t.Fatal(err)
	}
	const cell = 8
	worst := 0.0
	for y := 0; y+cell <= 1160; y += cell {
		for x := 0; x+cell <= 820; x += cell {
			r := image.Rect(x, y, x+cell, y+cell)
			worst = max(worst, math.Abs(meanGrey(img, r)-meanGrey(other, r)))
		}
	}
	t.Logf("largest difference of a cell's mean grey: %.1f of 255", worst)
	if worst > 40 { // glyphs may be up to half a pixel apart
		t.Errorf("the picture differs from Ghostscript's by %.1f grey levels in a cell", worst)
	}
}

func TestWidthAgreesWithTheFont(t *testing.T) {
	// Go Regular has 2048 units an em; these are its hmtx table's advances.
	for line, units := range map[string]float64{"H": 1479, "i": 505, "²": 933, "∪": 1472, "": 0} {
		got := Width(Style{Points: 72 / 25.4 * 10}, line)
		if want := units / 2048 * 10; math.Abs(got-want) > 0.01 {
			t.Errorf("%q is %.3f mm wide, want %.3f", line, got, want)
		}
	}
	st := Style{Points: 10}
	if a, b := Width(st, "AV"), Width(st, "A")+Width(st, "V"); math.Abs(a-b) > 1e-9 {
		t.Errorf("AV is %g wide, its letters %g: lines are set without kerning", a, b)
	}
}

func TestWrapAndShortenFit(t *testing.T) {
	st := Style{Points: 8}
	text := "A model’s name that is " + strings.Repeat("extraordinarily", 12) + " long\nand a word 前立腺 that the face lacks"
	lines := Wrap(st, text, 40)
	for _, line := range lines {
		if Width(st, line) > 40 {
			t.Errorf("%q is %.1f mm wide", line, Width(st, line))
		}
	}
	if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(printable(text), " ", ""); got != want {
		t.Errorf("wrapping lost letters: %q, want %q", got, want)
	}
	if short := Shorten(st, text, 40); Width(st, short) > 40 || !strings.HasSuffix(short, "…") {
		t.Errorf("shortened to %q, %.1f mm", short, Width(st, short))
	}
	if got := Shorten(st, "short", 40); got != "short" {
		t.Errorf("a short text became %q", got)
	}
	if got := Wrap(st, "", 40); got != nil {
		t.Errorf("an empty text has lines %q", got)
	}
	if got := Wrap(st, "wide", 0.1); len(got) != 4 {
		t.Errorf("a column of no width: %q, want a letter a line", got)
	}
}

func TestWhatTheFaceLacksIsSeen(t *testing.T) {
	if got := printable("a\tb\n\u200b前😀\ufeff"); got != "a b □□" {
		t.Errorf("printable = %q", got)
	}
	p := NewPage(100, 100)
	p.Text(10, 10, Style{Points: 8}, Left, "前立腺 😀")
	lines, err := papertest.Lines(pdfOf(t, p, Meta{}))
	if err != nil || !slices.Equal(lines, []string{"□□□ □"}) {
		t.Errorf("lines %q, %v", lines, err)
	}
}

func TestBoxesHoldTheLetters(t *testing.T) {
	p := NewPage(100, 30)
	p.Text(10, 20, Style{Points: 24}, Left, "Ågjpqy|Ñ")
	box := p.Texts()[0].Box
	img, err := p.Image(300)
	if err != nil {
		t.Fatal(err)
	}
	scale := 300 / 25.4
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			dot := Rect{(float64(x) - 0.5) / scale, (float64(y) - 0.5) / scale, 0, 0}
			if img.RGBAAt(x, y).R < 128 && !(Rect{dot.X, dot.Y, 2 / scale, 2 / scale}).Overlaps(box) {
				t.Fatalf("ink at %.2f, %.2f mm outside the box %+v", dot.X, dot.Y, box)
			}
		}
	}
}

func TestPagesThatCannotBeWritten(t *testing.T) {
	bad := map[string]*Page{"no area": NewPage(0, 10), "too large": NewPage(1e9, 10), "not a number": NewPage(10, 10), "empty picture": NewPage(10, 10), "no picture": NewPage(10, 10), "no size": NewPage(10, 10)}
	bad["not a number"].Text(math.NaN(), 1, Style{Points: 8}, Left, "x")
	bad["no size"].Text(1, 1, Style{}, Left, "x")
	bad["empty picture"].Picture(Rect{1, 1, 2, 2}, image.NewRGBA(image.Rectangle{}))
	bad["no picture"].Picture(Rect{1, 1, 2, 2}, nil)
	for name, p := range bad {
		if err := p.PDF(&bytes.Buffer{}, Meta{}); !errors.Is(err, ErrPage) {
			t.Errorf("%s: PDF = %v, want ErrPage", name, err)
		}
		if _, err := p.Image(72); !errors.Is(err, ErrPage) {
			t.Errorf("%s: Image = %v, want ErrPage", name, err)
		}
	}
	if _, err := NewPage(100, 100).Image(1e6); !errors.Is(err, ErrPage) {
		t.Errorf("a huge picture: %v", err)
	}
	full := errors.New("full")
	if err := sample().PDF(failing{full}, Meta{}); !errors.Is(err, full) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
