package viewer

import (
	"image"
	"image/color"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate/explore"
)

// samplesPage steps through the samples of the compared models.
type samplesPage struct {
	p       *explorePanel
	content *fyne.Container
	on      *widget.Check
	order   *widget.Check
	at      *widget.Slider
	atText  *widget.Label
	back    *widget.Button
	play    *widget.Button
	next    *widget.Button
	strips  [explore.Slots]*volumeStrip
	note    *widget.Label
}

func newSamplesPage(p *explorePanel) *samplesPage {
	x := p.x
	s := &samplesPage{p: p, note: caption("")}
	s.on = widget.NewCheck(lang.T("Draw one sample instead of the mean"), func(on bool) { x.Browse(on) })
	s.order = widget.NewCheck(lang.T("Smallest volume first"), func(on bool) { x.Sort(on) })
	s.at, s.atText = slider(1, 2, 1, func(v float64) { x.GoToSample(int(v) - 1) })
	s.back = widget.NewButtonWithIcon(lang.T("Back"), theme.MediaSkipPreviousIcon(), func() { x.Step(-1) })
	s.next = widget.NewButtonWithIcon(lang.T("Next"), theme.MediaSkipNextIcon(), func() { x.Step(1) })
	s.play = widget.NewButtonWithIcon(lang.T("Play"), theme.MediaPlayIcon(), func() {
		_, playing := x.Browsing()
		p.play(!playing)
	})
	strips := snugly()
	for i := range s.strips {
		s.strips[i] = newVolumeStrip(explore.StyleOf(i))
		strips.Add(inset(s.strips[i]))
	}
	s.content = snugly(s.on, s.order, sliderRow(lang.T("Sample"), s.at, s.atText),
		inset(container.NewGridWithColumns(3, s.back, s.play, s.next)), s.note, strips)
	return s
}

func (s *samplesPage) object() fyne.CanvasObject { return s.content }

// refresh implements [explorePage].
func (s *samplesPage) refresh() {
	x := s.p.x
	on, playing := x.Browsing()
	tick(s.on, on)
	tick(s.order, x.Sorted())
	count := x.SampleCount()
	for _, o := range []fyne.Disableable{s.on, s.order, s.back, s.play, s.next} {
		enable(o, count > 0)
	}
	enableSlider(s.at, count > 1)
	s.at.Max = float64(max(count, 2))
	slideTo(s.at, float64(x.SampleIndex()+1))
	s.atText.SetText(lang.T("%d of %d", min(x.SampleIndex()+1, count), count))
	label, icon := lang.T("Play"), theme.MediaPlayIcon()
	if playing {
		label, icon = lang.T("Pause"), theme.MediaPauseIcon()
	}
	if s.play.Text != label {
		s.play.SetText(label)
		s.play.SetIcon(icon)
	}
	s.showVolumes(count)
}

// showVolumes draws each model's volumes on one scale.
func (s *samplesPage) showVolumes(count int) {
	x := s.p.x
	all := x.SampleVolumes()
	lo, hi, known := 0.0, 0.0, false
	for _, v := range all {
		if len(v.ML) > 0 {
			a, b := slices.Min(v.ML), slices.Max(v.ML)
			if !known {
				lo, hi, known = a, b, true
			}
			lo, hi = min(lo, a), max(hi, b)
		}
	}
	if hi <= lo {
		lo, hi = lo-0.5, hi+0.5
	}
	class := s.p.w.state.Class()
	switch {
	case count == 0:
		s.note.SetText(lang.T("Compare models first: their samples are kept near the gland."))
	case !known:
		s.note.SetText(lang.T("Measuring the samples …"))
	default:
		s.note.SetText(lang.T("Volume of %s in each sample, %.1f to %.1f mL. The tall mark is the sample drawn.", class, lo, hi))
	}
	on, _ := x.Browsing()
	for i, v := range all {
		setVisible(s.strips[i], v.Title != "" && len(v.ML) > 0)
		if !on {
			v.Chosen = -1
		}
		s.strips[i].set(v, lo, hi)
	}
}

// tick sets a check without calling back.
func tick(c *widget.Check, on bool) {
	if c.Checked != on {
		changed := c.OnChanged
		c.OnChanged = nil
		c.SetChecked(on)
		c.OnChanged = changed
	}
}

// volumeStrip draws the volumes of a model's samples as marks on a line.
type volumeStrip struct {
	widget.BaseWidget
	style  explore.Style
	of     explore.SampleVolumes
	lo, hi float64
	plot   *canvas.Raster
	name   *canvas.Text
	value  *canvas.Text
}

func newVolumeStrip(style explore.Style) *volumeStrip {
	s := &volumeStrip{style: style, name: canvas.NewText("", style.Color), value: canvas.NewText("", colorText)}
	s.name.TextSize, s.value.TextSize = textCaption+1, textCaption+1
	s.name.TextStyle.Bold = true
	s.value.Alignment = fyne.TextAlignTrailing
	s.plot = canvas.NewRaster(s.draw)
	s.ExtendBaseWidget(s)
	return s
}

// set shows volumes on a scale from lo to hi mL.
func (s *volumeStrip) set(of explore.SampleVolumes, lo, hi float64) {
	s.of, s.lo, s.hi = of, lo, hi
	s.name.Text, s.value.Text = of.Title, ""
	if of.Chosen >= 0 && of.Chosen < len(of.ML) {
		s.value.Text = lang.T("sample %d · %.1f mL", of.Chosen+1, of.ML[of.Chosen])
	}
	s.Refresh()
}

func (s *volumeStrip) draw(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	fill(img, img.Bounds(), color.RGBA{16, 19, 23, 255})
	wide := max(1, h/14)
	c := s.style.Color
	for n, ml := range s.of.ML {
		x := int((ml - s.lo) / (s.hi - s.lo) * float64(w-2*wide))
		if n != s.of.Chosen {
			fill(img, image.Rect(x, h/3, x+wide, h), color.RGBA{c.R / 2, c.G / 2, c.B / 2, 255})
		}
	}
	if n := s.of.Chosen; n >= 0 && n < len(s.of.ML) {
		x := int((s.of.ML[n] - s.lo) / (s.hi - s.lo) * float64(w-2*wide))
		fill(img, image.Rect(x-wide, 0, x+2*wide, h), color.RGBA{255, 255, 255, 255})
	}
	return img
}

// MinSize of a strip.
func (s *volumeStrip) MinSize() fyne.Size { return fyne.NewSize(200, 38) }

// CreateRenderer implements [fyne.Widget].
func (s *volumeStrip) CreateRenderer() fyne.WidgetRenderer { return &volumeStripRenderer{s} }

type volumeStripRenderer struct{ s *volumeStrip }

func (r *volumeStripRenderer) Destroy()           {}
func (r *volumeStripRenderer) MinSize() fyne.Size { return r.s.MinSize() }
func (r *volumeStripRenderer) Refresh() {
	for _, o := range r.Objects() {
		o.Refresh()
	}
}
func (r *volumeStripRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.s.plot, r.s.name, r.s.value}
}
func (r *volumeStripRenderer) Layout(size fyne.Size) {
	place(r.s.name, 0, 0, size.Width/3, 16)
	place(r.s.value, size.Width/3, 0, size.Width*2/3, 16)
	place(r.s.plot, 0, 18, size.Width, 18)
}
