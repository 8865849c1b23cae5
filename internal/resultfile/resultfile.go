// Package resultfile keeps predictions on the disk, so that what was sampled once is back at once and bit for bit:
// the maps as the float32 values that they are, the samples as the bytes that the store holds, the figures as JSON.
//
// A file is a ZIP archive with an index.json (version and one record for each prediction) and, for each
// prediction, its maps and samples. Each prediction is found by [Key]: what the network saw, which network, which
// seed and how many samples. Names, paths and identifiers of a patient are not in it; what is in it are
// probabilities on the model's grid. Files can be read by their owner alone.
package resultfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
)

// ErrResults marks a file of results that cannot be used or written, in whole or in part. What it was to hold can
// be sampled again.
var ErrResults = errors.New("resultfile: unusable results")

// version is the version of the files written here. Another one is not read: results can be sampled again.
const version = 1

// Beside returns where the results of the session file at path lie.
func Beside(path string) string { return path + ".results" }

// Key says what a prediction is of. Equal keys mean equal predictions, but for rounding on another device.
type Key struct {
	Inputs  string `json:"inputs"`      // [InputSum]
	Model   string `json:"model"`       // SHA-256 of the model file, hex
	Seed    uint64 `json:"seed,string"` // as text, since JSON's numbers end at 2⁵³
	Samples int    `json:"samples"`     // that were drawn
}

// Kept is a prediction and the sum of what the network saw.
type Kept struct {
	Inputs     string // [InputSum]
	Prediction *inference.Prediction
}

// Key returns what the prediction is found by.
func (k Kept) Key() Key {
	p := k.Prediction
	return Key{k.Inputs, p.ModelSHA, p.Seed, p.Samples}
}

// InputSum returns a SHA-256 in hex of everything that a model's input is made of: the grid of the T2W image, and
// for each channel of the recipe the image in its role, voxel by voxel, with its grid, its unit, and how far it is
// moved. ok is false where the exam has no image for a channel.
func InputSum(e *exam.Exam, r prep.Recipe, moved []prep.Moved) (sum string, ok bool) {
	h := sha256.New()
	t2w := e.Chosen(exam.T2W)
	if t2w == nil || t2w.Volume == nil {
		return "", false
	}
	fmt.Fprintln(h, "T2W", t2w.Volume.Grid())
	by := map[string]geom.Vec3{}
	for _, m := range moved {
		by[m.Series] = m.MM
	}
	for _, c := range r.Channels {
		s := e.Chosen(c.ExamRole())
		if s == nil || s.Volume == nil {
			return "", false
		}
		fmt.Fprintf(h, "%s %v %q %v\n", c.Role, s.Volume.Grid(), s.Volume.Unit(), by[s.ID])
		_ = codec.WriteValues(h, s.Volume.Data(), codec.Float32) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil)), true
}

// index is index.json.
type index struct {
	Version int      `json:"version"`
	Results []record `json:"results"`
}

// record is a prediction without its maps and samples.
type record struct {
	Key
	Card             modelcard.Card         `json:"card"`
	Requested        int                    `json:"requested"`
	Stop             inference.StopReason   `json:"stop"`
	StopNote         string                 `json:"stopNote"`
	Stability        inference.Stability    `json:"stability"`
	Device           string                 `json:"device"`
	SecondsPerSample float64                `json:"secondsPerSample"`
	Grid             geom.Grid              `json:"grid"`
	Store            *box                   `json:"store,omitempty"` // nil: no samples are kept
	Volumes          []inference.ZoneVolume `json:"volumes"`
	Lesions          []lesion               `json:"lesions,omitempty"`
	Issues           []exam.Issue           `json:"issues,omitempty"`
	Moved            []prep.Moved           `json:"moved,omitempty"`

	Changes   []inference.DeviceChange `json:"deviceChanges,omitempty"`
	Fallbacks []string                 `json:"deviceFallbacks,omitempty"`
}

// box is the shape of the stored samples.
type box struct {
	Lo      [3]int `json:"lo"`
	Hi      [3]int `json:"hi"`
	Samples int    `json:"samples"`
}

// voxels is the number of voxels in the box; 0 where there are none.
func (b box) voxels() int {
	n := 1
	for a := range 3 {
		n *= max(b.Hi[a]-b.Lo[a], 0)
	}
	return n
}

// lesion is a candidate with its voxels, which other files leave out.
type lesion struct {
	inference.Lesion
	Voxels []int32 `json:"voxels"`
}
