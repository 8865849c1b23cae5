package cli

import (
	"crypto/sha256"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/calibrate"
	"bayeslice/internal/evaluate"
	"bayeslice/internal/exam"
	"bayeslice/internal/fuzztest"
	"bayeslice/internal/keymap"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/recent"
	sessionfile "bayeslice/internal/session"
	"bayeslice/internal/settings"
	"bayeslice/internal/study"
	"bayeslice/internal/worklist"
	"bayeslice/training/cohort"
	"bayeslice/training/trainer"
)

// untrusted is a kind of file that is read at start or on request, and may have been written by anybody.
type untrusted struct {
	name string                  // of the file
	open func(path string) error // reads it, and what can be asked of it
	seed string
}

// untrustedFiles are all kinds but images, models, journals of contours and lists of exams, which have fuzz targets of their own.
var untrustedFiles = []untrusted{
	{"a.bayeslice", func(path string) error { _, err := sessionfile.Open(path); return err },
		`{"version":1,"saved":"2026-01-02T03:04:05Z","exam":{"path":"/x","relative":"../x","study":"4F2A"},"sections":{"views":{"layout":"four"}}}`},
	{"settings.json", func(path string) error {
		s, err := settings.Open(filepath.Dir(path))
		if err == nil {
			_, _, _ = s.UIScale(), s.ModelsDir(), s.AutosaveDir()
		}
		return err
	}, `{"version":1,"scale":1.5,"theme":"dark","privacy":true}`},
	{"keys.json", func(path string) error {
		s, err := keymap.Open(path, []keymap.Profile{{Name: "Bayeslice"}}, func(c string) bool { return c != "x" })
		if err == nil {
			_, _ = s.Changed(), s.Map()
		}
		return err
	}, `{"version":1,"profile":"Bayeslice","overrides":[{"mode":"","key":"Ctrl+Shift+H","command":"help"}]}`},
	{"recent.json", func(path string) error {
		l, err := recent.Open(path, true)
		if err == nil {
			for _, e := range l.Entries() {
				_, _, _, _ = e.Label(true), e.Label(false), e.Place(true), e.Place(false)
			}
		}
		return err
	}, `{"version":1,"exams":[{"path":"/x","key":"4f2a","opened":"2026-01-02T03:04:05Z"}]}`},
	{worklist.FileName, func(path string) error {
		s, err := worklist.Open(filepath.Dir(path), worklist.Options{})
		if err == nil {
			l := s.List()
			_, _, _ = l.Ranked(), l.Progress(), l.Entries()
			_, _ = l.Next("a")
		}
		return err
	}, `{"version":1,"what":"Bayeslice work list","folder":".","exams":[{"path":"a","state":"done","note":"n"}]}`},
	{"study.toml", func(path string) error {
		f, err := study.Read(path)
		if err == nil {
			_ = f.Elements()
			_, err = f.Text()
		}
		return err
	}, study.Example()},
	{evaluate.ResultFile, func(path string) error {
		r, err := evaluate.ReadResult(path)
		if err == nil {
			err = evaluate.WriteFolder(filepath.Join(filepath.Dir(path), "page"), r, true)
		}
		return err
	}, `{"format":1,"task":"anatomy","rows":[{"id":"a","structures":[{},{},{}]}],"structures":[{},{},{}]}`},
	{"quiz.json", func(path string) error {
		l, err := calibrate.ReadQuiz(path)
		if err == nil {
			_, _ = l.Stated("TZ"), l.ByModel("TZ", "m")
		}
		return err
	}, `{"version":1,"rounds":[{"answers":[{"stated":0.5,"models":{"m":0.4}}]}]}`},
	{"series-choices.json", func(path string) error { _, err := exam.OpenOverrides(path); return err }, `{"version":1,"exams":{"4f2a":{"T2W":"3"}}}`},
	{cohort.FileName, func(path string) error { _, err := cohort.Load(filepath.Dir(path)); return err }, `{"kind":"phantoms","exams":4}`},
	{"run.json", func(path string) error { _, err := trainer.Open(filepath.Dir(path)); return err }, `{"preset":"tiny","steps":3}`},
	{"log.jsonl", func(path string) error {
		events, err := trainer.ReadLog(filepath.Dir(path))
		_ = trainer.Curve(events, trainer.Kind("step"))
		return err
	}, "{\"kind\":\"step\",\"step\":1}\n{\"kind\":"},
	{"checkpoint-0000001.bin", func(path string) error { _, err := trainer.ReadCheckpoint(path); return err },
		`{"step":1,"run":"r","tensors":[{"name":"w","shape":[1],"steps":-1}]}` + "\x00\x00\x80\x3f"},
	{"card", func(path string) error {
		text, err := os.ReadFile(path)
		if err == nil {
			var c modelcard.Card
			if c, err = modelcard.Decode(map[string]string{modelcard.MetadataKey: string(text)}); err == nil {
				_, _ = c.Notice(), c.State()
			}
		}
		return err
	}, `{"format":1,"task":"anatomy","classes":["background","TZ","PZ"],"input":"x","output":"y","recipe":{}}`},
}

// FuzzSmallFileEdits opens files of each kind of JSON whose values were changed.
func FuzzSmallFileEdits(f *testing.F) {
	for kind := range untrustedFiles {
		f.Add(uint8(kind), []byte{})
		f.Add(uint8(kind), []byte{0, 1, 30, 0, 4, 12, 0, 2, 140})
	}
	f.Fuzz(func(t *testing.T, kind uint8, script []byte) {
		u := untrustedFiles[int(kind)%len(untrustedFiles)]
		u.tryOpening(t, fuzztest.Edit([]byte(u.seed), script))
	})
}

// FuzzSmallFiles opens whatever bytes come as each kind of file: what it says is used, or one sentence tells why not.
func FuzzSmallFiles(f *testing.F) {
	for kind, u := range untrustedFiles {
		f.Add(uint8(kind), []byte(u.seed))
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		untrustedFiles[int(kind)%len(untrustedFiles)].tryOpening(t, data)
	})
}

// tryOpening opens bytes as a file of the kind, and holds a refusal to be a sentence that can be read.
func (u untrusted) tryOpening(t *testing.T, data []byte) {
	t.Helper()
	if strings.HasPrefix(u.name, "checkpoint") {
		data = sealed(data)
	}
	path := filepath.Join(t.TempDir(), u.name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := u.open(path); err != nil {
		if text := explain(err); unreadable.MatchString(strings.ReplaceAll(text, "default", "")) || len(text) > 8000 {
			t.Fatalf("%s: %.2000q", u.name, text)
		}
	}
}

// sealed makes a checkpoint of a head and numbers, with the checksum that it must have.
func sealed(data []byte) []byte {
	head := len(data)
	if i := strings.LastIndex(string(data), "}"); i >= 0 {
		head = i + 1
	}
	all := binary.LittleEndian.AppendUint64([]byte("BAYESLICE-CKPT-1"), uint64(head))
	all = append(all, data...)
	sum := sha256.Sum256(all)
	return append(all, sum[:]...)
}
