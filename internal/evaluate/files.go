package evaluate

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/modelcard"
)

// Names of the files of [WriteFolder] and [WriteComparison].
const (
	ResultFile     = "results.json"
	ExamsFile      = "exams.csv"
	ReportFile     = "report.html"
	ComparisonFile = "comparison.json"
)

// Sentinels of reading and writing.
var (
	// ErrExists: the folder holds an earlier evaluation, and it may not be replaced.
	ErrExists = errors.New("evaluate: the folder holds an earlier evaluation")
	// ErrResult: a results.json is damaged, of a newer program, or does not go with another one.
	ErrResult = errors.New("evaluate: unusable results.json")
)

// maxResultBytes bounds what is read: a wrong file must not fill the memory.
const maxResultBytes = 1 << 30

// maxExamplePixels bounds the sides of an example's pictures.
const maxExamplePixels = 4096

// Ready makes dir where it does not exist, and fails with [ErrExists] where it holds one of the named files and
// overwrite is not set, or with the file system's error.
func Ready(dir string, overwrite bool, names ...string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil && !overwrite {
			return fmt.Errorf("%w: %s", ErrExists, filepath.Join(dir, name))
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("evaluate: %w", err)
		}
	}
	return nil
}

// WriteFolder writes a result as results.json, exams.csv and report.html into dir, which it makes. Each file appears
// whole or not at all, and results.json last. It fails as [Ready] does, with chart.ErrChart, or with the
// file system's error.
func WriteFolder(dir string, r *Result, overwrite bool) error {
	if err := Ready(dir, overwrite, ResultFile, ExamsFile, ReportFile); err != nil {
		return err
	}
	page, err := Page([]*Result{r}, nil)
	if err != nil {
		return err
	}
	if err := writeBytes(filepath.Join(dir, ReportFile), page); err != nil {
		return err
	}
	if err := codec.WriteFile(filepath.Join(dir, ExamsFile), func(w io.Writer) error { return WriteCSV(w, r) }); err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	return writeJSON(filepath.Join(dir, ResultFile), r)
}

// WriteComparison writes the page of several results with their comparison and the given tables, and the comparison as
// JSON, into dir, otherwise as [WriteFolder].
func WriteComparison(dir string, results []*Result, c []Comparison, overwrite bool, tables ...Table) error {
	if err := Ready(dir, overwrite, ComparisonFile, ReportFile); err != nil {
		return err
	}
	page, err := Page(results, c, tables...)
	if err != nil {
		return err
	}
	if err := writeBytes(filepath.Join(dir, ReportFile), page); err != nil {
		return err
	}
	return writeJSON(filepath.Join(dir, ComparisonFile), c)
}

func writeBytes(path string, text []byte) error {
	err := codec.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	return writeBytes(path, append(text, '\n'))
}

// ReadResult reads a results.json, or that of a folder. It fails with [ErrResult], or the operating system's error.
func ReadResult(path string) (*Result, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, ResultFile)
	}
	file, size, err := codec.Open(path)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	if size > maxResultBytes {
		return nil, fmt.Errorf("%w: %s has %d MB; it is none of this program", ErrResult, path, size>>20)
	}
	r := &Result{}
	if err := json.NewDecoder(file).Decode(r); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged (%w); evaluate anew", ErrResult, path, err)
	}
	if text := r.wrong(); text != "" {
		return nil, fmt.Errorf("%w: %s %s", ErrResult, path, text)
	}
	return r, nil
}

// wrong says what keeps a result from being used.
func (r *Result) wrong() string {
	switch {
	case r.Format > Format:
		return fmt.Sprintf("has format %d, this program knows %d; update the program", r.Format, Format)
	case r.Format < 1 || structures[r.Task] == nil || len(r.Rows) == 0 || len(r.Structures) != len(structures[r.Task]):
		return "is no result of an evaluation; choose the results.json that `evaluate` wrote"
	}
	for _, row := range r.Rows {
		if len(row.Structures) != len(structures[r.Task]) || r.Task == modelcard.Diagnosis && row.Lesions == nil {
			return fmt.Sprintf("lacks figures of exam %q; evaluate anew", row.ID)
		}
	}
	if r.Task == modelcard.Diagnosis && r.Detection == nil {
		return "lacks its figures of detection; evaluate anew"
	}
	for _, x := range r.Examples {
		if min(x.Width, x.Height) < 1 || max(x.Width, x.Height) > maxExamplePixels || !(x.PixelMM[0] > 0 && x.PixelMM[1] > 0) {
			return fmt.Sprintf("holds an example of exam %q with %d × %d pixels; evaluate anew", x.Exam, x.Width, x.Height)
		}
	}
	return ""
}

// WriteCSV writes a line for each exam, with a header; what does not exist is empty, and exams left out stand at the end
// with the reason.
func WriteCSV(w io.Writer, r *Result) error {
	c := csv.NewWriter(w)
	header := []string{"exam", "patient", "kind", "nll", "brier", "ece"}
	for _, s := range r.Structures {
		n := strings.ToLower(s.Name)
		header = append(header, n+"_soft_dice", n+"_hard_dice", n+"_hd95_mm", n+"_assd_mm", n+"_predicted_ml", n+"_reference_ml", n+"_difference_ml")
	}
	if r.Task == modelcard.Diagnosis {
		header = append(header, "positive", "score", "lesions", "found", "missed", "candidates", "false_positives")
	}
	for _, s := range r.Structures {
		header = append(header, strings.ToLower(s.Name)+"_polarised")
	}
	header = append(header, "border_entropy", "readers_mse", "readers_disputed_mse", "readers_unsure", "notes", "left_out_because")
	if err := c.Write(header); err != nil {
		return err
	}
	for _, row := range r.Rows {
		if err := c.Write(append(row.cells(), "")); err != nil {
			return err
		}
	}
	for _, p := range r.Problems {
		line := append(make([]string, len(header)-1), p.Text)
		line[0] = p.Exam
		if err := c.Write(safe(line)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// safe keeps a spreadsheet from reading a name as a formula.
func safe(line []string) []string {
	out := slices.Clone(line)
	for i, s := range out {
		if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
			if _, err := strconv.ParseFloat(s, 64); err != nil {
				out[i] = "'" + s
			}
		}
	}
	return out
}

func (r *Row) cells() []string {
	out := []string{r.ID, r.patient(), string(r.Kind)}
	if c := r.Calibration; c != nil {
		out = append(out, number(&c.NLL), number(&c.Brier), number(&c.ECE))
	} else {
		out = append(out, "", "", "")
	}
	for _, s := range r.Structures {
		difference := s.PredictedML - s.ReferenceML
		out = append(out, number(s.SoftDice), number(&s.HardDice), number(s.HD95), number(s.ASSD), number(&s.PredictedML), number(&s.ReferenceML), number(&difference))
	}
	if l := r.Lesions; l != nil {
		found, wrong := l.count()
		out = append(out, strconv.FormatBool(l.Positive), number(&l.Score), strconv.Itoa(l.Lesions), strconv.Itoa(found),
			strconv.Itoa(l.Lesions-found), strconv.Itoa(l.Candidates), strconv.Itoa(wrong))
	}
	for _, s := range r.Structures {
		out = append(out, number(orNil(s.Segment.Polarised())))
	}
	for _, of := range []func(Row) float64{borderEntropy, readersMSE, disputedMSE, unsure} {
		out = append(out, number(orNil(of(*r))))
	}
	return safe(append(out, strings.Join(r.Notes, "; ")))
}

// count returns how many lesions were found, and how many candidates are false positives, at any threshold.
func (l *LesionRow) count() (found, wrong int) {
	for _, f := range l.Findings {
		switch {
		case !f.Lesion:
			wrong++
		case f.Confidence > 0:
			found++
		}
	}
	return found, wrong
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', 10, 64)
}
