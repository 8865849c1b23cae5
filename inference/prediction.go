// Package inference samples a Bayesian segmentation network: it draws the noise (Monte-Carlo dropout
// and the latent z), runs the network N times, and keeps streaming statistics whose memory does not
// depend on N. It is headless and knows neither the window nor ONNX Runtime; it is given a [Runner].
package inference

import (
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// StopReason says why sampling ended.
type StopReason string

// Stop reasons. Running marks a snapshot of a run that goes on.
const (
	Running   StopReason = "running"
	Completed StopReason = "completed" // all requested samples were drawn
	Converged StopReason = "converged" // the criterion of [Convergence] held
	Cancelled StopReason = "cancelled" // by the user; the samples so far are kept
	Failed    StopReason = "failed"    // a sample failed; those before it are returned with the error
)

// Interval is a mean with the 5th and 95th percentile over the samples.
type Interval struct {
	Mean float64 `json:"mean"`
	P5   float64 `json:"p5"`
	P95  float64 `json:"p95"`
}

// ZoneVolume is the volume of one structure over the samples, in millilitres: of each sample's
// hard (arg max) segmentation. WG is TZ ∪ PZ.
type ZoneVolume struct {
	Zone string   `json:"zone"` // "WG", "TZ", "PZ" or "csPCa"
	ML   Interval `json:"ml"`
}

// Lesion is one csPCa candidate, found in the mean probability map as picai_eval's dynamic
// extraction does (Report-Guided Annotation, Bosma et al. 2023; see PICAIRule of package metrics). It is present in a
// sample whose probability reaches half of Confidence at one of its voxels or more.
type Lesion struct {
	ID         int       `json:"id"`           // 1 is the most confident
	Confidence float64   `json:"confidence"`   // peak mean probability, 0…1
	SE         float64   `json:"confidenceSE"` // standard error of Confidence over the samples; 0 (not known) for a single sample
	P5         float64   `json:"peakP5"`       // 5th percentile over the stored samples of the probability at the peak
	P95        float64   `json:"peakP95"`      // 95th percentile; both 0 where no sample is stored at the peak
	Present    int       `json:"present"`      // number of samples in which the candidate is present
	Samples    int       `json:"samples"`      // number of samples that Present was judged on: those stored; 0 where none covers the candidate
	VolumeML   float64   `json:"volumeML"`
	PeakWorld  geom.Vec3 `json:"peakWorldLPSmm"`
	PeakVoxel  [3]int    `json:"peakVoxel"` // (i, j, k) on the model grid
	Voxels     []int32   `json:"-"`         // offsets on the model grid, i fastest, ascending
}

// Prediction is the result of sampling, or a snapshot of it, on the model's own grid. Immutable.
type Prediction struct {
	Card             modelcard.Card
	ModelSHA         string // SHA-256 of the model file, hex
	Seed             uint64
	Samples          int // drawn so far
	Requested        int
	Stop             StopReason
	StopNote         string // the convergence criterion and its figures, in words
	Stability        Stability
	Device           string // what actually ran it, e.g. "CPU (ONNX Runtime 1.27.0)"
	SecondsPerSample float64

	Grid              geom.Grid
	Mean              []*volume.Volume // per class, background first: mean probability
	SD                []*volume.Volume // per class: standard deviation over the samples (population, divided by n)
	Entropy           *volume.Volume   // nats: H of the mean probabilities (predictive, total)
	ExpectedEntropy   *volume.Volume   // nats: mean over samples of H (aleatoric part)
	MutualInformation *volume.Volume   // nats: Entropy − ExpectedEntropy (epistemic part)
	Hard              *volume.Mask     // arg max of Mean: class indices
	Store             *SampleStore     // per-sample probabilities round the gland; may be nil in snapshots
	Volumes           []ZoneVolume
	Lesions           []Lesion
	Issues            []exam.Issue   // what preparation found, carried with the result
	Changes           []DeviceChange // of device during the run: where one failed, another took over
	Fallbacks         []string       // operators that ran on the CPU although another device was used, as [Model.Fallbacks]
	Moved             []prep.Moved   // images that were displaced before the network saw them
}
