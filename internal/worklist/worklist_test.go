package worklist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/review"
	"bayeslice/internal/volume"
)

var clockAt = time.Date(2026, 5, 4, 3, 2, 1, 999, time.UTC)

// folderOf makes a folder of exams, each with one file.
func folderOf(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		write(t, filepath.Join(dir, name, "image"), name)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{Clock: func() time.Time { return clockAt }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ids lists entries in a form to compare: ID, state, and what is wrong.
func ids(entries []Entry) string {
	var out []string
	for _, e := range entries {
		word := e.ID()
		if e.State != NotStarted {
			word += "=" + string(e.State)
		}
		if e.Missing {
			word += "?"
		}
		if e.Problem != "" {
			word += "!"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// world stands for exams and a model: what the files say decides.
type world struct {
	mu            sync.Mutex
	opened, drawn int
	key           string
	block         chan struct{} // closed when a prediction may end; nil does not wait
	reached       chan struct{}
}

func (w *world) Name() string { return "fake" }
func (w *world) Key() string  { return w.key }

// open reads an exam whose file holds "several", "broken", or the doubt of its only voxel in percent.
func (w *world) open(_ context.Context, place, study string) (*exam.Exam, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened++
	text, err := os.ReadFile(filepath.Join(place, "image"))
	if err != nil {
		return nil, err
	}
	word := string(text)
	if word == "several" && study == "" {
		return nil, &exam.SeveralExamsError{Studies: []exam.StudyInfo{{Key: "aaaa1111bbbb"}, {Key: "cccc2222dddd"}}}
	}
	if word == "broken" {
		return nil, fmt.Errorf("%w: nothing in %s", exam.ErrNoImages, place)
	}
	doubt := 10
	if _, err := fmt.Sscan(word, &doubt); err != nil && study != "" {
		doubt = int(study[0]) - 'a' + 20
	}
	g, err := geom.NewGrid([3]int{1, 1, 1}, geom.Vec3{}, geom.Vec3{10, 10, 10}, [3]geom.Vec3{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	if err != nil {
		return nil, err
	}
	v, err := volume.New(g, []float32{float32(doubt)}, "")
	if err != nil {
		return nil, err
	}
	return &exam.Exam{Key: "0123" + study, Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: &exam.Series{Volume: v}}}}}, nil
}

func (w *world) Predict(ctx context.Context, e *exam.Exam) (review.Field, error) {
	w.mu.Lock()
	w.drawn++
	w.mu.Unlock()
	if w.block != nil {
		w.reached <- struct{}{}
		select {
		case <-w.block:
		case <-ctx.Done():
			return review.Field{}, ctx.Err()
		}
	}
	v := e.Chosen(exam.T2W).Volume
	p := v.At(0, 0, 0) / 100
	if p > 0.5 {
		return review.Field{}, errors.New("the model cannot see it")
	}
	sure, err := volume.New(v.Grid(), []float32{1 - p}, "")
	if err != nil {
		return review.Field{}, err
	}
	doubt, err := volume.New(v.Grid(), []float32{p}, "")
	return review.Field{Classes: []string{"background", "PZ"}, Mean: []*volume.Volume{sure, doubt}}, err
}

func (w *world) sampling() Sampling { return Sampling{Predictor: w, Open: w.open} }

func TestScanAndStates(t *testing.T) {
	dir := folderOf(t, "b", "a", "c d", ".hidden", labelsFolder)
	write(t, filepath.Join(dir, "z.ZIP"), "x")
	write(t, filepath.Join(dir, "notes.txt"), "x")
	s := open(t, dir)
	if got := ids(s.List().Entries()); got != "a b c d z.ZIP" {
		t.Fatalf("found %q", got)
	}
	if _, err := os.Stat(s.File()); !errors.Is(err, os.ErrNotExist) {
		t.Error("opening wrote a file:", err)
	}
	for id, state := range map[string]State{"a": Completed, "b": InProgress, "c d": Flagged} {
		if err := s.SetState(id, state); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.SetNote("c d", "motion"), s.AddWork("a", 90*time.Second, 1.5), s.AddWork("a", -time.Second, -1)); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir).List()
	if got := ids(again.Entries()); got != "a=completed b=in progress c d=flagged z.ZIP" {
		t.Errorf("kept %q", got)
	}
	a, _ := again.Find("a")
	c, _ := again.Find("c d")
	if a.Seconds != 90 || a.EditedML != 1.5 || !a.Changed.Equal(clockAt.Truncate(time.Second)) || c.Note != "motion" {
		t.Errorf("%+v %+v", a, c)
	}
	if p := again.Progress(); p != (Progress{Done: 1, Flagged: 1, Total: 4}) {
		t.Errorf("%+v", p)
	}
	if err := s.SetState("nobody", Completed); !errors.Is(err, ErrNoEntry) {
		t.Error(err)
	}
	if err := s.SetState("a", "done"); !errors.Is(err, ErrState) {
		t.Error(err)
	}
	if state, err := ParseState(" In-Progress "); err != nil || state != InProgress {
		t.Error(state, err)
	}
}

func TestExamsComeAndGo(t *testing.T) {
	dir := folderOf(t, "a", "b", "c")
	s := open(t, dir)
	if err := s.SetState("b", Completed); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"a", "b"} {
		if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "d", "image"), "5")
	added, removed, err := s.Refresh()
	if err != nil || added != 1 || removed != 2 {
		t.Error(added, removed, err)
	}
	if got := ids(s.List().Entries()); got != "b=completed? c d" {
		t.Errorf("%q", got) // a was not worked on and is dropped; b was and stays
	}
	write(t, filepath.Join(dir, "b", "image"), "5")
	if got := ids(open(t, dir).List().Entries()); got != "b=completed c d" {
		t.Errorf("b came back: %q", got)
	}
}

func TestSampleRanksAndRemembers(t *testing.T) {
	dir := folderOf(t)
	for name, text := range map[string]string{"low": "10", "high": "40", "mid": "20", "bad": "broken", "two": "several", "blind": "90"} {
		write(t, filepath.Join(dir, name, "image"), text)
	}
	s, w := open(t, dir), &world{key: "one"}
	var last SampleProgress
	o := w.sampling()
	o.Progress = func(p SampleProgress) { last = p }
	if err := s.Sample(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if last != (SampleProgress{Done: 6, Total: 6, Failed: 2}) {
		t.Errorf("%+v", last)
	}
	if got := ids(s.List().Ranked()); got != "high two#cccc2222 mid two#aaaa1111 low bad! blind!" {
		t.Errorf("ranked %q", got)
	}
	bad, _ := s.List().Find("bad")
	if strings.Contains(bad.Problem, dir) || !strings.Contains(bad.Problem, "no images found: nothing in the exam") {
		t.Errorf("%q", bad.Problem)
	}
	high, _ := s.List().Find("high")
	if high.Score.Why() != "mid-gland, midline, outer border of PZ, 0.40 mL expected error" && high.Score.Why() != "outer border of PZ, 0.40 mL expected error" {
		t.Errorf("%q", high.Score.Why())
	}
	if high.Alias() != "Study 0123" || bad.Alias() == "bad" || !strings.HasPrefix(bad.Alias(), "Exam ") {
		t.Error(high.Alias(), bad.Alias())
	}

	opened, drawn := w.opened, w.drawn
	s = open(t, dir)
	if err := s.Sample(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if w.opened-opened != 2 || w.drawn-drawn != 1 || last.Known != 4 { // what failed is tried again
		t.Errorf("opened %d, sampled %d, %+v", w.opened-opened, w.drawn-drawn, last)
	}

	// The same voxels under another name of file: opened, not sampled. Other voxels: sampled.
	drawn = w.drawn
	write(t, filepath.Join(dir, "low", "more"), "x")
	write(t, filepath.Join(dir, "mid", "image"), "50")
	if err := s.Sample(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if w.drawn-drawn != 2 { // mid, and blind that failed
		t.Errorf("sampled %d", w.drawn-drawn)
	}
	if got := ids(s.List().Ranked()); !strings.HasPrefix(got, "mid high ") {
		t.Errorf("ranked %q", got)
	}
	drawn = w.drawn
	w.key = "another model"
	if err := s.Sample(context.Background(), o); err != nil || w.drawn-drawn != 6 {
		t.Errorf("another model: sampled %d, %v", w.drawn-drawn, err)
	}
	drawn = w.drawn
	o.Again = true
	if err := s.Sample(context.Background(), o); err != nil || w.drawn-drawn != 6 {
		t.Errorf("again: sampled %d, %v", w.drawn-drawn, err)
	}
	o.Again, opened = false, w.opened
	o.Choices = "the user chose another series"
	if err := s.Sample(context.Background(), o); err != nil || w.opened-opened != 7 {
		t.Errorf("other choices: opened %d, %v", w.opened-opened, err)
	}
	if err := s.Forget("high"); err != nil {
		t.Fatal(err)
	}
	if high, _ = s.List().Find("high"); high.Score != nil {
		t.Error("not forgotten")
	}
}

// The user works while exams are sampled, cancels, and goes on in another session; nothing of either is lost.
func TestWorkWhileSampling(t *testing.T) {
	dir := folderOf(t, "a", "b", "c")
	s, w := open(t, dir), &world{key: "k", block: make(chan struct{}), reached: make(chan struct{}, 8)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Sample(ctx, w.sampling()) }()
	<-w.reached // a is being predicted
	if err := s.Sample(ctx, w.sampling()); !errors.Is(err, ErrRunning) {
		t.Error("a second sampling:", err)
	}
	if err := s.SetState("b", Flagged); err != nil {
		t.Fatal(err)
	}
	other := open(t, dir) // another window
	if err := other.SetNote("c", "look here"); err != nil {
		t.Fatal(err)
	}
	w.block <- struct{}{}
	<-w.reached
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error("cancelled:", err)
	}
	l := s.List()
	a, _ := l.Find("a")
	b, _ := l.Find("b")
	c, _ := l.Find("c")
	if a.Score == nil || b.Score != nil || b.State != Flagged || b.Problem != "" || c.Note != "look here" {
		t.Errorf("%+v\n%+v\n%+v", a, b, c)
	}
	drawn := w.drawn
	w.block = nil
	if err := s.Sample(context.Background(), w.sampling()); err != nil || w.drawn-drawn != 2 {
		t.Errorf("going on: sampled %d, %v", w.drawn-drawn, err)
	}
}

func TestNext(t *testing.T) {
	l := newList([]Entry{
		{Path: "a", State: NotStarted, Score: &Score{ErrorML: 1}}, {Path: "b", State: Completed, Score: &Score{ErrorML: 5}},
		{Path: "c", State: InProgress, Score: &Score{ErrorML: 3}}, {Path: "d", State: NotStarted, Problem: "broken"},
		{Path: "e", State: NotStarted}, {Path: "f", State: NotStarted, Missing: true}, {Path: "g", State: Flagged, Score: &Score{ErrorML: 2}},
	})
	if got := ids(l.Ranked()); got != "b=completed c=in progress g=flagged a e d! f?" {
		t.Fatalf("%q", got)
	}
	for from, want := range map[string]string{"": "c", "c": "a", "g": "a", "a": "e", "e": "c", "d": "c", "b": "c", "zzz": "c"} {
		if e, ok := l.Next(from); !ok || e.ID() != want {
			t.Errorf("after %q comes %q, want %q", from, e.ID(), want)
		}
	}
	if e, ok := newList([]Entry{{Path: "a", State: NotStarted}}).Next("a"); ok {
		t.Error("after the last one comes", e.ID())
	}
	if _, ok := newList(nil).Next(""); ok {
		t.Error("an empty list has a next")
	}
	before := l.Entries()
	before[0].State = Completed
	if e, _ := l.Find("a"); e.State != NotStarted {
		t.Error("a list was changed from outside")
	}
}

func TestDamagedListsAreLeftAlone(t *testing.T) {
	for name, text := range map[string]string{
		"cut short": `{"version": 1, "exams": [`, "no list": `{"version": 1}`, "newer": `{"version": 99, "what": "x"}`, "empty": "",
		"outside": `{"version":1,"what":"x","exams":[{"path":"../../etc","state":"completed"}]}`,
		"twice":   `{"version":1,"what":"x","exams":[{"path":"a","state":"flagged"},{"path":"a","state":"completed"}]}`,
		"state":   `{"version":1,"what":"x","exams":[{"path":"a","state":"fine"}]}`,
		"types":   `{"version":1,"what":"x","exams":[{"path":5}]}`,
	} {
		dir := folderOf(t, "a")
		s := open(t, dir)
		write(t, s.File(), text)
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrList) || !strings.Contains(err.Error(), ";") {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.SetState("a", Completed); !errors.Is(err, ErrList) {
			t.Errorf("%s: written over: %v", name, err)
		}
		if e, _ := s.List().Find("a"); e.State != NotStarted {
			t.Errorf("%s: the list changed although it was not written", name)
		}
		if left, _ := os.ReadFile(s.File()); string(left) != text {
			t.Errorf("%s: the file changed", name)
		}
	}
}

func TestListElsewhere(t *testing.T) {
	dir, lists := folderOf(t, "a"), t.TempDir()
	file := filepath.Join(lists, "mine.json")
	s, err := Open(dir, Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetState("a", Completed); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Error("something was written into the folder of exams")
	}
	if _, err := Open(folderOf(t, "a"), Options{File: file}); !errors.Is(err, ErrList) {
		t.Error("the list of another folder:", err)
	}
	if _, err := Open(lists, Options{File: file}); !errors.Is(err, ErrList) {
		t.Error("the list of another folder, opened where it lies:", err)
	}
	// A list beside its exams moves with them.
	if err := open(t, dir).SetState("a", Flagged); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if got := ids(open(t, moved).List().Entries()); got != "a=flagged" {
		t.Errorf("%q", got)
	}
}

func TestFoldersThatAreNone(t *testing.T) {
	dir := folderOf(t)
	write(t, filepath.Join(dir, "file"), "x")
	for name, path := range map[string]string{"a file": filepath.Join(dir, "file"), "absent": filepath.Join(dir, "absent")} {
		if _, err := Open(path, Options{}); !errors.Is(err, ErrFolder) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := ids(open(t, dir).List().Entries()); got != "." {
		t.Errorf("loose files: %q", got) // the folder itself may hold the cases
	}
	if got := open(t, folderOf(t)).List().Entries(); len(got) != 0 {
		t.Errorf("an empty folder: %v", got)
	}
	if os.Getuid() > 0 { // root may write everywhere, and Windows has no such protection
		locked := folderOf(t, "a")
		s := open(t, locked)
		if err := os.Chmod(locked, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(locked, 0o700) })
		if err := s.Sample(context.Background(), (&world{}).sampling()); !errors.Is(err, os.ErrPermission) {
			t.Error("a folder that cannot be written to:", err)
		}
	}
	s := open(t, folderOf(t, "a"))
	s.path = filepath.Join(s.path, "below", "a file") // cannot be written
	write(t, filepath.Dir(filepath.Dir(s.path)), "x")
	if err := s.SetState("a", Completed); err == nil {
		t.Error("written to nowhere")
	}
	if e, _ := s.List().Find("a"); e.State != NotStarted {
		t.Error("the list changed although it was not written")
	}
}

func TestContentKey(t *testing.T) {
	w := &world{}
	key := func(text string) string {
		dir := folderOf(t)
		write(t, filepath.Join(dir, "image"), text)
		e, err := w.open(context.Background(), dir, "")
		if err != nil {
			t.Fatal(err)
		}
		return ContentKey(e)
	}
	keys := []string{key("10"), key("10"), key("11"), ContentKey(&exam.Exam{})}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != 3 || len(keys[0]) != 32 {
		t.Errorf("%q", keys)
	}
}

func TestLabelsFoldersAreApart(t *testing.T) {
	s := open(t, folderOf(t, "a"))
	seen := map[string]string{}
	for _, e := range []Entry{{Path: "a"}, {Path: "a b"}, {Path: "a:b"}, {Path: "a-b"}, {Path: "a.zip"}, {Path: "a.zip", Study: "0123456789"}, {Path: "a.zip-01234567"},
		{Path: "."}, {Path: ".", Study: "0123456789"}, {Path: "é"}} {
		dir := s.LabelsFolder(e)
		if other, taken := seen[dir]; taken || filepath.Dir(dir) != filepath.Join(s.Folder(), labelsFolder) {
			t.Errorf("%q and %q share %s", e.ID(), other, dir)
		}
		seen[dir] = e.ID()
	}
	if filepath.Base(s.LabelsFolder(Entry{Path: "case 7"})) != "case 7" {
		t.Error("a plain name was changed")
	}
}
