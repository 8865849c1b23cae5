package explore

import (
	"context"

	"bayeslice/inference"
	"bayeslice/internal/calibrate"
	"bayeslice/internal/volume"
	"bayeslice/viewer/viewstate"
)

// browser steps through the stored samples.
type browser struct {
	on      bool
	playing bool
	index   int // in the order that sort says
	sort    bool
	volumes map[volumesKey][]float64
	asked   [Slots]volumesKey
	fields  map[fieldKey]*volume.Volume // of the sample on screen
}

type volumesKey struct {
	model *inference.Prediction
	class viewstate.Class
}

type fieldKey struct {
	model  *inference.Prediction
	sample int
	class  string
}

// Browsing reports whether a single sample is drawn instead of the mean, and whether it steps by itself.
func (x *Explore) Browsing() (on, playing bool) { return x.browser.on, x.browser.playing }

// Browse draws single samples, or the mean again.
func (x *Explore) Browse(on bool) {
	if on && x.SampleCount() == 0 {
		on = false
	}
	x.browser.on, x.browser.playing = on, false
	if on {
		x.bin = -1
	} else {
		x.browser.fields = nil
	}
	x.redraw()
}

// Play lets samples follow each other, or stops them; the window calls [Explore.Step] while it is on.
func (x *Explore) Play(on bool) {
	if on && !x.browser.on {
		x.Browse(true)
	}
	x.browser.playing = on && x.browser.on
	x.tell()
}

// Step goes on by n samples, from the last to the first and back.
func (x *Explore) Step(n int) { x.GoToSample(x.browser.index + n) }

// GoToSample draws the sample of a number in the present order, counted from 0; numbers go round.
func (x *Explore) GoToSample(index int) {
	count := x.SampleCount()
	if count == 0 {
		return
	}
	x.browser.index = (index%count + count) % count
	x.browser.fields = nil
	x.browser.on = true
	x.bin = -1
	x.redraw()
}

// SampleCount returns how many samples can be stepped through: the fewest that a compared model has stored; 0 for none.
func (x *Explore) SampleCount() int {
	fewest := 0
	for _, p := range x.predictions() {
		if p == nil || p.Store == nil {
			continue
		}
		if n := p.Store.Len(); fewest == 0 || n < fewest {
			fewest = n
		}
	}
	return fewest
}

// Sorted reports whether samples come by the volume of the selected class, the smallest first, rather than as drawn.
func (x *Explore) Sorted() bool { return x.browser.sort }

// Sort chooses the order of the samples.
func (x *Explore) Sort(byVolume bool) {
	x.browser.sort = byVolume
	x.browser.fields = nil
	x.redraw()
}

// SampleIndex returns the number in the present order of the sample on screen, counted from 0.
func (x *Explore) SampleIndex() int { return x.browser.index }

// sampleIn returns the number, as drawn, of the sample that a slot shows.
func (x *Explore) sampleIn(slot int) (n int, ok bool) {
	count := x.SampleCount()
	if count == 0 {
		return 0, false
	}
	i := min(x.browser.index, count-1)
	if !x.browser.sort {
		return i, true
	}
	volumes := x.volumesOf(slot)
	if len(volumes) < count {
		return i, true // not measured yet
	}
	return calibrate.Order(volumes[:count])[i], true
}

// SampleVolumes is what the samples of a model measure.
type SampleVolumes struct {
	Title  string
	ML     []float64 // of the selected class, in the order of drawing; nil while not known
	Chosen int       // the sample on screen
}

// SampleVolumes returns the volumes of the selected class in the samples of each compared model, by slot.
func (x *Explore) SampleVolumes() [Slots]SampleVolumes {
	var out [Slots]SampleVolumes
	for slot := range out {
		out[slot] = SampleVolumes{Title: x.s.Compared(slot).Title, ML: x.volumesOf(slot), Chosen: -1}
		if n, ok := x.sampleIn(slot); ok {
			out[slot].Chosen = n
		}
	}
	return out
}

func (x *Explore) volumesOf(slot int) []float64 {
	return x.browser.volumes[volumesKey{x.s.Compared(slot).Prediction, x.s.Class()}]
}

// measureSamples asks for the volumes of samples that are not known yet. While a run goes on its samples are too few to
// be of interest: it is asked for when a model has ended.
func (x *Explore) measureSamples() {
	if !x.Active() {
		return
	}
	var missing []volumesKey
	for slot := range Slots {
		key := volumesKey{x.s.Compared(slot).Prediction, x.s.Class()}
		if key.model == nil || key.model.Stop == inference.Running || x.browser.asked[slot] == key {
			continue
		}
		x.browser.asked[slot] = key
		if x.browser.volumes[key] == nil {
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return
	}
	x.worker.Submit("volumes", func(ctx context.Context) func() {
		found := map[volumesKey][]float64{}
		for _, key := range missing {
			if z, ok := zoneOf(key.model, key.class); ok {
				ml, err := calibrate.SampleVolumes(ctx, key.model, z)
				if err != nil {
					break
				}
				found[key] = ml
			}
		}
		return func() { x.takeVolumes(missing, found) }
	})
}

// takeVolumes keeps what was measured; what was not is asked for again with the next change.
func (x *Explore) takeVolumes(asked []volumesKey, found map[volumesKey][]float64) {
	all := map[volumesKey][]float64{}
	for key, ml := range x.browser.volumes {
		for _, p := range x.predictions() {
			if key.model == p {
				all[key] = ml
			}
		}
	}
	for _, key := range asked {
		if ml, ok := found[key]; ok {
			all[key] = ml
			continue
		}
		for slot := range x.browser.asked {
			if x.browser.asked[slot] == key {
				x.browser.asked[slot] = volumesKey{}
			}
		}
	}
	x.browser.volumes = all
	x.redraw()
}

// field returns a sample's probability of a structure, made once while it is on screen.
func (b *browser) field(p *inference.Prediction, n int, z inference.Zone) (*volume.Volume, error) {
	key := fieldKey{p, n, z.Name}
	if f, ok := b.fields[key]; ok {
		return f, nil
	}
	f, err := calibrate.SampleField(p, n, z)
	if err == nil {
		if b.fields == nil {
			b.fields = map[fieldKey]*volume.Volume{}
		}
		b.fields[key] = f
	}
	return f, err
}
