package inference

import (
	"fmt"
	"math"
	"strings"

	"bayeslice/internal/metrics"
)

// Convergence says when further samples would no longer change what is read from the maps. All
// three limits must hold. The zero value means [DefaultConvergence].
type Convergence struct {
	MinSamples int     // never stop before
	LesionSE   float64 // standard error of each lesion candidate's confidence, probability
	VolumeSE   float64 // standard error of each zone's mean volume, share of the volume, or of SmallZoneML
	Flips      float64 // voxels of another arg max than Window samples ago, share of the foreground, or of SmallZoneML
	Window     int     // samples
}

// DefaultConvergence stops after eight samples or more, when every candidate's confidence is known
// to a standard error of 0.02, every zone's volume to 1 %, and fewer than 0.5 % of the foreground
// voxels have changed their label over the last four samples.
func DefaultConvergence() Convergence {
	return Convergence{MinSamples: 8, LesionSE: 0.02, VolumeSE: 0.01, Flips: 0.005, Window: 4}
}

// SmallZoneML is the volume of which shares are taken where a zone is smaller: nobody waits for a lesion of 0.1 mL to be
// known to a microlitre.
const SmallZoneML = 5

// Stability is how far the maps have settled: the quantities that [Convergence] limits.
type Stability struct {
	LesionSE float64 // largest standard error of a candidate's confidence; 1 for a single sample
	VolumeSE float64 // largest standard error of a zone's mean volume, share of it or of SmallZoneML; 1 for a single sample
	Flips    float64 // labels changed over the window, share of the foreground; 1 before the window is full
}

func (c Convergence) holds(n int, s Stability) bool {
	return n >= c.MinSamples && s.LesionSE < c.LesionSE && s.VolumeSE < c.VolumeSE && s.Flips < c.Flips
}

// note writes the figures after n samples and the limits as a sentence. What is not measured is left
// out: the candidates of a model that looks for none, and changes before the window is full.
func (c Convergence) note(s Stability, n int, lesions bool) string {
	var parts []string
	if lesions {
		parts = append(parts, fmt.Sprintf("standard error of the lesion confidences %.3f (limit %.3g)", s.LesionSE, c.LesionSE))
	}
	parts = append(parts, fmt.Sprintf("standard error of the zone volumes %.2f %% (limit %.3g %%)", 100*s.VolumeSE, 100*c.VolumeSE))
	if n > c.Window {
		parts = append(parts, fmt.Sprintf("labels changed over the last %d samples %.3f %% of the foreground (limit %.3g %%)", c.Window, 100*s.Flips, 100*c.Flips))
	}
	return strings.Join(parts, "; ")
}

// labelHistory remembers the arg max of the mean after each of the last few samples.
type labelHistory struct {
	window int
	least  int // voxels that count as the foreground where it is smaller
	ring   [][]uint8
}

// add enters the newest labels (retained), and returns the share of the foreground that differs
// from the labels window samples ago: 1 while those are not known.
func (h *labelHistory) add(hard []uint8) float64 {
	h.ring = append(h.ring, hard)
	if len(h.ring) <= h.window {
		return 1
	}
	before := h.ring[0]
	h.ring = h.ring[1:]
	changed, foreground := 0, 0
	for v, label := range hard {
		if label != before[v] {
			changed++
		}
		if label != 0 || before[v] != 0 {
			foreground++
		}
	}
	if foreground == 0 {
		return 0
	}
	return float64(changed) / float64(max(foreground, h.least))
}

// worstSE returns the largest standard error of the candidates' confidences, 1 where it is not known.
func worstSE(found []metrics.Candidate, class int, stats *Stats) float64 {
	worst := 0.0
	for _, c := range found {
		worst = math.Max(worst, math.Min(1, stats.StandardError(class, c.Peak)))
	}
	return worst
}
