package calibrate

import (
	"context"
	"math"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/seed"
	"bayeslice/internal/volume"
)

// compact is a prediction of 100 samples of 64 × 64 × 20 voxels and three classes, all of them stored: a ball in a ball.
func compact(b *testing.B) *Case {
	b.Helper()
	grid, err := geom.NewGrid([3]int{64, 64, 20}, geom.Vec3{}, geom.Vec3{1.25, 1.25, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		b.Fatal(err)
	}
	const samples = 100
	n := grid.Voxels()
	labels := make([]uint8, n)
	mean := [3][]float32{make([]float32, n), make([]float32, n), make([]float32, n)}
	stored := make([][]uint8, samples)
	for s := range stored {
		stored[s] = make([]uint8, 3*n)
	}
	r := seed.Stream(1, 2, 3)
	for i := range n {
		v := voxelOf(grid.Size, i)
		away := math.Hypot(math.Hypot(float64(v[0]-32)*1.25, float64(v[1]-32)*1.25), float64(v[2]-10)*3)
		tz, gland := 1/(1+math.Exp((away-14)/2)), 1/(1+math.Exp((away-22)/2))
		for k, p := range []float64{1 - gland, gland * tz, gland * (1 - tz)} {
			mean[k][i] = float32(p)
			for s := range stored {
				stored[s][k*n+i] = uint8(p*250 + 5*r.Float64())
			}
		}
		if r.Float64() < gland {
			labels[i] = 2
			if r.Float64() < tz {
				labels[i] = 1
			}
		}
	}
	p := &inference.Prediction{Card: modelcard.Card{Classes: []string{"background", "TZ", "PZ"}}, Grid: grid, Samples: samples}
	for _, m := range mean {
		v, err := volume.New(grid, m, "probability")
		if err != nil {
			b.Fatal(err)
		}
		p.Mean = append(p.Mean, v)
	}
	if p.Hard, err = volume.NewMask(grid, labels); err != nil {
		b.Fatal(err)
	}
	if p.Store, err = inference.NewSampleStore([3]int{}, grid.Size, 3, stored); err != nil {
		b.Fatal(err)
	}
	t, err := Reference{Mask: p.Hard, Class: same}.On(context.Background(), grid)
	if err != nil {
		b.Fatal(err)
	}
	c, err := NewCase(p, t)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// A slider asks for one of these each time it moves.
func BenchmarkEvaluate(b *testing.B) {
	c := compact(b)
	first := DefaultSettings(inference.Zones(c.p.Card.Classes)[0])
	for name, change := range map[string]func(s *Settings, n int){
		"threshold":   func(s *Settings, n int) { s.Threshold = float64(n%100) / 100 },
		"temperature": func(s *Settings, n int) { s.Temperature = 0.5 + float64(n%100)/50 },
		"samples±1":   func(s *Settings, n int) { s.Samples = 50 + n%2 },
		"samplesJump": func(s *Settings, n int) { s.Samples = 1 + 97*(n%2) },
		"samplesAndT": func(s *Settings, n int) { s.Samples, s.Temperature = 1+97*(n%2), 2 },
		"whole":       func(s *Settings, _ int) { s.Region.Kind = Whole },
	} {
		b.Run(name, func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				s := first
				change(&s, n)
				if _, err := c.Evaluate(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFit(b *testing.B) {
	c := compact(b)
	s := DefaultSettings(inference.Zones(c.p.Card.Classes)[0])
	for b.Loop() {
		if _, err := c.Fit(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSampleVolumes(b *testing.B) {
	c := compact(b)
	for b.Loop() {
		if _, err := SampleVolumes(context.Background(), c.p, inference.Zones(c.p.Card.Classes)[0]); err != nil {
			b.Fatal(err)
		}
	}
}
