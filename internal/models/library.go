package models

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/onnx/pb"
	"bayeslice/resources"
)

// ErrUnknown marks a model that is neither a bundled one nor a file; the text lists the bundled ones.
var ErrUnknown = errors.New("models: no such model")

// Bundled is a model that comes with the program.
type Bundled struct {
	Name   string // "anatomy-ce": its task and loss; what commands take in place of a file
	Card   modelcard.Card
	SHA256 string // of the file, hex
	Bytes  int64  // of the file
}

// Library is a folder of bundled models. It is immutable and safe for concurrent use.
type Library struct {
	files fs.FS
	list  func() ([]Bundled, error)
}

// BuiltIn returns the library that is embedded in the program. It may be empty.
func BuiltIn() *Library { return builtIn() }

var builtIn = sync.OnceValue(func() *Library {
	files, err := fs.Sub(resources.Models, "models")
	if err != nil {
		panic(err) // the name is valid
	}
	return NewLibrary(files)
})

// NewLibrary returns the library of the model files (*.onnx) at the root of files.
func NewLibrary(files fs.FS) *Library {
	l := &Library{files: files}
	l.list = sync.OnceValues(l.read)
	return l
}

// suffix ends the name of every model file.
const suffix = ".onnx"

// losses is the order in which models of a task are listed; others follow by name.
var losses = []string{"CE", "BCE", "FL", "DB"}

// preferred names the model of each task that is used where none is asked for: the one that did best on
// data that it had not seen; docs/models.md has the figures.
var preferred = map[modelcard.Task]string{modelcard.Anatomy: "anatomy-ce", modelcard.Diagnosis: "diagnosis-ce"}

// List returns the bundled models by task, anatomy first, and loss. It fails with [modelcard.ErrCard] or
// an error of reading where a file of the library is damaged.
func (l *Library) List() ([]Bundled, error) {
	list, err := l.list()
	return slices.Clone(list), err
}

// read reads the cards of all files, not their weights.
func (l *Library) read() ([]Bundled, error) {
	names, err := fs.Glob(l.files, "*"+suffix)
	if err != nil {
		return nil, fmt.Errorf("models: bundled models: %w", err)
	}
	var list []Bundled
	for _, name := range names {
		onnx, err := fs.ReadFile(l.files, name)
		if err != nil {
			return nil, fmt.Errorf("models: bundled model %s: %w", name, err)
		}
		entries, err := pb.Metadata(onnx)
		if err != nil {
			return nil, fmt.Errorf("models: bundled model %s: %w", name, err)
		}
		metadata := map[string]string{}
		for _, e := range entries {
			metadata[e.Key] = e.Value
		}
		card, err := modelcard.Decode(metadata)
		if err != nil {
			return nil, fmt.Errorf("models: bundled model %s: %w", name, err)
		}
		sum := sha256.Sum256(onnx)
		list = append(list, Bundled{Name: strings.TrimSuffix(name, suffix), Card: card, SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(onnx))})
	}
	slices.SortStableFunc(list, func(a, b Bundled) int {
		return cmp.Or(cmp.Compare(a.Card.Task, b.Card.Task), cmp.Compare(lossRank(a.Card.Loss), lossRank(b.Card.Loss)), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

func lossRank(loss string) int {
	if i := slices.Index(losses, loss); i >= 0 {
		return i
	}
	return len(losses)
}

// Best returns the bundled model to use for a task where none is asked for; false where there is none.
func (l *Library) Best(task modelcard.Task) (Bundled, bool) {
	list, err := l.list()
	if err != nil {
		return Bundled{}, false
	}
	if b, ok := l.Find(preferred[task]); ok {
		return b, true
	}
	i := slices.IndexFunc(list, func(b Bundled) bool { return b.Card.Task == task })
	if i < 0 {
		return Bundled{}, false
	}
	return list[i], true
}

// Find returns the bundled model of a name.
func (l *Library) Find(name string) (Bundled, bool) {
	list, err := l.list()
	if err != nil {
		return Bundled{}, false
	}
	i := slices.IndexFunc(list, func(b Bundled) bool { return b.Name == name })
	if i < 0 {
		return Bundled{}, false
	}
	return list[i], true
}

// Read reads and checks a model: a bundled one where model is the name of one, else the file at that
// path ("./anatomy-ce" is a file). It fails with [ErrUnknown], or as [inference.ReadFile] does.
func (l *Library) Read(model string) (*inference.File, error) {
	if _, ok := l.Find(model); ok {
		onnx, err := fs.ReadFile(l.files, model+suffix)
		if err != nil {
			return nil, fmt.Errorf("models: bundled model %s: %w", model, err)
		}
		return inference.ReadBytes(model, onnx)
	}
	if _, err := os.Stat(model); errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(model, `./\`) {
		list, err := l.list()
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %q is neither a file nor a bundled model%s", ErrUnknown, model, names(list))
	}
	return inference.ReadFile(model)
}

// names lists the bundled models for a message.
func names(list []Bundled) string {
	if len(list) == 0 {
		return "; this build has none, give a file"
	}
	var out []string
	for _, b := range list {
		out = append(out, b.Name)
	}
	return "; choose one of " + strings.Join(out, ", ") + ", or give a file"
}

// Open opens a bundled model or a model file, as [Library.Read] finds it, for sampling on the devices of this machine, see [On]. The
// caller closes it. It fails as [Library.Read] and [inference.File.Load] do, and with what [devices.Set.Open] says.
func (l *Library) Open(ctx context.Context, d *devices.Set, model string, u devices.Use) (*inference.Model, error) {
	f, err := l.Read(model)
	if err != nil {
		return nil, err
	}
	return f.Load(ctx, On(ctx, d, u))
}
