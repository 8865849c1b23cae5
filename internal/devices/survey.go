package devices

import (
	"context"
	"fmt"

	"bayeslice/internal/onnx/graph"
	"bayeslice/internal/ort"
)

// Survey is what is known of one graph on the devices of this machine.
type Survey struct {
	// Candidates are compared, the CPU first. Those that were not measured yet have neither seconds nor a problem.
	Candidates []Measurement
	// Chosen is what [Set.Open] takes; zero until all candidates are measured, unless there is but one.
	Chosen Choice
	Why    string // why that is chosen, or nothing yet: the end of a sentence
}

// Survey says what is known of a graph, and why it would run where; with measure, after measuring what was not measured yet, the CPU even
// where there is nothing to choose from. It fails as [Set.Open] does, the candidates beside it where they are known.
func (s *Set) Survey(ctx context.Context, g *graph.Graph, u Use, measure bool) (Survey, error) {
	asked := s.Asked(u)
	candidates, err := s.candidates(asked, u)
	if err != nil {
		return Survey{}, err
	}
	s.measure.Lock()
	defer s.measure.Unlock()
	table := s.table(g, u)
	if missing := table.missing(candidates); measure && s.o.Clock != nil && len(missing) > 0 {
		if err := s.measureAll(ctx, table, g, u, missing); err != nil {
			return Survey{}, err
		}
	}
	var out Survey
	for _, c := range candidates {
		m := Measurement{Choice: c}
		if i := table.find(c); i >= 0 {
			m = table.Measured[i]
		}
		out.Candidates = append(out.Candidates, m)
	}
	switch best, ok := table.best(asked, candidates); {
	case len(candidates) == 1:
		out.Chosen, out.Why = candidates[0], "nothing else can be used here"
		if asked == ort.CPU {
			out.Why = "it was asked for"
		}
	case len(table.missing(candidates)) > 0:
		out.Why = "not every device was measured for it yet"
	case !ok:
		return out, table.refusal(asked)
	default:
		out.Chosen, out.Why = best, out.reason(asked, best)
	}
	return out, nil
}

// reason says why one of several candidates is chosen, all of which were measured.
func (v Survey) reason(asked ort.Provider, best Choice) string {
	switch {
	case asked != ort.Auto:
		return "it was asked for"
	case best.Provider == ort.CPU:
		return fmt.Sprintf("no other device that can be used is more than %.0f %% faster", 100*(1-worthIt))
	}
	for _, m := range v.Candidates {
		if m.Choice == best && m.Seconds > 0 {
			return fmt.Sprintf("it is %.2g times as fast as the CPU", v.Candidates[0].Seconds/m.Seconds)
		}
	}
	return "it is the fastest"
}
