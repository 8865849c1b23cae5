package synth

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/phantom"
	"bayeslice/training"
)

// cohortOf makes a cohort of 200 exams on the grid of a preset. To save time its exams share the anatomies
// of the other tests.
func cohortOf(t *testing.T, task modelcard.Task, name string) *Cohort {
	t.Helper()
	p, err := nets.FindPreset(name, task)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCohort(CohortConfig{Task: task, Recipe: p.Recipe, Seed: 1, Exams: 200, Readers: 5, Ambiguous: 0.4})
	if err != nil {
		t.Fatal(err)
	}
	pool := generator(t, task).pool
	c.lay = func(_ context.Context, exam int) (*plate, error) { return pool[exam%len(pool)], nil }
	return c
}

func exampleOf(t *testing.T, c *Cohort, i int) *training.Example {
	t.Helper()
	e, err := c.Example(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func readingsOf(t *testing.T, c *Cohort, i int) [][]uint8 {
	t.Helper()
	out, err := c.Readings(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnExamIsTheSameEachTimeAndInBothTasks(t *testing.T) {
	zones, cancer := cohortOf(t, modelcard.Anatomy, "compact"), cohortOf(t, modelcard.Diagnosis, "compact")
	const exams = 4
	var alone [exams]*training.Example
	for i := range alone {
		alone[i] = exampleOf(t, cancer, i)
		if _, shape := preset(t, modelcard.Diagnosis); alone[i].Check(shape) != nil {
			t.Error(alone[i].Check(shape))
		}
		if l := readingsOf(t, cancer, i); len(l) != 5 || !slices.Equal(l[cancer.Reader(i)], alone[i].Label) {
			t.Errorf("exam %d does not have the label of its reader", i)
		}
		anatomy := exampleOf(t, zones, i)
		n := len(anatomy.Label)
		if !slices.Equal(anatomy.Image.F32, alone[i].Image.F32[:n]) || anatomy.Exam != alone[i].Exam {
			t.Errorf("exam %d has another T2-weighted image in each task", i)
		}
		for at, class := range alone[i].Label {
			if class != 0 && anatomy.Label[at] == 0 {
				t.Fatalf("exam %d: its reader draws csPCa outside of his gland", i)
			}
		}
		if i > 0 && slices.Equal(alone[i].Image.F32, alone[i-1].Image.F32) {
			t.Errorf("exams %d and %d are alike", i-1, i)
		}
	}
	var again [exams]*training.Example
	var wg sync.WaitGroup
	for i := range again {
		wg.Go(func() { again[i], _ = cancer.Example(context.Background(), i) })
	}
	wg.Wait()
	for i := range again {
		if again[i] == nil || !same(alone[i], again[i]) {
			t.Errorf("exam %d differs among goroutines", i)
		}
	}
}

// overlap is the Dice of a class of two labels, of all foreground where class is 0; NaN where neither has it.
func overlap(a, b []uint8, class uint8) float64 {
	var sum, both float64
	for i := range a {
		p, q := a[i] != 0, b[i] != 0
		if class != 0 {
			p, q = a[i] == class, b[i] == class
		}
		if p {
			sum++
		}
		if q {
			sum++
		}
		if p && q {
			both += 2
		}
	}
	return both / sum
}

// average collects numbers, NaN apart.
type average struct{ sum, n float64 }

func (a *average) add(v float64) {
	if v == v {
		a.sum += v
		a.n++
	}
}

func (a *average) within(t *testing.T, what string, lo, hi float64) {
	t.Helper()
	m := a.sum / a.n
	t.Logf("%s: %.3f (%.0f pairs)", what, m, a.n)
	if !(m >= lo && m <= hi) {
		t.Errorf("%s: %.3f, want %g to %g", what, m, lo, hi)
	}
}

func TestReadersAgreeAsPublished(t *testing.T) {
	c := cohortOf(t, modelcard.Anatomy, "compact")
	plane := c.config.Recipe.Size[0] * c.config.Recipe.Size[1]
	var gland, tz, pz, middle, ends average
	for i := range 10 {
		v, err := c.view(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		truth := v.scene.label(modelcard.Anatomy)
		lo, hi := slices.IndexFunc(truth, func(c uint8) bool { return c != 0 })/plane, len(truth)/plane-1
		for !slices.ContainsFunc(truth[hi*plane:(hi+1)*plane], func(c uint8) bool { return c != 0 }) {
			hi--
		}
		third := (hi - lo + 1) / 3
		l := readingsOf(t, c, i)
		for a := range l {
			for b := range a {
				gland.add(overlap(l[a], l[b], 0))
				tz.add(overlap(l[a], l[b], phantom.LabelTZ))
				pz.add(overlap(l[a], l[b], phantom.LabelPZ))
				from, to := (lo+third)*plane, (hi-third+1)*plane
				middle.add(overlap(l[a][from:to], l[b][from:to], 0))
				ends.add(overlap(l[a][:from], l[b][:from], 0))
				ends.add(overlap(l[a][to:], l[b][to:], 0))
			}
		}
	}
	// Montagne et al. 2021: 0.92 ± 0.02, 0.88 ± 0.05; 0.95 in the middle, 0.90 at the apex, 0.87 at the base.
	gland.within(t, "Dice of WG", 0.90, 0.94)
	tz.within(t, "Dice of TZ", 0.85, 0.91)
	pz.within(t, "Dice of PZ", 0.70, 0.85)
	middle.within(t, "Dice of WG in the middle third", 0.93, 0.97)
	ends.within(t, "Dice of WG in the outer thirds", 0.84, 0.92)
}

func TestLesionsOfReadersOverlapAsPublished(t *testing.T) {
	c := cohortOf(t, modelcard.Diagnosis, "compact")
	var lesions average
	for i := range 24 {
		l := readingsOf(t, c, i)
		for a := range l {
			for b := range a {
				if calls := c.calls(i, a); anyCall(calls) && slices.Equal(calls, c.calls(i, b)) {
					lesions.add(overlap(l[a], l[b], 0))
				}
			}
		}
	}
	lesions.within(t, "Dice of lesions that both call", 0.48, 0.68)
}

func TestCallsAgreeModerately(t *testing.T) {
	c := cohortOf(t, modelcard.Diagnosis, "tiny")
	c.config.Exams = MaxExams
	kappa := func(ambiguous float64) float64 {
		c.config.Ambiguous = ambiguous
		const readers = 5
		var foci, share, agree float64 // Fleiss' κ
		for i := range c.Len() {
			n := make([]float64, len(c.foci(i)))
			for r := range readers {
				for k, called := range c.calls(i, r) {
					if called {
						n[k]++
					}
				}
			}
			for _, yes := range n {
				foci++
				share += yes / readers
				agree += (yes*(yes-1) + (readers-yes)*(readers-yes-1)) / (readers * (readers - 1))
			}
		}
		share, agree = share/foci, agree/foci
		byChance := share*share + (1-share)*(1-share)
		return (agree - byChance) / (1 - byChance)
	}
	moderate, clear, unclear := kappa(0.4), kappa(0), kappa(1)
	t.Logf("κ %.3f, without ambiguous foci %.3f, with nothing else %.3f", moderate, clear, unclear)
	if moderate < 0.45 || moderate > 0.62 { // Rosenkrantz et al. 2016: 0.59 in PZ, 0.51 in TZ
		t.Errorf("κ is %.3f, want 0.45 to 0.62", moderate)
	}
	if clear < 0.75 || unclear > 0.2 {
		t.Errorf("κ is %.3f without ambiguous foci and %.3f with nothing else; want above 0.75 and below 0.2", clear, unclear)
	}
}

func TestFrequencyIsTheMeanOverReaders(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		c := cohortOf(t, task, "tiny")
		const exam = 3 // with foci that are ambiguous
		l := readingsOf(t, c, exam)
		f, err := c.Frequency(t.Context(), exam, len(l))
		if err != nil {
			t.Fatal(err)
		}
		n := len(l[0])
		for at := range n {
			for class := range len(f) / n {
				want := 0
				for r := range l {
					if int(l[r][at]) == class {
						want++
					}
				}
				if got := f[class*n+at]; math.Abs(float64(got)-float64(want)/5) > 1e-6 {
					t.Fatalf("%s: class %d of voxel %d has the frequency %g, and %d of 5 readers gave it", task, class, at, got, want)
				}
			}
		}
	}
	c := cohortOf(t, modelcard.Diagnosis, "tiny")
	for i := range 30 {
		n := 0.0
		for r := range 5 {
			if anyCall(c.calls(i, r)) {
				n++
			}
		}
		if got := c.PositiveShare(i, 5); got != n/5 {
			t.Errorf("exam %d is positive to %g of the readers, counted %g", i, got, n/5)
		}
	}
}

// Many other readers have the probability that the five of the panel have, within what five can tell.
func TestMoreReadersAreOfTheSameManner(t *testing.T) {
	c := cohortOf(t, modelcard.Diagnosis, "tiny")
	var few, many average
	for i := range c.Len() {
		few.add(c.PositiveShare(i, 5))
		many.add(c.PositiveShare(i, 60))
	}
	if a, b := few.sum/few.n, many.sum/many.n; math.Abs(a-b) > 0.06 {
		t.Errorf("%.3f of the exams are positive to five readers, and %.3f to sixty", a, b)
	}
}

func TestEachReaderLabelsAsOftenAsTheOthers(t *testing.T) {
	c := cohortOf(t, modelcard.Diagnosis, "tiny")
	c.config.Exams = MaxExams
	var n [5]float64
	for i := range MaxExams {
		n[c.Reader(i)]++
	}
	square := 0.0 // χ² of four degrees of freedom: above 18.5 once in a thousand
	for _, v := range n {
		square += (v - MaxExams/5) * (v - MaxExams/5) / (MaxExams / 5)
	}
	if square > 18.5 {
		t.Errorf("the readers label %v exams", n)
	}
}

// A prediction that tells the true frequency is calibrated, and one that rounds it to yes or no is not: the
// cohort can tell them apart, as it must.
func TestCohortTellsCalibration(t *testing.T) {
	c := cohortOf(t, modelcard.Diagnosis, "tiny")
	memo := map[*plate]*borders{}
	oracle, polar := calibration(t), calibration(t)
	for i := range c.Len() {
		s, err := c.scene(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if memo[s.plate] == nil {
			if memo[s.plate], err = s.plate.borders(); err != nil {
				t.Fatal(err)
			}
		}
		v := s.view(memo[s.plate])
		p, sharp := make([]float32, 2*v.total), make([]float32, 2*v.total)
		for r := range 5 {
			for at, class := range c.read(v, i, r) {
				p[int(class)*v.total+at] += 0.2
			}
		}
		region := make([]bool, v.total)
		for at := range v.total {
			sum := p[at] + p[v.total+at]
			p[at], p[v.total+at] = p[at]/sum, p[v.total+at]/sum
			region[at] = p[v.total+at] > 0.01
			sharp[at], sharp[v.total+at] = 1, 0
			if p[v.total+at] > 0.5 {
				sharp[at], sharp[v.total+at] = 0, 1
			}
		}
		label := c.read(v, i, c.Reader(i))
		if err := errors.Join(oracle.AddWithin(p, label, region), polar.AddWithin(sharp, label, region)); err != nil {
			t.Fatal(err)
		}
	}
	good, err := oracle.Result()
	if err != nil {
		t.Fatal(err)
	}
	bad, err := polar.Result()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("where a reader sees csPCa: ECE %.4f and NLL %.3f of the true frequency, %.4f and %.3f of yes and no", good.ECE, good.NLL, bad.ECE, bad.NLL)
	if good.ECE > 0.05 || bad.ECE < 0.2 || bad.NLL < 2*good.NLL {
		t.Errorf("ECE %.4f of the true frequency and %.4f of yes and no; want about 0 and above 0.2", good.ECE, bad.ECE)
	}
}

func calibration(t *testing.T) *metrics.Calibration {
	t.Helper()
	c, err := metrics.NewCalibration(2, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBordersAreThoseOfTheAnatomy(t *testing.T) {
	c := cohortOf(t, modelcard.Anatomy, "compact")
	v, err := c.view(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	truth, got := v.scene.label(modelcard.Anatomy), make([]uint8, v.total)
	for _, p := range v.voxels {
		if p.outer < 0 {
			got[p.at] = phantom.LabelPZ
			if p.inner < 0 {
				got[p.at] = phantom.LabelTZ
			}
		}
	}
	for class, least := range map[uint8]float64{0: 0.98, phantom.LabelTZ: 0.97, phantom.LabelPZ: 0.95} {
		if d := overlap(truth, got, class); d < least {
			t.Errorf("a reader who does not err has a Dice of %.3f in class %d, want %g", d, class, least)
		}
	}
}

func TestNamesOfExams(t *testing.T) {
	c := cohortOf(t, modelcard.Anatomy, "tiny")
	for _, i := range []int{0, 7, 199} {
		if got, ok := c.Index(c.Name(i)); !ok || got != i {
			t.Errorf("exam %d is called %q, which is exam %d", i, c.Name(i), got)
		}
	}
	if c.Name(7) != "exam-0007" {
		t.Errorf("exam 7 is called %q", c.Name(7))
	}
	for _, name := range []string{"", "exam", "exam-7", "exam-0200", "exam--001", "exam-+007", "phantom-0007", "0007"} {
		if i, ok := c.Index(name); ok {
			t.Errorf("%q is taken for exam %d", name, i)
		}
	}
	if _, err := c.Example(t.Context(), 200); err == nil {
		t.Error("an exam beyond the cohort was made")
	}
	if _, err := c.Frequency(t.Context(), 0, 0); !errors.Is(err, ErrConfig) {
		t.Errorf("a frequency over nobody: %v", err)
	}
}

// Runs go on with the exams that they began with: who labels what, and what they call, never changes.
func TestLabelsOfEarlierVersions(t *testing.T) {
	c := cohortOf(t, modelcard.Diagnosis, "tiny")
	var readers, calls string
	for i := range 24 {
		readers += fmt.Sprint(c.Reader(i))
		if c.Positive(i) {
			calls += "+"
		} else {
			calls += "-"
		}
	}
	key, err := c.Key(3)
	if err != nil {
		t.Fatal(err)
	}
	if readers != "413214204114103232444203" || calls != "++-+---+--++++++--+--+--" {
		t.Errorf("the exams are labelled by %s, who call %s", readers, calls)
	}
	if want := "0053e7b3244686c4af714b99a1e962c33d6a858eae2da79e08bb890e6b8e8988"; key != want {
		t.Errorf("exam 3 has the key %s, had %s", key, want)
	}
	if other := cohortOf(t, modelcard.Anatomy, "tiny"); other.Reader(5) != c.Reader(5) || other.Positive(5) != c.Positive(5) {
		t.Error("the tasks differ in who labels exam 5, and what he calls")
	}
}

func TestCohortRefusesSettings(t *testing.T) {
	recipe, _ := preset(t, modelcard.Anatomy)
	for name, spoil := range map[string]func(c *CohortConfig){
		"no task":        func(c *CohortConfig) { c.Task = "" },
		"no exams":       func(c *CohortConfig) { c.Exams = 0 },
		"too many exams": func(c *CohortConfig) { c.Exams = MaxExams + 1 },
		"no readers":     func(c *CohortConfig) { c.Readers = 0 },
		"many readers":   func(c *CohortConfig) { c.Readers = MaxReaders + 1 },
		"share":          func(c *CohortConfig) { c.Ambiguous = 1.1 },
		"no number":      func(c *CohortConfig) { c.Ambiguous = math.NaN() },
		"recipe":         func(c *CohortConfig) { c.Recipe.Channels = nil },
	} {
		c := CohortConfig{Task: modelcard.Anatomy, Recipe: recipe, Exams: 3, Readers: 2}
		spoil(&c)
		if _, err := NewCohort(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}
