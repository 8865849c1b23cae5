package metrics

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/volume"
)

// TestDiceByHand works small cases in fractions.
func TestDiceByHand(t *testing.T) {
	reference := []uint8{0, 1, 1, 2, 2, 2, 0, 0}
	predicted := []uint8{0, 1, 2, 2, 2, 0, 1, 0}
	for _, c := range []struct {
		classes []uint8
		want    float64
	}{
		{[]uint8{1}, 2.0 * 1 / (2 + 2)},
		{[]uint8{2}, 2.0 * 2 / (3 + 3)},
		{[]uint8{1, 2}, 2.0 * 4 / (5 + 5)},
		{nil, 2.0 * 4 / (5 + 5)},
		{[]uint8{0}, 2.0 * 2 / (3 + 3)},
		{[]uint8{7}, 1}, // neither has it
	} {
		if d, err := HardDice(predicted, reference, c.classes...); err != nil || d != c.want {
			t.Errorf("Dice of %v = %g, %v, want %g", c.classes, d, err, c.want)
		}
	}
	if d, err := HardDice(make([]uint8, 8), reference); err != nil || d != 0 {
		t.Errorf("nothing predicted: %g, %v", d, err)
	}
	if d, err := HardDice(nil, nil); err != nil || d != 1 {
		t.Errorf("no voxels: %g, %v", d, err)
	}
}

// TestSoftDiceByHand: two voxels, three classes.
func TestSoftDiceByHand(t *testing.T) {
	p := []float32{0.5, 0.25, 0.25, 0.25, 0.25, 0.5}
	reference := []uint8{1, 2}
	for _, c := range []struct {
		classes []uint8
		want    float64
	}{
		{[]uint8{1}, 2 * 0.25 / (0.5 + 1)},
		{[]uint8{2}, 2 * 0.5 / (0.75 + 1)},
		{nil, 2 * 1.25 / (1.25 + 2)},
	} {
		if d, err := SoftDice(p, reference, c.classes...); err != nil || math.Abs(d-c.want) > 1e-15 {
			t.Errorf("soft Dice of %v = %g, %v, want %g", c.classes, d, err, c.want)
		}
	}
	certain := []float32{1, 1, 0, 0}
	if d, err := SoftDice(certain, []uint8{0, 0}); err != nil || d != 1 {
		t.Errorf("empty in both: %g, %v", d, err)
	}
}

func TestOverlapsAddUp(t *testing.T) {
	a, b := []uint8{0, 1, 1, 0, 2}, []uint8{1, 1, 0, 0, 2}
	whole, err := CountOverlap(a, b)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := CountOverlap(a[:2], b[:2])
	second, _ := CountOverlap(a[2:], b[2:])
	if first.Add(second) != whole {
		t.Errorf("%v + %v is not %v", first, second, whole)
	}
}

// TestCalibrationByHand: four voxels, two classes, five bins.
func TestCalibrationByHand(t *testing.T) {
	c, err := NewCalibration(2, 5)
	if err != nil {
		t.Fatal(err)
	}
	p := []float32{1, 0.5, 0.25, 0.75, 0, 0.5, 0.75, 0.25}
	if err := c.Add(p, []uint8{0, 1, 1, 1}); err != nil {
		t.Fatal(err)
	}
	r, err := c.Result()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "NLL", r.NLL, -(0+math.Log(0.5)+math.Log(0.75)+math.Log(0.25))/4, 1e-15)
	near(t, "Brier", r.Brier, 2*(0+0.25+0.0625+0.5625)/4, 1e-15)
	// Confidences 1 (right), ½ (wrong: of equal classes the first is predicted), ¾ (right), ¾ (wrong).
	near(t, "ECE", r.ECE, 1.0/4*0+1.0/4*0.5+2.0/4*0.25, 1e-15)
	want := []Bin{{0, 0.2, 0, 0, 0}, {0.2, 0.4, 0, 0, 0}, {0.4, 0.6, 1, 0.5, 0}, {0.6, 0.8, 2, 0.75, 0.5}, {0.8, 1, 1, 1, 1}}
	if !slices.Equal(r.Reliability, want) {
		t.Errorf("reliability %v, want %v", r.Reliability, want)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Errorf("a result cannot be written: %v", err)
	}
}

// A certain error counts ln of the floor, not infinity.
func TestNLLHasAFloor(t *testing.T) {
	c, _ := NewCalibration(2, 0)
	if err := c.Add([]float32{1, 0}, []uint8{1}); err != nil {
		t.Fatal(err)
	}
	r, err := c.Result()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "NLL", r.NLL, 27.6310211159285, 1e-12)
}

// TestCalibratedProbabilitiesHaveNoError draws labels from the probabilities themselves: the error vanishes with the
// number of voxels, and probabilities that were sharpened show one.
func TestCalibratedProbabilitiesHaveNoError(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const n = 200_000
	honest, sharp, labels := make([]float32, 2*n), make([]float32, 2*n), make([]uint8, n)
	for i := range labels {
		p := r.Float64()
		if r.Float64() < p {
			labels[i] = 1
		}
		s := p * p / (p*p + (1-p)*(1-p))
		honest[i], honest[n+i] = float32(1-p), float32(p)
		sharp[i], sharp[n+i] = float32(1-s), float32(s)
	}
	ece := func(p []float32) float64 {
		c, _ := NewCalibration(2, 0)
		if err := c.Add(p, labels); err != nil {
			t.Fatal(err)
		}
		result, err := c.Result()
		if err != nil {
			t.Fatal(err)
		}
		return result.ECE
	}
	if h, s := ece(honest), ece(sharp); h > 0.005 || s < 0.05 {
		t.Errorf("ECE of honest probabilities %.4f, of sharpened ones %.4f", h, s)
	}
}

// TestCalibrationsMerge: exams added one by one, in two halves merged, and as regions, are the same exams.
func TestCalibrationsMerge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	whole, _ := NewCalibration(3, 0)
	parts := [2]*Calibration{}
	for i := range parts {
		parts[i], _ = NewCalibration(3, 0)
	}
	const n = 100
	for range 4 {
		p, labels, region, rest := make([]float32, 3*n), make([]uint8, n), make([]bool, n), make([]bool, n)
		for i := range labels {
			a, b := r.IntN(33), r.IntN(33)
			p[i], p[n+i], p[2*n+i] = float32(a)/64, float32(b)/64, float32(64-a-b)/64
			labels[i], region[i] = uint8(r.IntN(3)), r.IntN(2) == 0
			rest[i] = !region[i]
		}
		if err := errors.Join(whole.Add(p, labels), parts[0].AddWithin(p, labels, region), parts[1].AddWithin(p, labels, rest)); err != nil {
			t.Fatal(err)
		}
	}
	if err := parts[0].Merge(parts[1]); err != nil {
		t.Fatal(err)
	}
	a, err := whole.Result()
	if err != nil {
		t.Fatal(err)
	}
	b, err := parts[0].Result()
	if err != nil {
		t.Fatal(err)
	}
	near(t, "merged NLL", b.NLL, a.NLL, 1e-12)
	near(t, "merged ECE", b.ECE, a.ECE, 1e-12)
	for k := range a.Classes {
		for i, bin := range a.Classes[k].Reliability {
			if b.Classes[k].Reliability[i] != bin { // in sixty-fourths every sum is exact
				t.Errorf("class %d, bin %d: %v, want %v", k, i, b.Classes[k].Reliability[i], bin)
			}
		}
	}
	other, _ := NewCalibration(3, 7)
	if err := whole.Merge(other); !errors.Is(err, ErrInput) {
		t.Errorf("bins differ: %v", err)
	}
}

func TestAUROCByHand(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		scores   []float64
		positive []bool
		want     float64
	}{
		{[]float64{1, 2, 3, 4}, []bool{false, false, true, true}, 1},
		{[]float64{4, 3, 2, 1}, []bool{false, false, true, true}, 0},
		{[]float64{1, 1, 1}, []bool{false, true, false}, 0.5},
		{[]float64{0.1, 0.5, 0.5, 0.9}, []bool{false, false, true, true}, 3.5 / 4},
		{[]float64{-inf, inf, inf}, []bool{false, true, false}, 1.5 / 2},
		{[]float64{0.2, 0.8, 0.6, 0.4, 0.6}, []bool{true, false, true, false, true}, (0.0 + 1 + 1) / 6},
	} {
		if a, err := AUROC(c.scores, c.positive); err != nil || math.Abs(a-c.want) > 1e-15 {
			t.Errorf("AUROC of %v, %v = %g, %v, want %g", c.scores, c.positive, a, err, c.want)
		}
	}
}

// TestAUROCCountsPairs compares with the definition, pair by pair, and checks that complements add up to 1.
func TestAUROCCountsPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		n := 2 + r.IntN(40)
		scores, positive, wins, pairs := make([]float64, n), make([]bool, n), 0.0, 0.0
		for i := range scores {
			scores[i], positive[i] = float64(r.IntN(8)), r.IntN(2) == 0
		}
		positive[0], positive[1] = true, false
		negative := make([]bool, n)
		for i := range scores {
			negative[i] = !positive[i]
			for j := range scores {
				if positive[i] && !positive[j] {
					pairs++
					switch {
					case scores[i] > scores[j]:
						wins++
					case scores[i] == scores[j]:
						wins += 0.5
					}
				}
			}
		}
		a, err := AUROC(scores, positive)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "AUROC", a, wins/pairs, 1e-12)
		b, err := AUROC(scores, negative)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "AUROC of the complement", a+b, 1, 1e-12)
	}
}

func TestAUROCOfManyIsQuick(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const n = 1_000_000 // pair by pair this would take an hour
	scores, positive := make([]float64, n), make([]bool, n)
	for i := range scores {
		scores[i], positive[i] = r.Float64(), r.IntN(3) == 0
	}
	a, err := AUROC(scores, positive)
	if err != nil || math.Abs(a-0.5) > 0.01 {
		t.Errorf("AUROC of chance = %g, %v", a, err)
	}
}

// TestSurfacesByHand: two single voxels, and a prediction with one far voxel that HD95 forgives.
func TestSurfacesByHand(t *testing.T) {
	grid, err := geom.NewGrid([3]int{100, 4, 3}, geom.Vec3{}, geom.Vec3{0.5, 1, 3}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	mask := func(voxels ...[3]int) *volume.Mask {
		labels := make([]uint8, grid.Voxels())
		for _, v := range voxels {
			labels[grid.Index(v[0], v[1], v[2])] = 1
		}
		m, err := volume.NewMask(grid, labels)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	d, err := CompareSurfaces(mask([3]int{2, 1, 0}), mask([3]int{10, 1, 1}))
	if want := (SurfaceDistances{5, 5, 5}); err != nil || d != want {
		t.Errorf("%v, %v, want %v", d, err, want)
	}
	var line [][3]int
	for i := range 60 {
		line = append(line, [3]int{i, 0, 0})
	}
	d, err = CompareSurfaces(mask(append(line, [3]int{99, 0, 0})...), mask(line...))
	if want := (SurfaceDistances{20, 0, 20.0 / 61 / 2}); err != nil || d != want {
		t.Errorf("%v, %v, want %v", d, err, want)
	}
	if _, err := CompareSurfaces(mask(), mask(line...)); !errors.Is(err, ErrUndefined) {
		t.Errorf("an empty prediction: %v", err)
	}
	if _, err := CentreDistance(mask(line...), mask()); !errors.Is(err, ErrUndefined) {
		t.Errorf("an empty reference: %v", err)
	}
	moved := grid
	moved.Origin[2] += 0.5
	other, err := volume.NewMask(moved, make([]uint8, grid.Voxels()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CompareSurfaces(mask(line...), other); !errors.Is(err, ErrInput) {
		t.Errorf("another grid: %v", err)
	}
}

// TestBadInput: every kind of damage is an error, and leaves an accumulator as it was.
func TestBadInput(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, c := range map[string]struct {
		p      []float32
		labels []uint8
	}{
		"lengths":       {[]float32{1, 0, 0}, []uint8{0, 0}},
		"no labels":     {[]float32{1, 0}, nil},
		"one class":     {[]float32{1, 1}, []uint8{0, 0}},
		"no such class": {[]float32{1, 0}, []uint8{2}},
		"NaN":           {[]float32{nan, 0.5}, []uint8{0}},
		"infinite":      {[]float32{inf, -inf}, []uint8{0}},
		"negative":      {[]float32{1.5, -0.5}, []uint8{0}},
		"sum":           {[]float32{0.5, 0.4}, []uint8{0}},
		"late NaN":      {[]float32{1, nan, 0, 0}, []uint8{0, 0}},
	} {
		if _, err := SoftDice(c.p, c.labels); !errors.Is(err, ErrInput) {
			t.Errorf("%s: soft Dice: %v", name, err)
		}
		k, _ := NewCalibration(2, 0)
		if err := k.Add(c.p, c.labels); !errors.Is(err, ErrInput) {
			t.Errorf("%s: calibration: %v", name, err)
		}
		if _, err := k.Result(); !errors.Is(err, ErrUndefined) {
			t.Errorf("%s: something was added: %v", name, err)
		}
	}
	if _, err := HardDice([]uint8{1}, []uint8{1, 0}); !errors.Is(err, ErrInput) {
		t.Errorf("hard Dice of different lengths: %v", err)
	}
	if _, err := SoftDice([]float32{1, 0}, []uint8{0}, 2); !errors.Is(err, ErrInput) {
		t.Errorf("soft Dice of a class that is not there: %v", err)
	}
	for name, c := range map[string]struct {
		scores   []float64
		positive []bool
		want     error
	}{
		"lengths":      {[]float64{1}, nil, ErrInput},
		"NaN":          {[]float64{1, math.NaN()}, []bool{true, false}, ErrInput},
		"nobody":       {nil, nil, ErrUndefined},
		"no positive":  {[]float64{1, 2}, []bool{false, false}, ErrUndefined},
		"all positive": {[]float64{1, 2}, []bool{true, true}, ErrUndefined},
	} {
		if _, err := AUROC(c.scores, c.positive); !errors.Is(err, c.want) {
			t.Errorf("AUROC, %s: %v", name, err)
		}
	}
	for _, c := range [][2]int{{1, 0}, {257, 0}, {2, -1}} {
		if _, err := NewCalibration(c[0], c[1]); !errors.Is(err, ErrInput) {
			t.Errorf("calibration of %v: %v", c, err)
		}
	}
	k, _ := NewCalibration(3, 0)
	if err := k.Add([]float32{1, 0}, []uint8{0}); !errors.Is(err, ErrInput) {
		t.Errorf("another number of classes: %v", err)
	}
	if err := k.AddWithin([]float32{1, 0, 0}, []uint8{0}, []bool{}); !errors.Is(err, ErrInput) {
		t.Errorf("a region of another length: %v", err)
	}
	if err := k.Add(nil, nil); err != nil {
		t.Errorf("an empty part: %v", err)
	}
}

// TestRoundingIsTolerated: float32 softmax adds up to 1 only nearly, and interpolation overshoots a little.
func TestRoundingIsTolerated(t *testing.T) {
	c, _ := NewCalibration(2, 0)
	if err := c.Add([]float32{1.0000004, -0.0000004}, []uint8{0}); err != nil {
		t.Fatal(err)
	}
	r, err := c.Result()
	if err != nil || r.NLL != 0 || r.Brier != 0 || r.ECE != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// The edges of bins belong to the bin above, 1 to the last one; nothing panics.
func TestBinOf(t *testing.T) {
	for _, c := range []struct {
		p    float64
		want int
	}{{0, 0}, {0.099, 0}, {0.1, 1}, {0.95, 9}, {1, 9}, {1.2, 9}, {-0.2, 0}, {math.NaN(), 0}, {math.Inf(1), 9}} {
		if got := BinOf(c.p, 10); got != c.want {
			t.Errorf("BinOf(%g, 10) = %d, want %d", c.p, got, c.want)
		}
	}
}

// By hand: of 8 voxels of the reference 6 are found, by 10 that were predicted.
func TestSensitivityAndPrecision(t *testing.T) {
	o := Overlap{Predicted: 10, Reference: 8, Both: 6}
	if v, err := o.Sensitivity(); err != nil || v != 0.75 {
		t.Errorf("sensitivity %g, %v", v, err)
	}
	if v, err := o.Precision(); err != nil || v != 0.6 {
		t.Errorf("precision %g, %v", v, err)
	}
	if _, err := (Overlap{Predicted: 1}).Sensitivity(); !errors.Is(err, ErrUndefined) {
		t.Errorf("sensitivity to nothing: %v", err)
	}
	if _, err := (Overlap{Reference: 1}).Precision(); !errors.Is(err, ErrUndefined) {
		t.Errorf("precision of nothing: %v", err)
	}
}
