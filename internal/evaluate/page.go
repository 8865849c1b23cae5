package evaluate

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"

	"bayeslice/internal/evaluate/chart"
	"bayeslice/internal/metrics"
	"bayeslice/internal/modelcard"
)

//go:embed page.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// pageData is what the template shows.
type pageData struct {
	Title, Program, Time, ResearchUse string
	Without                           string
	Legend                            []legendEntry
	Panels, Calibration               []panel
	Figures3                          []figure3
	First                             []Table
	Tables                            []figureTable
	Comparisons                       []comparisonTable
	Cohorts                           []cohort
}

type legendEntry struct {
	Swatch template.HTML
	Name   string
}

// panel is one figure of the page. Lines stand under it, one per configuration.
type panel struct {
	Letter  string
	SVG     template.HTML
	Caption string
	Lines   []panelLine
	Missing string // a sentence instead of a figure
}

type panelLine struct {
	Swatch template.HTML
	Text   string
}

// figureTable is figures by configuration.
type figureTable struct {
	Title  string
	Names  []string
	Rows   []tableRow
	Remark string
}

type tableRow struct {
	Figure string
	Cells  []string
}

type comparisonTable struct {
	Title string
	Rows  []tableRow
}

// Table is one more table of a page, such as what a study found. Every row has a cell for each of the header; the first is
// the row's name. Texts are plain.
type Table struct {
	Title, Remark string
	Header        []string
	Rows          [][]string
	Folded        bool // shown where the reader asks for it
}

// cohort is what was evaluated.
type cohort struct {
	Name, Facts string
	Undefined   []string
	Problems    []Problem
	Header      []string
	Rows        [][]string
}

// Page makes one self-contained HTML page: the given tables, the panels of the paper's Figure 2 (a, b: negative
// log-likelihood; c, d: soft and hard Dice; e: ROC of patients; f: FROC of lesions with bands) and of its Figure 3 where
// results hold examples, curves of calibration, tables of all figures, comparisons, which may be nil, and what was left out. Results of one name are one configuration, of which anatomy and
// diagnosis stand in one figure. It holds no script and loads nothing. It fails with [ErrSettings] without a result,
// with [ErrResult] where two of one task have one name, and with chart.ErrChart.
func Page(results []*Result, c []Comparison, tables ...Table) ([]byte, error) {
	names, err := configurations(results)
	if err != nil {
		return nil, err
	}
	d := drawing{results: results, names: names}
	page := pageData{Title: "Evaluation", Program: results[0].Program, Time: results[0].Time, ResearchUse: results[0].ResearchUse}
	if len(names) == 1 && names[0] != "" {
		page.Title += " of " + names[0]
	} else if len(names) > 1 {
		page.Title = "Comparison of " + strings.Join(names, ", ")
		for n, name := range names {
			page.Legend = append(page.Legend, legendEntry{template.HTML(chart.Swatch(n)), name})
		}
	}
	if page.Panels, err = d.figure2(); err != nil {
		return nil, err
	}
	if page.Calibration, err = d.reliability(); err != nil {
		return nil, err
	}
	if page.Figures3, err = d.figures3(); err != nil {
		return nil, err
	}
	page.First, page.Without, page.Tables = tables, d.without(), d.tables()
	for _, x := range c {
		page.Comparisons = append(page.Comparisons, comparisonOf(x))
	}
	for _, r := range results {
		page.Cohorts = append(page.Cohorts, cohortOf(r))
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, page); err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return b.Bytes(), nil
}

// configurations lists the names of results, each once.
func configurations(results []*Result) ([]string, error) {
	if len(results) == 0 {
		return nil, fmt.Errorf("%w: there is no result to show", ErrSettings)
	}
	var names []string
	seen := map[string]bool{}
	for _, r := range results {
		key := string(r.Task) + "\x00" + r.Name
		if seen[key] {
			return nil, fmt.Errorf("%w: two results of %s are called %q; evaluate one of them with another name", ErrResult, r.Task, r.Name)
		}
		seen[key] = true
		if !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names, nil
}

// tables are all figures by configuration, one table for each task.
func (d *drawing) tables() []figureTable {
	var out []figureTable
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		of := d.of(task)
		if len(of) == 0 {
			continue
		}
		t := figureTable{Title: "Anatomy: zones of the prostate", Remark: fmt.Sprintf("Mean over exams with its band in brackets, by patients drawn anew. Volume difference is predicted less reference. Entropy is that of voxels within %g mm of a border of the reference. The polarised share is of the predicted segment's voxels those whose probability is 0.9 or more.", metrics.BorderMM)}
		if task == modelcard.Diagnosis {
			t.Title = "Diagnosis: clinically significant cancer"
			t.Remark += fmt.Sprintf(" The partial area lies between %g and %g false positives per exam and is at most %.1f. Dice of an exam in which nothing is and nothing was found counts as 1.", metrics.PartialFrom, metrics.PartialTo, metrics.PartialTo-metrics.PartialFrom)
		}
		for _, x := range of {
			t.Names = append(t.Names, d.label(x.result))
		}
		t.Rows = tableRows(task, of)
		out = append(out, t)
	}
	return out
}

// label is a configuration's name in words.
func (d *drawing) label(r *Result) string {
	if r.Name == "" {
		return "value"
	}
	return r.Name
}

func tableRows(task modelcard.Task, of []placed) []tableRow {
	var rows []tableRow
	add := func(name string, get func(*Result) *metrics.Band) {
		row := tableRow{Figure: name}
		for _, x := range of {
			row.Cells = append(row.Cells, bandText(get(x.result)))
		}
		rows = append(rows, row)
	}
	calibration := func(get func(*CalibrationResult) *metrics.Band) func(*Result) *metrics.Band {
		return func(r *Result) *metrics.Band {
			if r.Calibration == nil {
				return nil
			}
			return get(r.Calibration)
		}
	}
	add("Negative log-likelihood (nats) ↓", calibration(func(c *CalibrationResult) *metrics.Band { return c.NLL }))
	add("Brier score ↓", calibration(func(c *CalibrationResult) *metrics.Band { return c.Brier }))
	add("Expected calibration error ↓", calibration(func(c *CalibrationResult) *metrics.Band { return c.ECE }))
	add("Entropy near borders (nats)", func(r *Result) *metrics.Band {
		if r.Border == nil {
			return nil
		}
		return r.Border.Near
	})
	for n, s := range structures[task] {
		add(s.name+" soft Dice ↑", func(r *Result) *metrics.Band { return r.Structures[n].SoftDice })
		add(s.name+" hard Dice ↑", func(r *Result) *metrics.Band { return r.Structures[n].HardDice })
		add(s.name+" HD95 (mm) ↓", func(r *Result) *metrics.Band { return r.Structures[n].HD95 })
		add(s.name+" ASSD (mm) ↓", func(r *Result) *metrics.Band { return r.Structures[n].ASSD })
		add(s.name+" volume difference (mL)", func(r *Result) *metrics.Band { return r.Structures[n].DifferenceML })
		add(s.name+" polarised share", func(r *Result) *metrics.Band { return r.Structures[n].Polarised })
	}
	if task == modelcard.Diagnosis {
		add("AUROC of patients ↑", func(r *Result) *metrics.Band { return r.Detection.AUROC })
		add("Average precision of lesions ↑", func(r *Result) *metrics.Band { return r.Detection.AP })
		add("PI-CAI score, mean of both ↑", func(r *Result) *metrics.Band { return r.Detection.Score })
		add("Partial area under FROC ↑", func(r *Result) *metrics.Band { return r.Detection.PartialArea })
		add("Maximum sensitivity ↑", func(r *Result) *metrics.Band { return r.Detection.MaxSensitivity })
	}
	reader := func(get func(*ReadersResult) *metrics.Band) func(*Result) *metrics.Band {
		return func(r *Result) *metrics.Band {
			if r.Readers == nil {
				return nil
			}
			return get(r.Readers)
		}
	}
	if slices.ContainsFunc(of, func(x placed) bool { return x.result.Readers != nil }) {
		add("Squared difference from the readers' shares ↓", reader(func(r *ReadersResult) *metrics.Band { return r.MSE }))
		add("The same where readers differ ↓", reader(func(r *ReadersResult) *metrics.Band { return r.DisputedMSE }))
		add("Unsure where readers differ ↑", reader(func(r *ReadersResult) *metrics.Band { return r.Unsure }))
	}
	return rows
}

// bandText is a figure with its band, "–" where it does not exist.
func bandText(b *metrics.Band) string {
	if b == nil {
		return "–"
	}
	n := decimals(b.Value)
	return fmt.Sprintf("%s (%s to %s)", fixed(b.Value, n), fixed(b.Low, n), fixed(b.High, n))
}

// digits is a number with as many figures after the point as decimals says.
func digits(v float64) string { return fixed(v, decimals(v)) }

// decimals is three, or as many as show two figures of a small number.
func decimals(v float64) int {
	if v = math.Abs(v); v == 0 || v >= 0.01 {
		return 3
	}
	return min(int(math.Ceil(-math.Log10(v)))+1, 9)
}

func fixed(v float64, decimals int) string {
	text := fmt.Sprintf("%.*f", decimals, v)
	if strings.Trim(text, "-0.") == "" {
		text = strings.TrimPrefix(text, "-")
	}
	return strings.Replace(text, "-", "−", 1)
}

func comparisonOf(c Comparison) comparisonTable {
	t := comparisonTable{Title: fmt.Sprintf("%s: %s less %s, %d exams", taskName(c.Task), c.Second, c.First, c.Exams)}
	for _, f := range c.Tests {
		p := fmt.Sprintf("%.4f", f.P)
		switch {
		case f.P < 0.0001:
			p = "< 0.0001"
		case f.P == 1:
			p = "1"
		}
		how := fmt.Sprintf("%d drawn", f.Rounds)
		if f.Exact {
			how = fmt.Sprintf("all %d", f.Rounds)
		}
		t.Rows = append(t.Rows, tableRow{f.Figure, []string{digits(f.Difference), p, how}})
	}
	return t
}

func taskName(t modelcard.Task) string {
	if t == modelcard.Anatomy {
		return "Anatomy"
	}
	return "Diagnosis"
}

func cohortOf(r *Result) cohort {
	c := cohort{Name: strings.TrimSpace(r.Name + " · " + taskName(r.Task)), Problems: r.Problems}
	c.Name = strings.TrimPrefix(c.Name, "· ")
	c.Facts = fmt.Sprintf("%s of %s", count(r.Exams, "exam"), count(r.Patients, "patient"))
	if p := r.Pooled; p != nil {
		c.Facts = fmt.Sprintf("%s of %s, by %s (%s × %s)", count(r.Exams, "observation"), count(r.Patients, "patient"), count(len(p.Parts), "network"), count(p.Runs, "run"), count(p.Folds, "fold"))
	}
	if r.Detection != nil {
		c.Facts += fmt.Sprintf(", %d with a lesion, %s in all", r.Detection.Positives, count(r.Detection.Lesions, "lesion"))
	}
	for _, k := range slices.Sorted(maps.Keys(r.Kinds)) {
		c.Facts += fmt.Sprintf("; read as %s: %d", k, r.Kinds[k])
	}
	s := r.Settings
	if r.Method != "" {
		c.Facts += "; " + r.Method
	}
	c.Facts += fmt.Sprintf(". Bands: %g %%, %d rounds, seed %d.", 100*s.Level, s.Rounds, s.Seed)
	if r.Detection != nil {
		c.Facts += fmt.Sprintf(" A candidate finds a lesion from an IoU of %g on.", s.MinIoU)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Undefined)) {
		c.Undefined = append(c.Undefined, name+": "+r.Undefined[name])
	}
	c.Header, c.Rows = examTable(r)
	return c
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// examTable is the page's table of exams: the figures that are looked at first; exams.csv has all.
func examTable(r *Result) (header []string, rows [][]string) {
	header = []string{"Exam", "NLL"}
	for _, s := range r.Structures {
		header = append(header, s.Name+" Dice", s.Name+" HD95 (mm)", s.Name+" (mL)", "reference (mL)")
	}
	if r.Task == modelcard.Diagnosis {
		header = append(header, "Score", "Lesions", "found", "false positives")
	}
	optional := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return digits(*v)
	}
	for _, row := range r.Rows {
		line := []string{row.ID, "–"}
		if row.Calibration != nil {
			line[1] = digits(row.Calibration.NLL)
		}
		for _, s := range row.Structures {
			line = append(line, digits(s.HardDice), optional(s.HD95), fmt.Sprintf("%.2f", s.PredictedML), fmt.Sprintf("%.2f", s.ReferenceML))
		}
		if l := row.Lesions; l != nil {
			found, wrong := l.count()
			line = append(line, digits(l.Score), fmt.Sprint(l.Lesions), fmt.Sprint(found), fmt.Sprint(wrong))
		}
		rows = append(rows, line)
	}
	return header, rows
}
