package study

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bayeslice/internal/evaluate"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/study/findings"
	"bayeslice/training/loss"
)

// ErrNothing marks a study of which no element is done, so that there is nothing to report.
var ErrNothing = errors.New("study: nothing to report yet")

// Names of the files of a report.
const (
	ReportPage  = "report.html"
	ReportTable = "table.csv"
	ReportJSON  = "results.json"
	PooledName  = "pooled" // folder of the pooled results, a file for each task and loss
)

// Report is what a study amounts to so far. It is plain data, and immutable once made.
type Report struct {
	Format      int                   `json:"format"`
	Study       string                `json:"study"`
	Program     string                `json:"program"`
	Time        string                `json:"time,omitempty"` // RFC 3339
	ResearchUse string                `json:"researchUse,omitempty"`
	Elements    int                   `json:"elements"`
	Done        int                   `json:"done"`
	Missing     []Missing             `json:"missing"` // configurations that are not complete
	Figures     []Figure              `json:"figures"`
	Comparisons []evaluate.Comparison `json:"comparisons"`
	Findings    []findings.Finding    `json:"findings"`

	pooled []*evaluate.Result
}

// Missing is a configuration of which elements are not done.
type Missing struct {
	Task  modelcard.Task `json:"task"`
	Loss  loss.Kind      `json:"loss"`
	Names []string       `json:"names"` // of the elements
	Of    int            `json:"of"`    // elements that the configuration has
}

// Figure is one figure of one configuration over all its observations, with the paper's beside it.
type Figure struct {
	Task         modelcard.Task `json:"task"`
	Loss         loss.Kind      `json:"loss"`
	Name         string         `json:"name"`
	Observations int            `json:"observations"`   // exams × runs
	Band         *metrics.Band  `json:"band,omitempty"` // missing where the figure does not exist
	Paper        *PaperFigure   `json:"paper,omitempty"`
}

// reportFormat is the version of the report's results.json.
const reportFormat = 1

// WriteReport makes the report of the elements that are done and writes it into the folder of the study: report.html, table.csv,
// results.json last, and the pooled result of each task and loss. It fails with [ErrNothing] where none is done,
// [evaluate.ErrResult] where results do not go together, the file system's error, or ctx's.
func (s *Study) WriteReport(ctx context.Context, o Options) (*Report, error) {
	r, err := s.MakeReport(ctx, o)
	if err != nil {
		return nil, err
	}
	dir := s.Report()
	if err := os.MkdirAll(filepath.Join(dir, PooledName), 0o750); err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	page, err := evaluate.Page(r.pooled, r.Comparisons, s.tables(r)...)
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(dir, ReportPage), page); err != nil {
		return nil, err
	}
	for _, p := range r.pooled {
		if err := writeJSON(filepath.Join(dir, PooledName, configuration(p.Task, loss.Kind(p.Name))+".json"), p); err != nil {
			return nil, err
		}
	}
	if err := codec.WriteFile(filepath.Join(dir, ReportTable), r.writeTable); err != nil {
		return nil, fmt.Errorf("study: %w", err)
	}
	return r, writeJSON(filepath.Join(dir, ReportJSON), r)
}

// MakeReport joins what is done over runs and folds, compares the losses, and judges the paper's findings. It fails as
// [Study.WriteReport].
func (s *Study) MakeReport(ctx context.Context, o Options) (*Report, error) {
	r := &Report{Format: reportFormat, Study: s.file.Name, Program: o.Program, ResearchUse: o.Use, Elements: len(s.elements), Missing: []Missing{}}
	if now := o.now(); !now.IsZero() {
		r.Time = now.UTC().Format(time.RFC3339)
	}
	v := s.file.Evaluation
	boot := metrics.Bootstrap{Rounds: v.BootstrapRounds, Seed: v.Seed}
	for _, task := range s.file.Tasks {
		for _, kind := range s.file.Losses {
			if err := s.pool(ctx, r, task, kind, boot); err != nil {
				return nil, err
			}
		}
	}
	if r.Done == 0 {
		return nil, fmt.Errorf("%w: none of its %d elements is done; run the study first", ErrNothing, r.Elements)
	}
	var err error
	if r.Comparisons, err = evaluate.Compare(ctx, r.pooled, metrics.Permutation{Rounds: v.PermutationRounds, Seed: v.Seed}); err != nil {
		return nil, err
	}
	r.Findings, err = findings.Judge(ctx, r.pooled, boot)
	return r, err
}

// pool adds what is done of a configuration.
func (s *Study) pool(ctx context.Context, r *Report, task modelcard.Task, kind loss.Kind, b metrics.Bootstrap) error {
	var parts []evaluate.Part
	missing := Missing{Task: task, Loss: kind}
	for _, e := range s.elements {
		if e.Task != task || e.Loss != kind {
			continue
		}
		missing.Of++
		if !s.done(e) {
			missing.Names = append(missing.Names, e.Name())
			continue
		}
		one, err := evaluate.ReadResult(s.evaluation(e))
		if err != nil {
			return fmt.Errorf("%w; remove the folder %s and run the study again, which evaluates that network anew", err, s.evaluation(e))
		}
		parts = append(parts, evaluate.Part{Run: e.Run + 1, Fold: e.Fold + 1, Result: one})
	}
	if len(missing.Names) > 0 {
		r.Missing = append(r.Missing, missing)
	}
	if len(parts) == 0 {
		return nil
	}
	pooled, err := evaluate.Pool(ctx, parts, b)
	if err != nil {
		return err
	}
	pooled.Program, pooled.Time, pooled.ResearchUse = r.Program, r.Time, r.ResearchUse
	r.Done += len(parts)
	r.pooled = append(r.pooled, pooled)
	for _, f := range figuresOf(pooled) {
		out := Figure{Task: task, Loss: kind, Name: f.name, Observations: pooled.Exams, Band: f.band}
		if p, ok := paperFigure(task, f.name, kind); ok {
			out.Paper = &p
		}
		r.Figures = append(r.Figures, out)
	}
	return nil
}

// configuration names a task and a loss in names of files.
func configuration(task modelcard.Task, kind loss.Kind) string {
	return fmt.Sprintf("%s-%s", task, strings.ReplaceAll(strings.ToLower(string(kind)), "+", "-"))
}

// tables are what the page shows besides the figures of its configurations.
func (s *Study) tables(r *Report) []evaluate.Table {
	out := []evaluate.Table{s.file.table()}
	if t := r.missingTable(); len(t.Rows) > 0 {
		out = append(out, t)
	}
	out = append(out, r.paperTable(s.file.Losses))
	return append(out, findings.Tables(r.Findings)...)
}

// table says what a study does, a column for each task.
func (f File) table() evaluate.Table {
	t := evaluate.Table{Title: "Study “" + f.Name + "”", Header: []string{""},
		Remark: fmt.Sprintf("%d losses × %d runs × %d folds for each task; the paper: 4 × 3 × 5. Every run has folds, weights, noise and an order of exams of its own, the same for every loss and task.", len(f.Losses), f.Runs, f.Folds)}
	rows := [][]string{{"Cohort"}, {"Network"}, {"Training"}, {"Evaluation"}}
	for _, task := range f.Tasks {
		c, x, e := f.Cohort[task], f.Training[task], f.Evaluation
		t.Header = append(t.Header, string(task))
		exams := "a folder of exams with masks"
		if c.Kind == Generated {
			exams = fmt.Sprintf("%d generated exams, each labelled by one of %d simulated readers, %g %% of the foci ambiguous; seed %d", c.Exams, c.Readers, 100*c.Ambiguous, c.Seed)
		}
		for n, text := range []string{
			exams,
			fmt.Sprintf("preset %s, dropout %g, β %g", x.Preset, x.Dropout, x.Beta),
			fmt.Sprintf("%d steps of batch %d, learning rate %g to %g, seed %d on", x.Steps, x.Batch, x.Rate, x.RateTo, f.Seed),
			fmt.Sprintf("mean of %d executions; bands of %d rounds by patient, tests of %d exchanges, seed %d", e.Samples, e.BootstrapRounds, e.PermutationRounds, e.Seed),
		} {
			rows[n] = append(rows[n], text)
		}
	}
	t.Rows = rows
	return t
}

// missingTable says what the report lacks.
func (r *Report) missingTable() evaluate.Table {
	t := evaluate.Table{Title: fmt.Sprintf("Not complete: %d of %d trainings are done", r.Done, r.Elements), Header: []string{"Configuration", "Missing", "Which"},
		Remark: "Figures are of what is done; losses are compared on the observations that they have in common. Run the study again to complete it."}
	for _, m := range r.Missing {
		names := m.Names
		if len(names) > 4 {
			names = append(slices.Clone(names[:4]), fmt.Sprintf("and %d more", len(m.Names)-4))
		}
		t.Rows = append(t.Rows, []string{fmt.Sprintf("%s, %s", m.Task, m.Loss), fmt.Sprintf("%d of %d", len(m.Names), m.Of), strings.Join(names, ", ")})
	}
	return t
}

// paperTable puts the figures that the paper's text gives beside those of this study, a row for each figure.
func (r *Report) paperTable(losses []loss.Kind) evaluate.Table {
	t := evaluate.Table{Title: "The paper's figures and ours", Header: []string{"", "The paper"}}
	for _, l := range losses {
		t.Header = append(t.Header, string(l)+" here")
	}
	var sentences []string
	for _, p := range PaperFigures() {
		if n := slices.IndexFunc(t.Rows, func(row []string) bool { return row[0] == p.Figure }); n >= 0 {
			t.Rows[n][1] += "; " + saidOf(p)
			continue
		}
		row, there := []string{p.Figure, saidOf(p)}, false
		for _, l := range losses {
			cell := "not done"
			for _, f := range r.Figures {
				if f.Task == p.Task && f.Name == p.Figure && f.Loss == l {
					cell, there = here(f.Band), true
				}
			}
			row = append(row, cell)
		}
		if there {
			t.Rows = append(t.Rows, row)
		}
		if quote := "“" + p.Sentence + "”"; there && !slices.Contains(sentences, quote) {
			sentences = append(sentences, quote)
		}
	}
	t.Remark = "Its section 3: " + strings.Join(sentences, "; ") + ". What it shows in Figure 2 alone has no number. The paper: 200 exams of ProstateX and the full-size network. " +
		"Here: the cohort and the network above, so that the order of the losses is to be compared and not the values. In brackets: 95 % bands by patient."
	return t
}

// here is a figure of this study in a cell.
func here(b *metrics.Band) string {
	if b == nil {
		return "none"
	}
	return fmt.Sprintf("%.3f (%.3f to %.3f)", b.Value, b.Low, b.High)
}

// saidOf is a figure of the paper with the losses that it is of.
func saidOf(p PaperFigure) string {
	var names []string
	for _, l := range p.Losses {
		names = append(names, string(l))
	}
	return fmt.Sprintf("%s %s", strings.Join(names, ", "), span(p))
}

// span is a number of the paper, or from which to which.
func span(p PaperFigure) string {
	if p.Low == p.High {
		return fmt.Sprintf("%.2f", p.Low)
	}
	return fmt.Sprintf("%.2f to %.2f", p.Low, p.High)
}

// writeTable writes a line for each figure of each configuration; what does not exist is empty.
func (r *Report) writeTable(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write([]string{"task", "loss", "figure", "value", "band_low", "band_high", "observations", "paper_low", "paper_high", "paper_sentence"}); err != nil {
		return err
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }
	for _, f := range r.Figures {
		line := []string{string(f.Task), string(f.Loss), f.Name, "", "", "", strconv.Itoa(f.Observations), "", "", ""}
		if f.Band != nil {
			line[3], line[4], line[5] = number(f.Band.Value), number(f.Band.Low), number(f.Band.High)
		}
		if f.Paper != nil {
			line[7], line[8], line[9] = number(f.Paper.Low), number(f.Paper.High), f.Paper.Sentence
		}
		if err := c.Write(line); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return writeFile(path, append(text, '\n'))
}

func writeFile(path string, text []byte) error {
	err := codec.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}

// Summary are the findings in the order of the paper, for a terminal: a line each.
func (r *Report) Summary() []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s: %s", f.Title, cmp.Or(string(f.Verdict), "not tested")))
	}
	return out
}
