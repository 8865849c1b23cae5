package findings

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"bayeslice/internal/evaluate"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/training/loss"
)

// Finding is a claim with its verdict. It is plain data, and immutable once made.
type Finding struct {
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Quote   string  `json:"quote"`
	Paper   string  `json:"paper,omitempty"`
	Parts   []Part  `json:"parts"`
	Verdict Verdict `json:"verdict"`
}

// Part is one difference with its verdict.
type Part struct {
	Task       modelcard.Task `json:"task"`
	Figure     string         `json:"figure"`
	Difference string         `json:"difference"`       // "FL less mean of CE, BCE"
	Paper      string         `json:"paper,omitempty"`  // the paper's difference
	Needed     string         `json:"needed"`           // what the band must do for the claim to repeat
	Margin     *float64       `json:"margin,omitempty"` // that counts as no difference, in the figure's unit; missing where it was not tested
	Band       *metrics.Band  `json:"band,omitempty"`   // missing where it was not tested
	Verdict    Verdict        `json:"verdict"`
	Missing    string         `json:"missing,omitempty"` // why it was not tested
}

// Judge tests all [Claims] on results, one for each task and loss, named as losses are ("CE", "BCE", "FL", "DB"); others
// are not looked at. What is missing is not tested and says why. The seed of b fixes every band. It fails with
// [evaluate.ErrResult] where two results of one task and loss are given, or results do not go together, with
// [evaluate.ErrSettings] for a bootstrap that is none, and with ctx's error. It takes some seconds for 600
// observations of four losses.
func Judge(ctx context.Context, results []*evaluate.Result, b metrics.Bootstrap) ([]Finding, error) {
	j := judge{results: map[key]*evaluate.Result{}, boot: b}
	for _, r := range results {
		k := key{r.Task, loss.Kind(r.Name)}
		if j.results[k] != nil {
			return nil, fmt.Errorf("%w: two results of %s are called %q; pool them first", evaluate.ErrResult, r.Task, r.Name)
		}
		j.results[k] = r
	}
	var out []Finding
	for _, c := range Claims() {
		f := Finding{ID: c.ID, Title: c.Title, Quote: c.Quote, Paper: c.Paper}
		for _, t := range c.Tests {
			p, err := j.part(ctx, t)
			if err != nil {
				return nil, fmt.Errorf("findings: %s, %s of %s: %w", c.ID, t.Figure, t.Difference(), err)
			}
			f.Parts = append(f.Parts, p)
		}
		f.Verdict = together(f.Parts)
		out = append(out, f)
	}
	return out, nil
}

type key struct {
	task modelcard.Task
	loss loss.Kind
}

type judge struct {
	results map[key]*evaluate.Result
	boot    metrics.Bootstrap
}

// part tests one difference.
func (j *judge) part(ctx context.Context, t Test) (Part, error) {
	p := Part{Task: t.Task, Figure: t.Figure, Difference: t.Difference(), Paper: t.Paper, Needed: t.Rule.Words(), Verdict: NotTested}
	var results []*evaluate.Result
	var weights, subtracted []float64
	for n, group := range [][]loss.Kind{t.Of, t.Less} {
		for _, l := range group {
			r := j.results[key{t.Task, l}]
			if r == nil {
				p.Missing = fmt.Sprintf("there is no result of %s with %s", t.Task, l)
				return p, nil
			}
			results = append(results, r)
			weights = append(weights, []float64{1, -1}[n]/float64(len(group)))
			subtracted = append(subtracted, []float64{0, 1}[n]/float64(len(group)))
		}
	}
	band, err := evaluate.Contrast(ctx, t.Figure, results, weights, j.boot)
	margin := t.Rule.Margin
	if err == nil && t.Rule.Relative {
		var size metrics.Band
		size, err = evaluate.Contrast(ctx, t.Figure, results, subtracted, metrics.Bootstrap{Rounds: 1})
		margin *= math.Abs(size.Value)
	}
	if errors.Is(err, metrics.ErrUndefined) {
		p.Missing = "the figure does not exist for these data"
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.Band, p.Margin, p.Verdict = &band, &margin, t.Rule.Judge(band, margin)
	return p, nil
}

// Tables are the findings as two tables of a page: a row for each with its verdict, and a row for each difference that
// was tested.
func Tables(found []Finding) []evaluate.Table {
	short := evaluate.Table{Title: "What the paper found", Header: []string{"", "Finding", "The paper says", "Its figures", "Here"},
		Remark: "Rules and margins are fixed in the program (docs/evaluation.md). A finding of several parts repeats where every part does; undecided is what the data are too few for."}
	long := evaluate.Table{Title: "How it was tested", Header: []string{"", "Task", "Figure", "Difference", "The paper", "Here (95 % band)", "Margin", "Needed", "Verdict"}, Folded: true,
		Remark: "Bands are by patient and not corrected for their number."}
	for _, f := range found {
		short.Rows = append(short.Rows, []string{f.ID, f.Title, "“" + f.Quote + "”", f.Paper, summary(f)})
		for _, p := range f.Parts {
			here, margin := p.Missing, ""
			if p.Band != nil {
				n := decimals(*p.Band)
				margin = "±" + strings.TrimPrefix(signed(*p.Margin, n), "+")
				here = fmt.Sprintf("%s (%s to %s)", signed(p.Band.Value, n), signed(p.Band.Low, n), signed(p.Band.High, n))
			}
			long.Rows = append(long.Rows, []string{f.ID, string(p.Task), p.Figure, p.Difference, dash(p.Paper), here, dash(margin), p.Needed, string(p.Verdict)})
		}
	}
	return []evaluate.Table{short, long}
}

// inParts says of a number of differences what came out.
var inParts = []struct {
	verdict Verdict
	words   string
}{{Repeats, "as the paper says"}, {DoesNotRepeat, "not so"}, {Opposite, "opposite"}, {Undecided, "undecided"}, {NotTested, "not tested"}}

// summary is the verdict, with how many parts came out how where these differ.
func summary(f Finding) string {
	var parts []string
	for _, v := range inParts {
		n := 0
		for _, p := range f.Parts {
			if p.Verdict == v.verdict {
				n++
			}
		}
		if n > 0 && n < len(f.Parts) {
			parts = append(parts, fmt.Sprintf("%d %s", n, v.words))
		}
	}
	if len(parts) == 0 {
		return string(f.Verdict)
	}
	return fmt.Sprintf("%s; of %d differences %s", f.Verdict, len(f.Parts), strings.Join(parts, ", "))
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// decimals is three, or as many as show two figures of the wider end of a narrow band. What is less than a millionth is rounding.
func decimals(b metrics.Band) int {
	if wide := max(math.Abs(b.Low), math.Abs(b.High)); wide >= 1e-6 && wide < 0.01 {
		return min(int(math.Ceil(-math.Log10(wide)))+1, 7)
	}
	return 3
}

// signed is a number with a sign, and none of 0.
func signed(v float64, decimals int) string {
	text := fmt.Sprintf("%+.*f", decimals, v)
	if strings.Trim(text, "+-0.") == "" {
		text = strings.TrimLeft(text, "+-")
	}
	return strings.Replace(text, "-", "−", 1)
}
