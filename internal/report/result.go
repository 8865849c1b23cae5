package report

import (
	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
)

// ResultFormat is the version of result.json that this program writes.
const ResultFormat = 1

// Result is the content of result.json. Positions are LPS mm, volumes millilitres. It holds no
// identity: series are named by role, ID and number.
type Result struct {
	Format      int    `json:"format"`
	Program     string `json:"program"`
	ResearchUse string `json:"researchUse"`
	Synthetic   bool   `json:"synthetic"` // the exam was generated, it is no patient
	Untrained   bool   `json:"untrained"` // the weights are initial ones: the maps mean nothing
	// TrainedOnSyntheticOnly: the weights have learnt from generated exams alone, from no patient.
	TrainedOnSyntheticOnly bool `json:"trainedOnSyntheticOnly"`

	Model    ResultModel        `json:"model"`
	Sampling ResultSampling     `json:"sampling"`
	Exam     ResultExam         `json:"exam"`
	Volumes  []ResultVolume     `json:"volumes"`
	Lesions  []inference.Lesion `json:"lesions"`
	Files    []file             `json:"files"`
}

// ResultVolume is the volume of a structure, measured twice. The two differ: the samples are segmented
// one by one on the model's grid, the mask is the most probable class of their mean on the T2W grid.
type ResultVolume struct {
	Zone   string             `json:"zone"`   // "WG", "TZ", "PZ" or "csPCa"; WG is TZ ∪ PZ
	ML     inference.Interval `json:"ml"`     // mean, 5th and 95th percentile over the samples
	MaskML float64            `json:"maskML"` // of the written mask
}

// ResultModel identifies the model.
type ResultModel struct {
	Name        string                   `json:"name"`
	SHA256      string                   `json:"sha256"`
	Task        modelcard.Task           `json:"task"`
	Classes     []string                 `json:"classes"`
	Loss        string                   `json:"loss,omitempty"`
	Alpha       []float64                `json:"alpha,omitempty"`
	Gamma       float64                  `json:"gamma,omitempty"`
	Dropout     float64                  `json:"dropout"`
	Latent      int                      `json:"latent"`
	WeightSeed  uint64                   `json:"weightSeed"`
	TrainedOn   string                   `json:"trainedOn,omitempty"`
	Training    *modelcard.TrainingFacts `json:"training,omitempty"`
	Storage     modelcard.Storage        `json:"storage,omitempty"`
	Notice      string                   `json:"notice,omitempty"` // what must stand beside the result, a sentence
	IntendedUse string                   `json:"intendedUse"`
	Recipe      prep.Recipe              `json:"recipe"`
}

// ResultSampling says how the samples were drawn.
type ResultSampling struct {
	Seed      uint64               `json:"seed"`
	Samples   int                  `json:"samples"`
	Requested int                  `json:"requested"`
	Stop      inference.StopReason `json:"stop"`
	StopNote  string               `json:"stopNote,omitempty"`
	Device    string               `json:"device"`
	// DeviceChanges are the changes of device during the run, and from which sample on; DeviceFallbacks the operators that ran on the
	// CPU although another device was used. Both are absent where all ran where it should.
	DeviceChanges    []inference.DeviceChange `json:"deviceChanges,omitempty"`
	DeviceFallbacks  []string                 `json:"deviceFallbacks,omitempty"`
	SecondsPerSample float64                  `json:"secondsPerSample"`
}

// ResultExam says what was read, and on which grids.
type ResultExam struct {
	Key       string         `json:"key"`
	Series    []ResultSeries `json:"series"`
	Issues    []exam.Issue   `json:"issues"`
	T2WGrid   ResultGrid     `json:"t2wGrid"`
	ModelGrid ResultGrid     `json:"modelGrid"`
}

// ResultSeries is a series that the model read, and why it was chosen.
type ResultSeries struct {
	Role         string   `json:"role"`
	ID           string   `json:"id"`
	Number       int      `json:"number,omitempty"`
	BValue       *float64 `json:"bValue,omitempty"` // s/mm²
	Calculated   bool     `json:"calculated,omitempty"`
	Score        float64  `json:"score"`
	Reason       string   `json:"reason"`
	ChosenByUser bool     `json:"chosenByUser,omitempty"`
	Alternatives []string `json:"alternatives,omitempty"` // IDs, best first
	// MovedMM is by how much the image was displaced before the network saw it, world LPS mm; absent for an image in its place.
	MovedMM *geom.Vec3 `json:"movedMMLPS,omitempty"`
}

// ResultGrid is a grid in numbers: affine takes (i, j, k, 1) to LPS mm.
type ResultGrid struct {
	Size      [3]int        `json:"size"`
	SpacingMM geom.Vec3     `json:"spacingMM"`
	Affine    [3][4]float64 `json:"affineLPS"`
}

func newResult(e *exam.Exam, p *inference.Prediction, m *maps, files []file, o Options) Result {
	return Result{
		Format: ResultFormat, Program: o.Program, ResearchUse: Disclaimer,
		Synthetic: e.Synthetic, Untrained: p.Card.State() == modelcard.Untrained, TrainedOnSyntheticOnly: p.Card.State() == modelcard.SyntheticOnly,
		Model: ResultModel{Name: p.Card.Name, SHA256: p.ModelSHA, Task: p.Card.Task, Classes: p.Card.Classes,
			Loss: p.Card.Loss, Alpha: p.Card.Alpha, Gamma: p.Card.Gamma, Dropout: p.Card.Dropout, Latent: p.Card.Latent,
			WeightSeed: p.Card.WeightSeed, TrainedOn: p.Card.TrainedOn, Training: p.Card.Training, Storage: p.Card.Storage, Notice: p.Card.Notice(),
			IntendedUse: p.Card.IntendedUse, Recipe: p.Card.Recipe},
		Sampling: ResultSampling{Seed: p.Seed, Samples: p.Samples, Requested: p.Requested, Stop: p.Stop, StopNote: p.StopNote,
			Device: p.Device, DeviceChanges: p.Changes, DeviceFallbacks: p.Fallbacks, SecondsPerSample: p.SecondsPerSample},
		Exam: ResultExam{Key: e.Key, Series: usedSeries(e, p), Issues: allIssues(e, p),
			T2WGrid: newResultGrid(m.hard.Grid()), ModelGrid: newResultGrid(p.Grid)},
		Volumes: volumes(p, m), Lesions: orEmpty(p.Lesions), Files: files,
	}
}

// orEmpty makes JSON write [] rather than null.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// volumes lists each structure's volume over the samples and in the written mask.
func volumes(p *inference.Prediction, m *maps) []ResultVolume {
	var count [256]int
	for _, class := range m.hard.Data() {
		count[class]++
	}
	voxelML := m.hard.Grid().VoxelVolume() / 1000
	out := make([]ResultVolume, 0, len(p.Volumes))
	for _, v := range p.Volumes {
		voxels := 0
		for class := 1; class < len(m.classes); class++ {
			if name := m.classes[class]; name == v.Zone || v.Zone == "WG" {
				voxels += count[class]
			}
		}
		out = append(out, ResultVolume{Zone: v.Zone, ML: v.ML, MaskML: float64(voxels) * voxelML})
	}
	return out
}

func newResultGrid(g geom.Grid) ResultGrid {
	return ResultGrid{Size: g.Size, SpacingMM: g.Spacing, Affine: g.Affine()}
}

// usedSeries lists the series behind the recipe's channels, in channel order.
func usedSeries(e *exam.Exam, p *inference.Prediction) []ResultSeries {
	out := []ResultSeries{}
	for _, c := range p.Card.Recipe.Channels {
		choice, ok := e.Roles[c.ExamRole()]
		if !ok || choice.Series == nil {
			continue
		}
		s := ResultSeries{Role: c.Role, ID: choice.Series.ID, Number: choice.Series.Number, Calculated: choice.Series.Calculated,
			Score: choice.Score, Reason: choice.Reason, ChosenByUser: choice.Overridden}
		if choice.Series.HasB {
			b := choice.Series.B
			s.BValue = &b
		}
		for _, a := range choice.Alternatives {
			s.Alternatives = append(s.Alternatives, a.Series.ID)
		}
		for _, m := range p.Moved {
			if m.Series == s.ID {
				s.MovedMM = &m.MM
			}
		}
		out = append(out, s)
	}
	return out
}

// allIssues joins the exam's issues with those of preparation, each once.
func allIssues(e *exam.Exam, p *inference.Prediction) []exam.Issue {
	out := []exam.Issue{}
	seen := map[exam.Issue]bool{}
	for _, list := range [][]exam.Issue{e.Issues, p.Issues} {
		for _, i := range list {
			if !seen[i] {
				seen[i] = true
				out = append(out, i)
			}
		}
	}
	return out
}
