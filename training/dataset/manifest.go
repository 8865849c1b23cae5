package dataset

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const maxManifest = 16 << 20 // bytes

// manifestNames are looked for in a folder of exams.
var manifestNames = []string{"exams.csv", "exams.json"}

// Row is one line of a manifest.
type Row struct {
	Exam    string `json:"exam"`    // path of the exam, or in an nnU-Net dataset the name of the case
	Mask    string `json:"mask"`    // path of its mask file; "" looks for it
	Patient string `json:"patient"` // any name that tells patients apart; "" takes that of the images
}

// ReadManifest reads a list of exams: a CSV with a header line that names the columns exam, mask and
// patient, in any order, of which exam is needed; or a JSON array of objects with these keys. Paths are
// relative to the folder of the list. It fails with [ErrData], or the operating system's error.
func ReadManifest(path string) ([]Row, error) {
	data, err := readSmall(path, maxManifest, ErrData)
	if err != nil {
		return nil, err
	}
	rows, err := parseManifest(data, strings.EqualFold(filepath.Ext(path), ".json"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return rows, nil
}

// parseManifest reads CSV or JSON.
func parseManifest(data []byte, isJSON bool) ([]Row, error) {
	rows := parseCSV
	if isJSON {
		rows = parseJSON
	}
	out, err := rows(bytes.TrimPrefix(data, []byte("\ufeff")))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for n, row := range out {
		if row.Exam == "" {
			return nil, fmt.Errorf("%w: entry %d names no exam; add its path", ErrData, n+1)
		}
		if seen[row.Exam] {
			return nil, fmt.Errorf("%w: it lists %s twice; leave one of the two", ErrData, row.Exam)
		}
		seen[row.Exam] = true
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: it lists no exams; add one line for each", ErrData)
	}
	return out, nil
}

func parseJSON(data []byte) ([]Row, error) {
	var rows []Row
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&rows); err != nil {
		return nil, fmt.Errorf(`%w: it is no JSON list of exams (%w); write it as [{"exam": "a", "mask": "a.nii.gz"}]`, ErrData, err)
	}
	return rows, nil
}

func parseCSV(data []byte) ([]Row, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.TrimLeadingSpace = true
	if first, _, _ := bytes.Cut(data, []byte("\n")); bytes.Contains(first, []byte(";")) && !bytes.Contains(first, []byte(",")) {
		r.Comma = ';' // as spreadsheets write where the comma is decimal
	}
	lines, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w: it is no CSV (%w); write one line for each exam under the header exam,mask,patient", ErrData, err)
	}
	if len(lines) == 0 {
		return nil, nil
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	if _, ok := column["exam"]; !ok {
		return nil, fmt.Errorf("%w: its first line has no column exam; begin the file with the header exam,mask,patient", ErrData)
	}
	cell := func(line []string, name string) string {
		if i, ok := column[name]; ok {
			return strings.TrimSpace(line[i])
		}
		return ""
	}
	rows := make([]Row, 0, len(lines)-1)
	for _, line := range lines[1:] {
		rows = append(rows, Row{Exam: cell(line, "exam"), Mask: cell(line, "mask"), Patient: cell(line, "patient")})
	}
	return rows, nil
}

// manifest returns the path of the list of exams, "" where there is none.
func (o *Options) manifest() string {
	if o.Manifest != "" {
		return o.Manifest
	}
	for _, name := range manifestNames {
		path := filepath.Join(o.Path, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	return ""
}

// patientsOf reads the patients of nnU-Net cases from the manifest, which need not list every case.
func (o *Options) patientsOf(cases []string) (map[string]string, error) {
	out := map[string]string{}
	if o.Manifest == "" {
		return out, nil
	}
	rows, err := ReadManifest(o.Manifest)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if !slices.Contains(cases, row.Exam) {
			return nil, fmt.Errorf("%w: %s lists the exam %s, which is no case of the nnU-Net dataset; correct its name", ErrData, filepath.Base(o.Manifest), row.Exam)
		}
		out[row.Exam] = row.Patient
	}
	return out, nil
}

// listManifest lists the exams of a manifest.
func (o *Options) listManifest(path string, table classTable) ([]*source, error) {
	rows, err := ReadManifest(path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	resolve := func(p string) string {
		if p = filepath.FromSlash(p); !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		return p
	}
	paths := map[string]string{}
	for _, row := range rows {
		paths[row.Exam] = resolve(row.Exam)
	}
	names := shortNames(paths)
	var out []*source
	for _, row := range rows {
		s := &source{name: names[row.Exam], patient: row.Patient, table: table}
		if row.Mask != "" {
			s.mask = resolve(row.Mask)
		}
		o.locate(s, paths[row.Exam])
		out = append(out, s)
	}
	return out, nil
}

// shortNames calls exams, given by what lists them and their path, by their base names, and where these are
// not unique by what lists them.
func shortNames(paths map[string]string) map[string]string {
	count := map[string]int{}
	for _, p := range paths {
		count[imageStem(p)]++
	}
	out := map[string]string{}
	for _, listed := range slices.Sorted(maps.Keys(paths)) {
		out[listed] = imageStem(paths[listed])
		if count[out[listed]] > 1 {
			out[listed] = filepath.ToSlash(listed)
		}
	}
	return out
}

// imageStem returns the base name of a path without the ending of an image file.
func imageStem(path string) string {
	base := filepath.Base(path)
	for _, ending := range append(imageEndings, ".zip") {
		if len(base) > len(ending) && strings.EqualFold(base[len(base)-len(ending):], ending) {
			return base[:len(base)-len(ending)]
		}
	}
	return base
}

// isImage reports whether a name is that of an image file that is read.
func isImage(name string) bool {
	stem := imageStem(name)
	return stem != filepath.Base(name) && !strings.EqualFold(filepath.Ext(name), ".zip")
}
