package paper

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
)

// Meta is what a PDF says about itself.
type Meta struct {
	Title, Subject, Program string
	Created                 time.Time // the zero value leaves the date out, so that equal pages give equal files
}

// noDate stands where a date is left out; it is blanked before the file is written.
var noDate = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)

// PDF writes the page as a PDF 1.3 or later of one page, with its fonts inside and its text as text. It fails with
// [ErrPage] or w's error.
func (p *Page) PDF(w io.Writer, meta Meta) error {
	if err := p.check(); err != nil {
		return err
	}
	if _, err := parsed(); err != nil {
		return err
	}
	doc := newDocument(p, meta)
	widths := map[int]bool{}
	for n, m := range p.marks {
		switch {
		case m.text != nil:
			doc.SetFont("go", [2]string{"", "B"}[m.text.Style.index()], m.text.Style.Points)
			doc.SetTextColor(int(m.text.Style.Color.R), int(m.text.Style.Color.G), int(m.text.Style.Color.B))
			doc.Text(m.text.X, m.text.Y, m.text.Line)
		case m.fill != nil:
			doc.SetFillColor(int(m.fill.color.R), int(m.fill.color.G), int(m.fill.color.B))
			doc.Rect(m.fill.at.X, m.fill.at.Y, m.fill.at.W, m.fill.at.H, "F")
		case m.picture != nil:
			if err := place(doc, fmt.Sprintf("picture-%03d", n), m.picture, widths); err != nil {
				return err
			}
		}
	}
	var out bytes.Buffer
	if err := doc.Output(&out); err != nil {
		return errors.Join(ErrPage, err)
	}
	data := out.Bytes()
	if meta.Created.IsZero() {
		data = withoutDates(data)
	}
	_, err := w.Write(data)
	return err
}

// newDocument opens a document of one page. Everything in it is sorted and dated as asked, nothing by the clock.
func newDocument(p *Page, meta Meta) *fpdf.Fpdf {
	doc := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: fpdf.SizeType{Wd: p.Width, Ht: p.Height}})
	doc.SetCatalogSort(true)
	created := meta.Created
	if created.IsZero() {
		created = noDate
	}
	doc.SetCreationDate(created)
	doc.SetModificationDate(created)
	doc.SetTitle(meta.Title, true)
	doc.SetSubject(meta.Subject, true)
	doc.SetCreator(meta.Program, true)
	doc.SetProducer(meta.Program, true)
	doc.SetLang("en")
	doc.SetMargins(0, 0, 0)
	doc.SetAutoPageBreak(false, 0)
	doc.AddUTF8FontFromBytes("go", "", goregular.TTF)
	doc.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	doc.AddPage()
	return doc
}

// place embeds a picture without loss. The library writes pictures sorted by their width, those of one width in any order:
// a picture of a width that is taken gets columns more, which are clipped, so that equal pages give equal files.
func place(doc *fpdf.Fpdf, name string, what *pasted, widths map[int]bool) error {
	img, at := what.image, what.at
	size := img.Bounds().Size()
	wide := size.X
	for widths[wide] {
		wide++
	}
	widths[wide] = true
	if wide > size.X {
		padded := image.NewNRGBA(image.Rect(0, 0, wide, size.Y))
		draw.Draw(padded, padded.Bounds(), img, img.Bounds().Min, draw.Src)
		if opaque, ok := img.(interface{ Opaque() bool }); ok && opaque.Opaque() {
			draw.Draw(padded, image.Rect(size.X, 0, wide, size.Y), image.Black, image.Point{}, draw.Src)
		}
		img = padded
		doc.ClipRect(at.X, at.Y, at.W, at.H, false)
		defer doc.ClipEnd()
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		return errors.Join(ErrPage, err)
	}
	o := fpdf.ImageOptions{ImageType: "png"}
	doc.RegisterImageOptionsReader(name, o, &file)
	doc.ImageOptions(name, at.X, at.Y, at.W*float64(wide)/float64(size.X), at.H, false, o, 0, "")
	return nil
}

// withoutDates blanks the two dates that the library always writes. The bytes keep their places, on
// which the table at the end of the file depends.
func withoutDates(data []byte) []byte {
	for _, key := range []string{"CreationDate", "ModDate"} {
		entry := []byte("/" + key + " (D:" + noDate.Format("20060102150405") + ")")
		data = bytes.ReplaceAll(data, entry, []byte(strings.Repeat(" ", len(entry))))
	}
	return data
}
