package evaluate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"

	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
)

// Format is the newest version of results.json that this program reads. It writes 1 for an evaluation and 2 for what
// [Pool] joined; what was added since within a version is optional.
const Format = 2

// Row is what was measured on one exam.
type Row struct {
	ID          string          `json:"id"`
	Patient     string          `json:"patient,omitempty"` // "" is ID
	Exam        string          `json:"exam,omitempty"`    // its own name where ID tells the network too; "" is ID
	Run         int             `json:"run,omitempty"`     // of [Pool], from 1; 0 of a single evaluation
	Fold        int             `json:"fold,omitempty"`    // likewise
	Kind        Kind            `json:"kind"`
	Structures  []StructureRow  `json:"structures"`
	Calibration *CalibrationRow `json:"calibration,omitempty"`   // of probabilities
	Border      *BorderRow      `json:"borderEntropy,omitempty"` // likewise
	Readers     *ReadersRow     `json:"readers,omitempty"`       // where their shares are known
	Lesions     *LesionRow      `json:"lesions,omitempty"`       // in diagnosis
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
	Segment     *Segment `json:"segment,omitempty"` // of probabilities
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
	Method      string             `json:"method,omitempty"` // in words, how predictions were made and where they were measured
	ResearchUse string             `json:"researchUse,omitempty"`
	Settings    ResultSettings     `json:"settings"`
	Exams       int                `json:"exams"` // evaluated
	Patients    int                `json:"patients"`
	Kinds       map[Kind]int       `json:"kinds"`
	Structures  []StructureResult  `json:"structures"`
	Calibration *CalibrationResult `json:"calibration,omitempty"`
	Border      *BorderResult      `json:"borderEntropy,omitempty"`
	Readers     *ReadersResult     `json:"readers,omitempty"`
	Detection   *DetectionResult   `json:"detection,omitempty"`
	Pooled      *PooledResult      `json:"pooled,omitempty"`    // of [Pool]
	Examples    []Example          `json:"examples,omitempty"`  // for Figure 3
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
	Polarised    *metrics.Band `json:"polarised,omitempty"`    // see [Segment.Polarised]
}

// BorderResult is how unsure predictions are near borders of the reference and elsewhere; see [BorderRow].
type BorderResult struct {
	Near      *metrics.Band `json:"near,omitempty"`
	Elsewhere *metrics.Band `json:"elsewhere,omitempty"`
}

// ReadersResult is how near probabilities are to the shares of readers; see [ReadersRow].
type ReadersResult struct {
	MSE         *metrics.Band `json:"mse,omitempty"`
	DisputedMSE *metrics.Band `json:"disputedMSE,omitempty"`
	Unsure      *metrics.Band `json:"unsure,omitempty"`
}

// CalibrationResult is how good the probabilities are: means of the exams' own figures, and everything over all voxels
// of all exams taken together.
type CalibrationResult struct {
	NLL    *metrics.Band      `json:"nll,omitempty"`
	Brier  *metrics.Band      `json:"brier,omitempty"`
	ECE    *metrics.Band      `json:"ece,omitempty"`
	Pooled metrics.Calibrated `json:"pooled"`
}

// DetectionResult is which lesions and patients were found; see [metrics.Detected]. Of several networks ([Pool]) every
// figure is the networks' average of [metrics.Strata], and the curves are in FROCBand and ROCBand alone.
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
	ROCBand        []BandPoint           `json:"rocBand,omitempty"`
	Precision      []metrics.RecallPoint `json:"precisionRecall,omitempty"`
}

// BandPoint is the band of a curve's sensitivity at a number of false positives per exam, or of the ROC at a share of the
// negative exams.
type BandPoint struct {
	FalsePositives float64 `json:"falsePositives"`
	metrics.Band
}

// frocPlaces and rocPlaces are where bands of curves are computed: up to five false positives per exam, and shares of the
// negative exams.
var frocPlaces, rocPlaces = steps(5), steps(1)

// steps are 101 numbers from 0 to end.
func steps(end float64) []float64 {
	out := make([]float64, 101)
	for i := range out {
		out[i] = end * float64(i) / 100
	}
	return out
}

// Result computes what the exams amount to. Program, Name, Time and ResearchUse are the caller's to set. It fails
// with [ErrExam] where no exam was added, and with ctx's error.
func (e *Evaluator) Result(ctx context.Context) (*Result, error) {
	if len(e.rows) == 0 {
		return nil, badExam("none could be evaluated%s", e.first())
	}
	r := &Result{Format: 1, Task: e.settings.Task, Exams: len(e.rows), Kinds: map[Kind]int{}, Undefined: maps.Clone(e.undefined),
		Settings: e.inFull(), Problems: append([]Problem{}, e.problems...), Rows: e.rows, Examples: e.examples}
	s := summary{ctx: ctx, boot: e.settings.Bootstrap, result: r}
	patients := map[string]bool{}
	for _, row := range e.rows {
		who := row.patient()
		s.patients = append(s.patients, who)
		patients[who] = true
		r.Kinds[row.Kind]++
	}
	r.Patients = len(patients)
	s.segmentation(e.settings.Task)
	s.calibration(e.calibration)
	s.uncertainty()
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
			Polarised:    s.mean(x.name+" polarised share", "no probabilities were given, or nothing was predicted in any exam", at(func(r StructureRow) float64 { return r.Segment.Polarised() })),
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

// uncertainty is what is known of entropies and of readers; what no exam has is left out without a word, since no paper
// panel needs it.
func (s *summary) uncertainty() {
	for _, row := range s.result.Rows {
		if row.Border != nil {
			s.result.Border = &BorderResult{
				Near:      s.mean(borderFigure, "no reference has a border", borderEntropy),
				Elsewhere: s.mean("entropy elsewhere", "every voxel is near a border", func(r Row) float64 { return ofBorder(r, func(b *BorderRow) *float64 { return b.Elsewhere }) })}
			break
		}
	}
	const undisputed = "readers differ at no voxel"
	for _, row := range s.result.Rows {
		if row.Readers != nil {
			s.result.Readers = &ReadersResult{MSE: s.mean(readersFigure, "", readersMSE), DisputedMSE: s.mean("squared difference where readers differ", undisputed, disputedMSE),
				Unsure: s.mean(unsureFigure, undisputed, unsure)}
			break
		}
	}
}

func (s *summary) detection(d *metrics.Strata) {
	found, err := d.Bootstrap(s.ctx, s.boot, frocPlaces, rocPlaces)
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
	r.FROCBand, r.ROCBand = bandPoints(frocPlaces, found.Sensitivity), bandPoints(rocPlaces, found.ROC)
	only := d.Only()
	if only == nil {
		return
	}
	if f, err := only.FROC(); err == nil {
		r.FROC = f.Points
	}
	if points, err := only.ROC(); err == nil {
		r.ROC = points
	}
	if points, err := only.PrecisionRecall(); err == nil {
		r.Precision = points
	}
}

// bandPoints are the places of a curve at which it exists.
func bandPoints(at []float64, bands []metrics.Band) []BandPoint {
	var out []BandPoint
	for i, b := range bands {
		if b.Rounds > 0 {
			out = append(out, BandPoint{at[i], b})
		}
	}
	return out
}

// exists returns a band, nil and noted where its figure does not exist.
func (s *summary) exists(name, why string, b metrics.Band) *metrics.Band {
	if math.IsNaN(b.Value) || math.IsNaN(b.Low) {
		s.result.Undefined[name] = why
		return nil
	}
	return &b
}
