package viewer

import (
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// viewport shows one series' slice with its overlays, texts and cursor. Its methods run on the UI goroutine.
type viewport struct {
	widget.BaseWidget
	index int
	state *viewstate.State
	keys  func(viewstate.Command) // what a key means
	hover func(index int, at fyne.Position, inside bool)

	back    *canvas.Rectangle
	picture *canvas.Image
	border  [4]*canvas.Rectangle // thin, since a frame of full size costs as much to paint as the image
	lines   [4]*canvas.Line      // the cursor, with a gap round the point
	ring    *canvas.Circle       // the pinned voxel
	letters [4]*imageText        // left, right, top, bottom
	title   *imageText
	note    *banner // synthetic, untrained, frame of reference
	slice   *imageText
	zoom    *imageText
	patient *imageText // who it is, in the first viewport
	message *imageText // in the middle, where there is no image
	marks   markLayer
	legend  *paneLegend

	cover   fyne.CanvasObject // instead of an image, below the title; nil where there is none
	covered func() bool       // whether the cover is shown now
	foot    fyne.CanvasObject // over the lower left of the image; nil where there is none
	footed  func() bool

	footNeeds func() float32 // the least width of the foot, logical pixels

	space   bool          // the space bar is held
	at      fyne.Position // where the mouse was last
	hold    *holdKeys
	wheel   float32 // wheel movement that has not made a notch yet
	failure string  // why the newest picture could not be drawn, or ""
}

// newViewport makes a viewport.
func newViewport(index int, s *viewstate.State) *viewport {
	v := &viewport{
		index: index,
		state: s,
		back:  canvas.NewRectangle(color.Black),
		// It comes in device pixels, so that there is nothing to interpolate.
		picture: &canvas.Image{ScaleMode: canvas.ImageScalePixels, FillMode: canvas.ImageFillStretch},
		ring:    canvas.NewCircle(color.Transparent),
		title:   newImageText(textImage, colorOnImage, true),
		note:    newBanner(),
		slice:   newImageText(textBody, colorOnImage, false),
		zoom:    newImageText(textCaption+1, colorOnImage, false),
		patient: newImageText(textCaption+1, colorOnImage, true),
		message: newImageText(textBody, colorMuted, false),
		legend:  newPaneLegend(),
	}
	for i := range v.border {
		v.border[i] = canvas.NewRectangle(colorFocus)
	}
	v.ring.StrokeWidth = 1.5
	v.ring.StrokeColor = colorCursor
	for i := range v.lines {
		v.lines[i] = canvas.NewLine(colorCursor)
		v.lines[i].StrokeWidth = 1
	}
	for i := range v.letters {
		v.letters[i] = newImageText(textBody, color.NRGBA{185, 195, 207, 255}, true)
	}
	v.ExtendBaseWidget(v)
	return v
}

// CreateRenderer implements [fyne.Widget].
func (v *viewport) CreateRenderer() fyne.WidgetRenderer { return &viewportRenderer{v} }

// MinSize keeps the texts readable.
func (v *viewport) MinSize() fyne.Size { return fyne.NewSize(180, 160) }

type viewportRenderer struct{ v *viewport }

func (r *viewportRenderer) Destroy() {}

func (r *viewportRenderer) MinSize() fyne.Size { return r.v.MinSize() }

func (r *viewportRenderer) Refresh() {
	r.v.arrange()
	canvas.Refresh(r.v)
}

func (r *viewportRenderer) Objects() []fyne.CanvasObject {
	v := r.v
	out := []fyne.CanvasObject{v.back, v.picture}
	for _, l := range v.lines {
		out = append(out, l)
	}
	out = append(out, v.ring)
	out = append(out, v.marks.objects()...)
	out = append(out, v.legend.objects()...)
	texts := append(append(v.letters[:], v.note.lines[:]...), v.title, v.slice, v.zoom, v.patient, v.message)
	for _, t := range texts {
		out = append(out, t.plate, t.text)
	}
	for _, o := range []fyne.CanvasObject{v.cover, v.foot} {
		if o != nil {
			out = append(out, o)
		}
	}
	for _, b := range v.border {
		out = append(out, b)
	}
	return out
}

// Layout is called for every change of a text as well, so it asks for a picture only where the
// number of device pixels changed.
func (r *viewportRenderer) Layout(size fyne.Size) {
	v := r.v
	for _, o := range []fyne.CanvasObject{v.back, v.picture} {
		o.Move(fyne.NewPos(0, 0))
		o.Resize(size)
	}
	v.measure(size)
	v.arrange()
}

// measure tells the state the size in device pixels.
func (v *viewport) measure(size fyne.Size) {
	c := fyne.CurrentApp().Driver().CanvasForObject(v)
	if c == nil || size.Width < 1 || size.Height < 1 {
		return
	}
	w, h := c.PixelCoordinateForPosition(fyne.NewPos(size.Width, size.Height))
	v.state.SetSize(v.index, viewstate.Size{W: w, H: h}, float64(w)/float64(size.Width))
}

// update brings the viewport up to date with the state after a change. Where that takes a new picture,
// it returns the request for it, and texts and cursor wait for the picture to come.
func (v *viewport) update(c viewstate.Change) (r request, ok bool) {
	if !v.Visible() {
		return request{}, false
	}
	if c.Has(viewstate.ChangedPicture) {
		scene, ok := v.state.Scene(v.index)
		if ok {
			z, _ := v.state.Size(v.index)
			return request{v.index, scene, z.W, z.H}, true
		}
		if v.picture.Image != nil {
			v.picture.Image = nil
			v.picture.Refresh()
		}
	}
	v.arrange()
	return request{}, false
}

// show shows a picture, or why there is none.
func (v *viewport) show(d drawn) {
	v.failure = ""
	if d.err != nil {
		v.failure = lang.T("This slice cannot be drawn: %s", detail(d.err))
	} else if v.state.Series(v.index) != nil { // the exam may have been closed meanwhile
		v.picture.Image = d.image
		v.picture.Refresh()
	}
	v.arrange()
}

// arrange sets and places texts and cursor.
func (v *viewport) arrange() {
	size := v.Size()
	s, i := v.state, v.index
	has := s.Series(i) != nil
	texts := s.Texts()
	const margin = 8
	v.arrangeBorder(size)
	setVisible(v.picture, has)
	setVisible(v.back, v.picture.Image == nil || !has) // under an opaque image it would only cost time

	v.title.setFitting(size.Width-2*margin, s.Title(i))
	v.title.show(s.Exam() != nil && texts != viewstate.NoTexts)
	v.slice.setFitting(size.Width-2*margin, s.SliceTexts(i)...)
	v.slice.show(has && texts == viewstate.AllTexts)
	v.zoom.set(s.ZoomText(i))
	v.zoom.show(has && texts == viewstate.AllTexts)
	v.note.set(size.Width-2*margin, v.noteTexts()...)
	v.note.show(has) // never hidden by the text toggle: it says what the picture is not
	v.message.set(v.messageText())
	v.message.show(true)

	v.title.place(margin, 6, 0, 0)
	v.note.place(size.Width-margin, 8, 1)
	if v.note.overlaps(v.title) {
		v.note.place(margin, 8+v.title.text.Size().Height, 0)
	}
	v.patient.set(s.PatientText())
	v.patient.show(has && i == 0 && texts == viewstate.AllTexts)
	v.patient.place(size.Width-margin, 8, 1, 0)
	for _, corner := range append(v.note.lines[:], v.title) {
		if v.patient.overlaps(corner) {
			v.patient.place(size.Width-margin, corner.bottom()+4, 1, 0)
		}
	}
	v.slice.place(margin, size.Height-6, 0, 1)
	v.zoom.place(size.Width-margin, size.Height-6, 1, 1)
	v.message.place(size.Width/2, size.Height/2, 0.5, 0.5)
	if v.zoom.overlaps(v.slice) {
		v.zoom.show(false)
	}
	edges := s.EdgeLetters(i)
	spots := [4][4]float32{{margin, size.Height / 2, 0, 0.5}, {size.Width - margin, size.Height / 2, 1, 0.5},
		{size.Width / 2, 6, 0.5, 0}, {size.Width / 2, size.Height - 6, 0.5, 1}}
	for n, letter := range []string{edges.Left, edges.Right, edges.Top, edges.Bottom} {
		v.letters[n].set(letter)
		v.letters[n].show(has && texts != viewstate.NoTexts && (n < 2 || size.Height >= lettersFrom))
		p := spots[n]
		v.letters[n].place(p[0], p[1], p[2], p[3])
	}
	v.legend.arrange(s, i, size, max(v.note.bottom(), v.patient.bottom()))
	v.clearCollisions()
	v.arrangeMarks(size)
	v.arrangeCursor(size)
	v.arrangeInsets(size)
}

// lettersFrom is the height, logical pixels, from which there is room for letters above and below.
const lettersFrom = 150

// Insets of a viewport, logical pixels.
const (
	coverTop   = 34
	footHeight = 96
	footWidth  = 190
)

// arrangeInsets places what is shown instead of the image and over its foot.
func (v *viewport) arrangeInsets(size fyne.Size) {
	if v.cover != nil {
		setVisible(v.cover, v.covered())
		place(v.cover, 4, coverTop, size.Width-8, size.Height-coverTop-4)
	}
	if v.foot != nil {
		setVisible(v.foot, v.footed())
		width := min(max(footWidth, v.footNeeds()), size.Width-16)
		place(v.foot, 8, size.Height-footHeight-30, width, footHeight)
	}
}

// arrangeBorder frames the viewport that keys act on.
func (v *viewport) arrangeBorder(size fyne.Size) {
	const width = 1.5
	place(v.border[0], 0, 0, size.Width, width)
	place(v.border[1], 0, size.Height-width, size.Width, width)
	place(v.border[2], 0, width, width, size.Height-2*width)
	place(v.border[3], size.Width-width, width, width, size.Height-2*width)
	for _, b := range v.border {
		setVisible(b, v.state.Focus() == v.index && v.state.Exam() != nil)
	}
}

// clearCollisions moves the letters of the top and bottom edges out of the corner texts of a narrow viewport.
func (v *viewport) clearCollisions() {
	top, bottom := v.letters[2], v.letters[3]
	for range 2 { // what clears one text may lie in another
		for _, corner := range append(v.note.lines[:], v.title, v.patient) {
			if top.overlaps(corner) {
				top.shift(corner.bottom() - top.text.Position().Y)
			}
		}
	}
	for _, corner := range []*imageText{v.slice, v.zoom} {
		if bottom.overlaps(corner) {
			bottom.shift(corner.text.Position().Y - bottom.bottom())
		}
	}
}

// noteTexts returns what the picture must not be taken for, the fullest text first; nil for nothing.
func (v *viewport) noteTexts() []string {
	f := v.state.Flags()
	var full, brief []string
	add := func(s, short string) { full, brief = append(full, s), append(brief, short) }
	if series := v.state.Series(v.index); series != nil && series.Synthetic {
		add(lang.T("SYNTHETIC"), lang.T("SYNTH."))
	}
	if f.Untrained {
		add(lang.T("UNTRAINED"), lang.T("UNTRAINED"))
	}
	if f.SyntheticOnly {
		add(lang.T("TRAINED ON PHANTOMS"), lang.T("PHANTOM MODEL"))
	}
	if note := v.state.FrameNote(v.index); note != "" {
		add(note, note)
	}
	for _, note := range v.state.Notes(v.index) {
		add(note, note)
	}
	if full == nil {
		return nil
	}
	return []string{strings.Join(full, noteGap), strings.Join(brief, noteGap)}
}

func (v *viewport) messageText() string {
	if v.state.Exam() == nil {
		return ""
	}
	if v.state.Content(v.index).Chart {
		return ""
	}
	if v.state.Series(v.index) != nil {
		return v.failure
	}
	return lang.T("No %s series in this exam", v.state.Role(v.index).String())
}

// arrangeCursor places the linked cursor and the pinned voxel.
func (v *viewport) arrangeCursor(size fyne.Size) {
	const gap = 7
	x, y, ok := v.state.PositionOf(v.index, v.state.Cursor())
	cx, cy := float32(x), float32(y)
	ok = ok && v.state.Crosshair() && cx >= 0 && cy >= 0 && cx <= size.Width && cy <= size.Height
	ends := [4][4]float32{{0, cy, cx - gap, cy}, {cx + gap, cy, size.Width, cy}, {cx, 0, cx, cy - gap}, {cx, cy + gap, cx, size.Height}}
	for n, l := range v.lines {
		e := ends[n]
		l.Hidden = !ok || e[0] > e[2] || e[1] > e[3]
		l.Position1, l.Position2 = fyne.NewPos(e[0], e[1]), fyne.NewPos(e[2], e[3])
		l.Refresh()
	}
	v.ring.Hidden = true
	if world, pinned := v.state.Pinned(); pinned && v.state.Crosshair() {
		if px, py, ok := v.state.PositionOf(v.index, world); ok && px >= 0 && py >= 0 && float32(px) <= size.Width && float32(py) <= size.Height && v.onShownSlice(world) {
			const r = 5
			v.ring.Hidden = false
			v.ring.Move(fyne.NewPos(float32(px)-r, float32(py)-r))
			v.ring.Resize(fyne.NewSize(2*r, 2*r))
		}
	}
	v.ring.Refresh()
}

// onShownSlice reports whether a world point lies nearest to the slice that is shown.
func (v *viewport) onShownSlice(world [3]float64) bool {
	g := v.state.Volume(v.index).Grid()
	at := viewstate.SliceAt(g, world)
	return at.Inside && at.Index == viewstate.SliceAt(g, v.state.Cursor()).Index
}
