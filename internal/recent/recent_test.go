package recent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/exam"
)

var noon = time.Date(2026, 7, 14, 12, 0, 0, 500, time.UTC)

func entry(n int) Entry {
	return Entry{Path: fmt.Sprintf("/data/Doe^John/%d", n), Key: fmt.Sprintf("%04x000000", n), Name: fmt.Sprintf("case %d", n), Month: "2026-07", Series: []string{"T2W", "ADC"}, Opened: noon}
}

func TestTheLastTwelveStayNewestFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recent.json")
	l, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 15 {
		if err := l.Add(entry(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Add(entry(10)); err != nil { // opened again
		t.Fatal(err)
	}
	l, err = Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range l.Entries() {
		got = append(got, strings.TrimPrefix(e.Name, "case "))
	}
	if want := "10 14 13 12 11 9 8 7 6 5 4 3"; strings.Join(got, " ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	if err := l.Remove(entry(10).Key); err != nil || len(l.Entries()) != 11 || l.Entries()[0].Name != "case 14" {
		t.Error(err, l.Entries())
	}
}

func TestPrivateLabelsShowNoNamesAndNoPaths(t *testing.T) {
	e := entry(0x4f2a)
	e.Path, e.Name, e.Series = filepath.FromSlash("/data/Doe^John"), "Doe^John", []string{"T2W", "ADC", "DWI"}
	if got := e.Label(true); got != "Study 4F2A · 2026-07 · T2W/ADC/DWI" {
		t.Error(got)
	}
	if got := e.Place(true); got != "" {
		t.Error(got)
	}
	if got := e.Label(false); got != "Doe^John · 2026-07 · T2W/ADC/DWI" || e.Place(false) != e.Path {
		t.Error(got)
	}
	e.Study = "4f2a"
	if got := e.Label(false); got != "Doe^John · Study 4F2A · 2026-07 · T2W/ADC/DWI" {
		t.Error(got)
	}
	if got := (Entry{Key: "ab"}).Label(true); got != "Study AB" {
		t.Error(got)
	}
}

func TestNoListMeansNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recent.json")
	l, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Add(entry(1)); err != nil {
		t.Fatal(err)
	}
	if err := l.SetKeep(false); err != nil || len(l.Entries()) != 0 {
		t.Error(err)
	}
	gone := func(when string) {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s the file is there: %v", when, err)
		}
	}
	gone("after switching off")
	if err := l.Add(entry(2)); err != nil {
		t.Fatal(err)
	}
	gone("after opening another exam")
	if err := os.WriteFile(path, []byte(`{"version":1,"exams":[{"path":"/a","key":"k"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(path, false); err != nil || len(l.Entries()) != 0 {
		t.Error(err)
	}
	gone("after opening without a list")
}

func TestDamagedListsAreTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recent.json")
	if err := os.WriteFile(path, []byte(`{"version":1,"exams":5}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, true); !errors.Is(err, ErrRecent) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(`{"version":1,"exams":[{"path":"","key":"k"},{"path":"/a","key":""},{"path":"/a","key":"k"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Open(path, true); err != nil || len(l.Entries()) != 1 {
		t.Error("entries that lead nowhere were kept:", err)
	}
	l := Empty()
	if err := l.Add(entry(1)); err != nil || len(l.Entries()) != 1 {
		t.Error(err)
	}
}

func TestAnEntryHoldsNoIdentity(t *testing.T) {
	s := &exam.Series{ID: "s"}
	e := &exam.Exam{Key: "4f2a99", Name: "Study 4F2A", Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: s}}},
		Identity: exam.Identity{PatientName: "Doe^John", PatientID: "12345", BirthDate: "19500101", StudyDate: "20110707"}}
	got := EntryOf(e, "/x", "st", noon)
	text := fmt.Sprintf("%+v", got)
	for _, secret := range []string{"Doe", "12345", "1950", "20110707"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s in %s", secret, text)
		}
	}
	if got.Month != "2011-07" || len(got.Series) != 1 || got.Series[0] != "T2W" || got.Opened.Nanosecond() != 0 || got.Study != "st" {
		t.Error(text)
	}
	for date, want := range map[string]string{"2011-07-07": "2011-07", "": "", "today": "", "20111399": ""} {
		if month(date) != want {
			t.Errorf("%q is %q", date, month(date))
		}
	}
}

func TestPlacesAreKeptByTheirUse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "recent.json")
	l, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	at := func(n int) string { return filepath.Join(dir, fmt.Sprint(n)) }
	for n := range Most + 2 {
		if err := l.AddPlace(Place{"exam", at(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.AddPlace(Place{"model", at(5)}), l.AddPlace(Place{"exam", at(7)}), l.AddPlace(Place{"exam", "relative"})); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(path, true); err != nil {
		t.Fatal(err)
	}
	got := l.Places()
	if len(got) != Most || got[0] != (Place{"exam", at(7)}) || got[1] != (Place{"model", at(5)}) || got[2] != (Place{"exam", at(Most + 1)}) {
		t.Errorf("%v", got)
	}
	if err := l.SetKeep(false); err != nil || len(l.Places()) != 0 {
		t.Errorf("%v after forgetting: %v", l.Places(), err)
	}
	if err := l.AddPlace(Place{"exam", at(1)}); err != nil || len(l.Places()) != 1 {
		t.Errorf("for this session: %v, %v", l.Places(), err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a file was written")
	}
}
