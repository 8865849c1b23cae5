package findings

import (
	"errors"
	"math"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/measure"
	"bayeslice/internal/sectors"
	"bayeslice/internal/volume"
)

var axes = [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}

func grid(t *testing.T, size [3]int, origin, spacing geom.Vec3) geom.Grid {
	t.Helper()
	g, err := geom.NewGrid(size, origin, spacing, axes)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// scene has a model grid of 0.5 mm, an ADC map of 2 mm whose value tells its voxel, and a gland that fills a box.
func scene(t *testing.T) (model geom.Grid, adc *volume.Volume, zones *sectors.Map) {
	t.Helper()
	model = grid(t, [3]int{80, 80, 9}, geom.Vec3{-20, -20, 0}, geom.Vec3{0.5, 0.5, 3})
	g := grid(t, [3]int{20, 20, 9}, geom.Vec3{-19.25, -19.25, 0}, geom.Vec3{2, 2, 3})
	data := make([]float32, g.Voxels())
	for k := range 9 {
		for j := range 20 {
			for i := range 20 {
				data[g.Index(i, j, k)] = float32(1000 + 10*i + j)
			}
		}
	}
	adc, err := volume.New(g, data, "10⁻⁶ mm²/s")
	if err != nil {
		t.Fatal(err)
	}
	labels := make([]uint8, model.Voxels())
	for i := range labels {
		labels[i] = 2
	}
	mask, err := volume.NewMask(model, labels)
	if err != nil {
		t.Fatal(err)
	}
	zones, err = sectors.NewMap(mask, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	return model, adc, zones
}

// blob returns the voxels of a box of the model grid.
func blob(g geom.Grid, lo, hi [3]int) []int32 {
	var out []int32
	for k := lo[2]; k < hi[2]; k++ {
		for j := lo[1]; j < hi[1]; j++ {
			for i := lo[0]; i < hi[0]; i++ {
				out = append(out, int32(g.Index(i, j, k)))
			}
		}
	}
	return out
}

func TestDescribeByHand(t *testing.T) {
	model, adc, zones := scene(t)
	// Model voxels i = 4…11, j = 64…67, k = 4: x from −18.25 to −14.25 mm, y from 11.75 to 13.75 mm. Centres of the ADC
	// voxels lie at −19.25 + 2·i: those with i = 1 (−17.25) and 2 (−15.25), j = 16 (12.75) are inside.
	c := Candidate{Grid: model, Voxels: blob(model, [3]int{4, 64, 4}, [3]int{12, 68, 5}), Peak: model.World(geom.Vec3{6, 65, 4})}
	f, err := Describe(c, zones, adc)
	if err != nil {
		t.Fatal(err)
	}
	if f.ADC.N != 2 || f.ADC.Mean != (1026+1036)/2.0 || f.ADC.Min != 1026 || f.ADC.AtPeak || f.ADC.Unit != adc.Unit() {
		t.Errorf("ADC %+v, want 1026 and 1036", f.ADC)
	}
	if d := math.Hypot(4, 2); math.Abs(f.Diameter.MM()-d) > 1e-9 {
		t.Errorf("diameter %v, want %v", f.Diameter.MM(), d)
	}
	if !f.Zones || f.Peak.Text() != "R mid PZpl" || len(f.Places) != 1 || f.Places[0].Fraction < 0.999 {
		t.Errorf("place %q, shares %+v", f.Peak.Text(), f.Places)
	}
	// The nine darkest within 5 mm of the peak (−17, 12.5): the middle must be one voxel from the edge, so i ≥ 1, and is as
	// low in i, then in j, as 5 mm allow: i = 1 (−17.25), j from 14 (8.75) on: values 1000…1020 + 13…15, mean 1024.
	if math.Abs(f.ADC.Darkest-1024) > 1e-3 {
		t.Errorf("nine darkest %v, want 1024", f.ADC.Darkest)
	}
}

func TestACandidateSmallerThanTheADCVoxels(t *testing.T) {
	model, adc, _ := scene(t)
	c := Candidate{Grid: model, Voxels: blob(model, [3]int{40, 40, 4}, [3]int{42, 42, 5}), Peak: model.World(geom.Vec3{41, 41, 4})}
	f, err := Describe(c, nil, adc)
	if err != nil {
		t.Fatal(err)
	}
	// The peak at 0.5 mm is in the ADC voxel i = j = 10 (0.75 mm).
	if !f.ADC.AtPeak || f.ADC.N != 1 || f.ADC.Mean != 1110 || f.Zones || f.Places != nil || f.Peak.Known() {
		t.Errorf("%+v", f)
	}
}

func TestWhatIsNotThereIsLeftEmpty(t *testing.T) {
	model, adc, _ := scene(t)
	c := Candidate{Grid: model, Voxels: blob(model, [3]int{40, 40, 4}, [3]int{42, 42, 5}), Peak: model.World(geom.Vec3{41, 41, 4})}
	if f, err := Describe(c, nil, nil); err != nil || f.ADC != (ADC{}) {
		t.Errorf("without a map: %+v, %v", f.ADC, err)
	}
	g := adc.Grid()
	g.Origin = geom.Vec3{500, 0, 0}
	far, err := volume.New(g, adc.Data(), adc.Unit())
	if err != nil {
		t.Fatal(err)
	}
	if f, err := Describe(c, nil, far); err != nil || f.ADC.N != 0 {
		t.Errorf("with a map elsewhere: %+v, %v", f.ADC, err)
	}
	if _, err := Describe(Candidate{Grid: model}, nil, nil); !errors.Is(err, measure.ErrMeasure) {
		t.Errorf("without voxels: %v", err)
	}
}
