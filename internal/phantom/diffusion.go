package phantom

import (
	"context"
	"fmt"
	"math"
	"slices"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// unitADC is the unit of stored ADC values.
const unitADC = "10⁻⁶ mm²/s"

// diffusion fills the diffusion images, the ADC map fitted to the stored values, and the high-b image.
func (sc *scanner) diffusion(ctx context.Context, e *Exam) error {
	g, bs := sc.dwi, sc.cfg.BValues
	images := make([][]float32, len(bs))
	for i := range images {
		images[i] = make([]float32, g.Voxels())
	}
	adc, high := make([]float32, g.Voxels()), make([]float32, g.Voxels())
	fit := newFit(bs)
	err := sc.slices(ctx, g, func(k int) {
		sc.diffusionSlice(k, images)
		n := g.Size[0] * g.Size[1]
		for at := k * n; at < (k+1)*n; at++ {
			sc.fitVoxel(&fit, images, at, adc, high)
		}
	})
	if err != nil {
		return err
	}
	for i, b := range bs {
		v, err := volume.New(g, images[i], "")
		if err != nil {
			return fmt.Errorf("phantom: image at b = %g: %w", b, err)
		}
		e.DWI = append(e.DWI, Diffusion{B: b, Volume: v})
	}
	if e.ADC, err = volume.New(g, adc, unitADC); err != nil {
		return err
	}
	if !sc.cfg.calculatedHighB() {
		e.HighB = e.DWI[slices.Index(bs, sc.cfg.HighB)]
		return nil
	}
	e.HighB = Diffusion{B: sc.cfg.HighB, Calculated: true}
	e.HighB.Volume, err = volume.New(g, high, "")
	return err
}

// diffusionSlice fills slice k of every acquired image. Each b-value has a noise stream of its own,
// and as many averages as its share of the largest b-value asks for.
func (sc *scanner) diffusionSlice(k int, images [][]float32) {
	g, cfg := sc.dwi, &sc.cfg
	points := newSampler(sc.anatomy, g, cfg.SubSamplesDiff)
	ref := diffusionSignal(&table[TissuePZ], 0, false)
	signal := make([]float64, len(images))
	noise := make([]func(float64) float64, len(images))
	for i := range images {
		r := stream(cfg.Seed, forNoiseDWI, k*len(images)+i)
		averages := sc.averages(i)
		noise[i] = func(s float64) float64 {
			var sum float64
			for range averages {
				sum += rician(r, s, cfg.NoiseDWI)
			}
			return sum / float64(averages)
		}
	}
	for j := range g.Size[1] {
		for i := range g.Size[0] {
			w := g.World(geom.Vec3{float64(i), float64(j), float64(k)})
			clear(signal)
			for _, p := range points.voxel(sc.anatomy.distort(w, g.Dir[1], cfg.DistortionMM)) {
				for n, b := range cfg.BValues {
					signal[n] += diffusionSignal(&p, b, cfg.Kurtosis)
				}
			}
			scale := sc.coil.at(w) / (ref * float64(cfg.SubSamplesDiff))
			for n := range images {
				images[n][g.Index(i, j, k)] = stored(storedDWI * noise[n](signal[n]*scale))
			}
		}
	}
}

// averages returns how often the image at one b-value is acquired.
func (sc *scanner) averages(index int) int {
	bs := sc.cfg.BValues
	return max(1, int(math.Round(float64(sc.cfg.Averages)*bs[index]/bs[len(bs)-1])))
}

// diffusionSignal returns S(b) of a diffusion-weighted spin echo with fat suppression; b in s/mm².
// Without kurtosis it is S0·exp(−b·ADC). With it the exponent is −bD + (bD)²K/6, held at its minimum
// beyond b = 3/(DK), where that expansion would turn upwards.
func diffusionSignal(p *props, b float64, kurtosis bool) float64 {
	s0 := spinEcho(p, dwiTR, dwiTE) * (1 - p.fat)
	if s0 == 0 {
		return 0
	}
	bd := b * p.adc / 1000
	if !kurtosis || p.kurt == 0 {
		return s0 * math.Exp(-bd)
	}
	bd = min(bd, 3/p.kurt)
	return s0 * math.Exp(-bd+bd*bd*p.kurt/6)
}

// distort returns where the EPI readout takes the signal of a position from: near rectal gas the field
// shifts it along the phase axis, by at most mm.
func (a *Anatomy) distort(world, phase geom.Vec3, mm float64) geom.Vec3 {
	if mm == 0 {
		return world
	}
	s := a.frame.shape(world)
	d2 := sq(s[0]/22) + sq((s[1]-a.pelvis.rectum)/20) + sq(s[2]/45)
	return world.Add(phase.Scale(mm * math.Exp(-d2)))
}

// fit holds the closed form of the log-linear least-squares fit ln S = ln S0 − b·ADC.
type fit struct {
	weight []float64 // ADC = Σ weight·ln S, in mm²/s
	mean   float64   // mean b-value
}

func newFit(bs []float64) fit {
	f := fit{weight: make([]float64, len(bs))}
	for _, b := range bs {
		f.mean += b / float64(len(bs))
	}
	var square float64
	for _, b := range bs {
		square += sq(b - f.mean)
	}
	for i, b := range bs {
		f.weight[i] = -(b - f.mean) / square
	}
	return f
}

// solve returns ADC in mm²/s and ln S0 from the logarithms of the signals.
func (f *fit) solve(logs []float64) (adc, logS0 float64) {
	for i, l := range logs {
		adc += f.weight[i] * l
		logS0 += l / float64(len(logs))
	}
	return adc, logS0 + f.mean*adc
}

// maxADC is the largest ADC that the map holds, in 10⁻⁶ mm²/s.
const maxADC = maxStored

// fitVoxel fits one voxel from the stored images. As on scanners, a voxel whose weakest weighting is in the noise is 0
// in the map and in the calculated image.
func (sc *scanner) fitVoxel(f *fit, images [][]float32, at int, adc, high []float32) {
	floor := max(1, 4*sc.cfg.NoiseDWI*storedDWI)
	if float64(images[0][at]) < floor {
		return
	}
	var buf [16]float64
	logs := buf[:0]
	for i := range images {
		logs = append(logs, math.Log(max(0.5, float64(images[i][at]))))
	}
	d, logS0 := f.solve(logs)
	adc[at] = float32(clamp(math.Round(1e6*d), 0, maxADC))
	high[at] = stored(math.Exp(logS0 - sc.cfg.HighB*max(0, d)))
}
