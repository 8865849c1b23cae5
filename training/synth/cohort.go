package synth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/tensor"
	"bayeslice/training"
)

// cohortGeneration is the version of cohorts and their readers; it is part of [Cohort.Key], and rises with
// every change that gives other exams or labels.
const cohortGeneration = 2

// Bounds of [CohortConfig].
const (
	MaxExams   = 2000 // each keeps an anatomy of 1.6 MB in the cache
	MaxReaders = 50   // who label; [Cohort.Frequency] may ask more
)

// CohortConfig says which exams a cohort has, and who reads them.
type CohortConfig struct {
	Task    modelcard.Task // decides the label: zones, or csPCa
	Recipe  prep.Recipe    // as Config.Recipe
	Seed    uint64         // of exams, readers and labels
	Exams   int            // 1…[MaxExams], each of an anatomy of its own
	Readers int            // 1…[MaxReaders]
	// Ambiguous is the share, 0…1, of foci that are as suspicious as the readers' threshold, so that about half
	// of the readers call them csPCa.
	Ambiguous float64
	Cache     string // folder of anatomies, as Config.Cache
}

// validate reports the first unusable setting as [ErrConfig].
func (c *CohortConfig) validate() error {
	if err := (&Config{Task: c.Task, Recipe: c.Recipe, Anatomies: 1}).validate(); err != nil {
		return err
	}
	switch {
	case c.Exams < 1 || c.Exams > MaxExams:
		return fmt.Errorf("%w: %d exams; choose 1 to %d", ErrConfig, c.Exams, MaxExams)
	case c.Readers < 1 || c.Readers > MaxReaders:
		return fmt.Errorf("%w: %d readers; choose 1 to %d", ErrConfig, c.Readers, MaxReaders)
	case !(c.Ambiguous >= 0 && c.Ambiguous <= 1):
		return fmt.Errorf("%w: a share of %g of ambiguous foci; choose 0 to 1", ErrConfig, c.Ambiguous)
	}
	return nil
}

// Cohort is a fixed list of generated exams that simulated readers have labelled, each in his own way. The
// label that an exam is learnt from and compared with is that of one of them, drawn at random. Therefore the
// share of readers who give a voxel a class is the probability of that class given the exam, which is what
// a calibrated prediction has to say, and it is known here ([Cohort.Frequency]).
//
// Exam i has the same anatomy, foci, position, T2W signal and readers' calls in both tasks and on every grid.
// A cohort makes nothing until it is asked, and keeps nothing in memory. It is safe for concurrent use, and
// everything follows from its configuration, on any number of processors.
type Cohort struct {
	config CohortConfig
	lay    func(ctx context.Context, exam int) (*plate, error) // gives the anatomy of an exam

	mu    sync.Mutex
	notes []string
}

// NewCohort returns a cohort. It fails with [ErrConfig], or where the folder of the anatomies cannot be made.
func NewCohort(c CohortConfig) (*Cohort, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Cache != "" {
		if err := os.MkdirAll(c.Cache, 0o700); err != nil {
			return nil, fmt.Errorf("synth: folder for the anatomies: %w", err)
		}
	}
	out := &Cohort{config: c}
	out.lay = out.anatomy
	return out, nil
}

// anatomy gives the anatomy of an exam, and notes a damaged copy.
func (c *Cohort) anatomy(ctx context.Context, exam int) (*plate, error) {
	p, note, err := cached(ctx, c.config.Cache, c.config.Seed, forCohortPool, uint64(exam))
	if note != "" {
		c.mu.Lock()
		c.notes = append(c.notes, note)
		c.mu.Unlock()
	}
	return p, err
}

// Notes are sentences about what happened to the cache so far, as those of [Generator.Notes].
func (c *Cohort) Notes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.notes...)
}

// Config returns what the cohort was made of.
func (c *Cohort) Config() CohortConfig { return c.config }

// Len returns the number of exams.
func (c *Cohort) Len() int { return c.config.Exams }

// namePrefix begins the name of each exam; its number, counted from 0, follows.
const namePrefix = "exam-"

// Name is what exam i of 0…Len−1 is called in messages, folds and results. Names sort by
// number, and are the same in larger cohorts.
func (c *Cohort) Name(i int) string {
	return fmt.Sprintf("%s%04d", namePrefix, i) // as many digits as [MaxExams] needs
}

// Index returns the number of the exam of a name; false where the cohort has no such exam.
func (c *Cohort) Index(name string) (i int, ok bool) {
	i, err := strconv.Atoi(strings.TrimPrefix(name, namePrefix))
	return i, err == nil && c.has(i) == nil && c.Name(i) == name
}

// has refuses the number of an exam that is not there.
func (c *Cohort) has(i int) error {
	if i < 0 || i >= c.config.Exams {
		return fmt.Errorf("synth: there is no exam %d in a cohort of %d", i, c.config.Exams)
	}
	return nil
}

// Reader returns who of the Readers, counted from 0, gave exam i its label: each is as likely as the others.
func (c *Cohort) Reader(i int) int {
	return stream(c.config.Seed, forCohortLabel, uint64(i)).IntN(c.config.Readers)
}

// Positive says whether the reader who labels exam i calls any focus csPCa, in either task and on every grid,
// so that folds are stratified alike. On a coarse grid the label of a positive exam may be empty.
func (c *Cohort) Positive(i int) bool { return anyCall(c.calls(i, c.Reader(i))) }

// PositiveShare returns the share of the first so many readers who call any focus of exam i csPCa: the
// probability, given the exam, that it is positive. As in [Cohort.Frequency], there may be more than label.
func (c *Cohort) PositiveShare(i, readers int) float64 {
	n := 0
	for r := range readers {
		if anyCall(c.calls(i, r)) {
			n++
		}
	}
	return float64(n) / float64(max(1, readers))
}

func anyCall(calls []bool) bool {
	for _, called := range calls {
		if called {
			return true
		}
	}
	return false
}

// Key is a SHA-256, hex, of everything that determines [Cohort.Example] i.
func (c *Cohort) Key(i int) (string, error) {
	b, err := json.Marshal(struct {
		Cohort, Generation, Layout, Phantom int
		Task                                modelcard.Task
		Recipe                              prep.Recipe
		Seed                                uint64
		Readers, Exam                       int
		Ambiguous                           float64
	}{cohortGeneration, generation, layout, phantom.Generation, c.config.Task, c.config.Recipe, c.config.Seed, c.config.Readers, i, c.config.Ambiguous})
	if err != nil {
		return "", fmt.Errorf("synth: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// Example makes exam i of 0…Len−1 with the label of its reader, normalised on the recipe's grid as
// [Generator.Draw] does, with the contrast that T2-weighted images have. It takes some tenths of a second, and more where
// its anatomy is not in the cache. It fails with ctx's error, or that of the file system.
func (c *Cohort) Example(ctx context.Context, i int) (*training.Example, error) {
	v, err := c.view(ctx, i)
	if err != nil {
		return nil, err
	}
	s := v.scene
	size, seed, n := s.recipe.Size, c.config.Seed, uint64(i)
	image := tensor.NewFloat32(1, len(s.recipe.Channels), size[2], size[1], size[0])
	s.channels(stream(seed, forCohortT2W, n), stream(seed, forCohortDiffusion, n), 0, image.F32)
	return &training.Example{Exam: c.Name(i), Image: image, Label: c.read(v, i, c.Reader(i))}, nil
}

// scene sets up exam i: its anatomy, how it lies, and its foci.
func (c *Cohort) scene(ctx context.Context, i int) (*scene, error) {
	if err := c.has(i); err != nil {
		return nil, err
	}
	p, err := c.lay(ctx, i)
	if err != nil {
		return nil, err
	}
	s := drawScene(stream(c.config.Seed, forCohortPose, uint64(i)), c.config.Recipe, p)
	s.foci = c.foci(i)
	r := stream(c.config.Seed, forCohortPlace, uint64(i))
	for k := range s.foci {
		f := &s.foci[k]
		f.place(r, p, p.somewhere(r, f.zone), f.suspicion())
	}
	return s, ctx.Err()
}

// view sets up exam i as readers look at it.
func (c *Cohort) view(ctx context.Context, i int) (*view, error) {
	s, err := c.scene(ctx, i)
	if err != nil {
		return nil, err
	}
	b, err := s.plate.borders()
	if err != nil {
		return nil, err
	}
	return s.view(b), ctx.Err()
}

// Readings returns what each of the Readers makes of exam i: classes as in [training.Example], D·H·W with
// W fastest. The label of the exam is that of [Cohort.Reader]. It fails as [Cohort.Example].
func (c *Cohort) Readings(ctx context.Context, i int) ([][]uint8, error) {
	out := make([][]uint8, 0, c.config.Readers)
	err := c.each(ctx, i, c.config.Readers, func(label []uint8) { out = append(out, label) })
	return out, err
}

// Frequency returns how often each class is given to each voxel of exam i by the first so many readers: 0…1, [classes, D, H, W]
// with W fastest, background first, summing to 1 over the classes. With as many as label, Config().Readers,
// it is the exact probability of the exam's label. Asking more (they are others of the same manner, who
// label nothing) tells the probability among all readers of that manner. It fails as [Cohort.Example].
func (c *Cohort) Frequency(ctx context.Context, i, readers int) ([]float32, error) {
	if readers < 1 {
		return nil, fmt.Errorf("%w: a frequency over %d readers; ask at least one", ErrConfig, readers)
	}
	classes := 2
	if c.config.Task == modelcard.Anatomy {
		classes = 3
	}
	var count []int32
	voxels := 0
	err := c.each(ctx, i, readers, func(label []uint8) {
		if count == nil {
			voxels = len(label)
			count = make([]int32, classes*voxels)
		}
		for at, class := range label {
			count[int(class)*voxels+at]++
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]float32, len(count))
	for at, n := range count {
		out[at] = float32(float64(n) / float64(readers))
	}
	return out, nil
}

// each calls do with the reading of exam i by each of the first so many readers, in turn.
func (c *Cohort) each(ctx context.Context, i, readers int, do func(label []uint8)) error {
	v, err := c.view(ctx, i)
	if err != nil {
		return err
	}
	for r := range readers {
		if err := ctx.Err(); err != nil {
			return err
		}
		do(c.read(v, i, r))
	}
	return nil
}
