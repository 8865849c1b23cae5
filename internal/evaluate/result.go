package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"

	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
)

// Format is the version of results.json that this program writes.
const Format = 1

// Row is what was measured on one exam.
type Row struct {
	ID          string          `json:"id"`
	Patient     string          `json:"patient,omitempty"` // "" is ID
	Kind        Kind            `json:"kind"`
	Structures  []StructureRow  `json:"structures"`
	Calibration *CalibrationRow `json:"calibration,omitempty"` // of probabilities
	Lesions     *LesionRow      `json:"lesions,omitempty"`     // in diagnosis
	Notes       []string        `json:"notes,omitempty"`
}

// StructureRow compares one structure in one exam.
type StructureRow struct {
	Name        string   `json:"name"` // "WG", "TZ", "PZ" or "csPCa"; WG is TZ ∪ PZ
	HardDice    float64  `json:"hardDice"`
	SoftDice    *float64 `json:"softDice,omitempty"` // of probabilities
	HD95        *float64 `json:"hd95MM,omitempty"`   // missing where prediction or reference is empty
	ASSD        *float64 `json:"assdMM,omitempty"`   // likewise
	PredictedML float64  `json:"predictedML"`
	ReferenceML float64  `json:"referenceML"`
}

// CalibrationRow is how good the probabilities of one exam are; see [metrics.Calibrated].
type CalibrationRow struct {
	Voxels int     `json:"voxels"`
	NLL    float64 `json:"nll"`
	Brier  float64 `json:"brier"`
	ECE    float64 `json:"ece"`
}

// LesionRow is what was found in one exam.
type LesionRow struct {
	Positive   bool              `json:"positive"` // the reference has a lesion
	Score      float64           `json:"score"`    // of the patient: the largest confidence, 0 without candidates
	Lesions    int               `json:"lesions"`  // of the reference
	Candidates int               `json:"candidates"`
	Findings   []metrics.Finding `json:"findings"`
}

// Problem is an exam that is left out of every figure.
type Problem struct {
	Exam string `json:"exam"`
	Text string `json:"text"` // a sentence
}

// Result is everything that was measured on a cohort. Means are over exams, each counting once; bands are by patient.
// A figure that does not exist is missing, and Undefined says why. It is plain data, and immutable once made.
type Result struct {
	Format      int                `json:"format"`
	Program     string             `json:"program"`
	Name        string             `json:"name"`           // of the configuration, such as its loss
	Time        string             `json:"time,omitempty"` // of the evaluation, RFC 3339
	Task        modelcard.Task     `json:"task"`
	ResearchUse string             `json:"researchUse,omitempty"`
	Settings    ResultSettings     `json:"settings"`
	Exams       int                `json:"exams"` // evaluated
	Patients    int                `json:"patients"`
	Kinds       map[Kind]int       `json:"kinds"`
	Structures  []StructureResult  `json:"structures"`
	Calibration *CalibrationResult `json:"calibration,omitempty"`
	Detection   *DetectionResult   `json:"detection,omitempty"`
	Undefined   map[string]string  `json:"undefined,omitempty"` // figure: why it is missing
	Problems    []Problem          `json:"problems"`            // exams left out
	Rows        []Row              `json:"rows"`
}

// ResultSettings are [Settings] in full.
type ResultSettings struct {
	MinIoU float64 `json:"minIoU"`
	Strict bool    `json:"strict"`
	Bins   int     `json:"bins"`
	Rounds int     `json:"bootstrapRounds"`
	Level  float64 `json:"bootstrapLevel"`
	Seed   uint64  `json:"seed"`
}

// StructureResult are means over the exams in which a figure exists.
type StructureResult struct {
	Name         string        `json:"name"`
	HardDice     *metrics.Band `json:"hardDice,omitempty"`
	SoftDice     *metrics.Band `json:"softDice,omitempty"`
	HD95         *metrics.Band `json:"hd95MM,omitempty"`
	ASSD         *metrics.Band `json:"assdMM,omitempty"`
	DifferenceML *metrics.Band `json:"differenceML,omitempty"` // predicted less reference
}

// CalibrationResult is how good the probabilities are: means of the exams' own figures, and everything over all voxels
// of all exams taken together.
type CalibrationResult struct {
	NLL    *metrics.Band      `json:"nll,omitempty"`
	Brier  *metrics.Band      `json:"brier,omitempty"`
	ECE    *metrics.Band      `json:"ece,omitempty"`
	Pooled metrics.Calibrated `json:"pooled"`
}

// DetectionResult is which lesions and patients were found; see [metrics.Detected].
type DetectionResult struct {
	Positives      int                   `json:"positives"` // exams with a lesion
	Lesions        int                   `json:"lesions"`
	AUROC          *metrics.Band         `json:"auroc,omitempty"`
	AP             *metrics.Band         `json:"ap,omitempty"`
	Score          *metrics.Band         `json:"picaiScore,omitempty"` // mean of AUROC and AP
	PartialArea    *metrics.Band         `json:"partialArea,omitempty"`
	MaxSensitivity *metrics.Band         `json:"maxSensitivity,omitempty"`
	FROC           []metrics.FROCPoint   `json:"froc,omitempty"`
	FROCBand       []BandPoint           `json:"frocBand,omitempty"`
	ROC            []metrics.ROCPoint    `json:"roc,omitempty"`
	Precision      []metrics.RecallPoint `json:"precisionRecall,omitempty"`
}

// BandPoint is the band of the FROC's sensitivity at a number of false positives per exam.
type BandPoint struct {
	FalsePositives float64 `json:"falsePositives"`
	metrics.Band
}

// bandTo and bandStep are where the FROC's band is computed, false positives per exam.
const (
	bandTo   = 5.0
	bandStep = 0.05
)

// Result computes what the exams amount to. Program, Name, Time and ResearchUse are the caller's to set. It fails
// with [ErrExam] where no exam was added, and with ctx's error.
func (e *Evaluator) Result(ctx context.Context) (*Result, error) {
	if len(e.rows) == 0 {
		return nil, badExam("none could be evaluated%s", e.first())
	}
	r := &Result{Format: Format, Task: e.settings.Task, Exams: len(e.rows), Kinds: map[Kind]int{}, Undefined: map[string]string{},
		Settings: e.inFull(), Problems: append([]Problem{}, e.problems...), Rows: e.rows}
	s := summary{ctx: ctx, boot: e.settings.Bootstrap, result: r}
	patients := map[string]bool{}
	for _, row := range e.rows {
		who := row.Patient
		if who == "" {
			who = row.ID
		}
		s.patients = append(s.patients, who)
		patients[who] = true
		r.Kinds[row.Kind]++
	}
	r.Patients = len(patients)
	s.segmentation(e.settings.Task)
	s.calibration(e.calibration)
	if e.settings.Task == modelcard.Diagnosis {
		s.detection(e.detection)
	}
	return r, s.err
}

// first is the first problem, for the message where all exams have one.
func (e *Evaluator) first() string {
	if len(e.problems) == 0 {
		return ""
	}
	return fmt.Sprintf("; the first, %s: %s", e.problems[0].Exam, e.problems[0].Text)
}

func (e *Evaluator) inFull() ResultSettings {
	s := ResultSettings{e.settings.Match.MinIoU, e.settings.Match.Strict, e.settings.Bins, e.settings.Bootstrap.Rounds, e.settings.Bootstrap.Level, e.settings.Bootstrap.Seed}
	if s.MinIoU == 0 {
		s.MinIoU = metrics.DefaultMinIoU
	}
	if s.Bins == 0 {
		s.Bins = metrics.DefaultBins
	}
	if s.Rounds == 0 {
		s.Rounds = metrics.DefaultRounds
	}
	if s.Level == 0 {
		s.Level = metrics.DefaultLevel
	}
	return s
}

// summary fills a result. The first error that is no figure's absence stays.
type summary struct {
	ctx      context.Context //nolint:containedctx // it lives for one call of [Evaluator.Result]
	boot     metrics.Bootstrap
	patients []string
	result   *Result
	err      error
}

// mean is the mean of one figure over the exams that have it, nil and noted where none has.
func (s *summary) mean(name, why string, of func(Row) float64) *metrics.Band {
	values := make([]float64, len(s.result.Rows))
	for i, row := range s.result.Rows {
		values[i] = of(row)
	}
	b, err := s.boot.Mean(s.ctx, s.patients, values)
	switch {
	case errors.Is(err, metrics.ErrUndefined):
		s.result.Undefined[name] = why
		return nil
	case err != nil:
		s.err = errors.Join(s.err, err)
		return nil
	}
	return &b
}

const (
	noProbabilities = "masks and detection maps hold no probabilities"
	noSurface       = "in every exam the structure is missing in prediction or reference"
)

func (s *summary) segmentation(task modelcard.Task) {
	for n, x := range structures[task] {
		at := func(of func(StructureRow) float64) func(Row) float64 {
			return func(r Row) float64 { return of(r.Structures[n]) }
		}
		s.result.Structures = append(s.result.Structures, StructureResult{
			Name:         x.name,
			HardDice:     s.mean(x.name+" hard Dice", "", at(func(r StructureRow) float64 { return r.HardDice })),
			SoftDice:     s.mean(x.name+" soft Dice", noProbabilities, at(func(r StructureRow) float64 { return orNaN(r.SoftDice) })),
			HD95:         s.mean(x.name+" HD95", noSurface, at(func(r StructureRow) float64 { return orNaN(r.HD95) })),
			ASSD:         s.mean(x.name+" ASSD", noSurface, at(func(r StructureRow) float64 { return orNaN(r.ASSD) })),
			DifferenceML: s.mean(x.name+" volume difference", "", at(func(r StructureRow) float64 { return r.PredictedML - r.ReferenceML })),
		})
	}
}

func (s *summary) calibration(pooled *metrics.Calibration) {
	all, err := pooled.Result()
	if errors.Is(err, metrics.ErrUndefined) {
		s.result.Undefined["calibration"] = noProbabilities
		return
	}
	s.err = errors.Join(s.err, err)
	of := func(get func(*CalibrationRow) float64) func(Row) float64 {
		return func(r Row) float64 {
			if r.Calibration == nil {
				return math.NaN()
			}
			return get(r.Calibration)
		}
	}
	s.result.Calibration = &CalibrationResult{Pooled: all,
		NLL:   s.mean("NLL", noProbabilities, of(func(c *CalibrationRow) float64 { return c.NLL })),
		Brier: s.mean("Brier", noProbabilities, of(func(c *CalibrationRow) float64 { return c.Brier })),
		ECE:   s.mean("ECE", noProbabilities, of(func(c *CalibrationRow) float64 { return c.ECE }))}
}

func (s *summary) detection(d *metrics.Detection) {
	var at []float64
	for i := 0; float64(i)*bandStep <= bandTo; i++ {
		at = append(at, float64(i)*bandStep)
	}
	found, err := d.Bootstrap(s.ctx, s.boot, at)
	if err != nil {
		s.err = errors.Join(s.err, err)
		return
	}
	r := &DetectionResult{Positives: d.Positives(), Lesions: d.Lesions()}
	s.result.Detection = r
	kinds := fmt.Sprintf("it needs exams with and without a lesion, and of %d exams %d have one", d.Exams(), d.Positives())
	const noLesion = "no exam has a lesion that could be found"
	r.AUROC = s.exists("AUROC", kinds, found.AUROC)
	r.Score = s.exists("PI-CAI score", kinds, found.Score)
	r.AP = s.exists("AP", noLesion, found.AP)
	r.PartialArea = s.exists("partial area under the FROC", noLesion, found.PartialArea)
	r.MaxSensitivity = s.exists("maximum sensitivity", noLesion, found.MaxSensitivity)
	if f, err := d.FROC(); err == nil {
		r.FROC = f.Points
		for i, b := range found.Sensitivity {
			if b.Rounds > 0 {
				r.FROCBand = append(r.FROCBand, BandPoint{at[i], b})
			}
		}
	}
	if points, err := d.ROC(); err == nil {
		r.ROC = points
	}
	if points, err := d.PrecisionRecall(); err == nil {
		r.Precision = points
	}
}

// exists returns a band, nil and noted where its figure does not exist.
func (s *summary) exists(name, why string, b metrics.Band) *metrics.Band {
	if math.IsNaN(b.Value) || math.IsNaN(b.Low) {
		s.result.Undefined[name] = why
		return nil
	}
	return &b
}
