package trainer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/nets"
	"bayeslice/internal/tensor"
	"bayeslice/training/optim"
	"bayeslice/training/step"
)

// ErrRun marks a folder that is no run, or holds something else already.
var ErrRun = errors.New("trainer: unusable run folder")

const (
	configName = "run.json"
	// ModelName is the file of the finished model in a run folder.
	ModelName = "model.onnx"
)

// Run is a run folder. One goroutine trains it at a time.
type Run struct {
	dir    string
	config Config
	id     string      // SHA-256 of run.json, hex: checkpoints of other runs do not fit
	start  *Checkpoint // weights to start from, or nil
}

// New makes a run in a folder that does not exist or is empty, and writes its settings there. from is the
// checkpoint whose weights the run starts from, or nil for weights drawn from the seed; parameters are
// matched by name and shape. It fails with [ErrConfig], [ErrRun], or the file system's error.
func New(dir string, c Config, from *Checkpoint) (*Run, error) {
	if from != nil {
		c.From = from.SHA256
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	if entries, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	} else if len(entries) > 0 {
		return nil, fmt.Errorf("%w: %s is not empty; name another folder, or resume the run that is in it", ErrRun, filepath.Base(dir))
	}
	r := &Run{dir: dir, config: c, start: from}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("trainer: settings: %w", err)
	}
	text = append(text, '\n')
	r.id = digest(text)
	if from != nil { // before run.json, so that a run with settings has its weights
		s, err := r.initial()
		if err != nil {
			return nil, err
		}
		if err := s.write(dir, r.id); err != nil {
			return nil, err
		}
	}
	if err := codec.WriteFile(filepath.Join(dir, configName), func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return nil, fmt.Errorf("trainer: settings: %w", err)
	}
	return r, nil
}

// maxConfig and maxLog bound, in bytes, the settings and the log of a run: a step of the log takes some hundred.
const (
	maxConfig = 1 << 20
	maxLog    = 1 << 30
)

// Open opens the run in a folder. It fails with [ErrRun], [ErrConfig], or the file system's error.
func Open(dir string) (*Run, error) {
	text, err := codec.ReadSmall(filepath.Join(dir, configName), maxConfig)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s holds no %s; name the folder of a run", ErrRun, filepath.Base(dir), configName)
	}
	if err != nil {
		return nil, fmt.Errorf("trainer: settings: %w", err)
	}
	r := &Run{dir: dir, id: digest(text)}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r.config); err != nil {
		return nil, fmt.Errorf("%w: %s cannot be read (%w)", ErrRun, configName, err)
	}
	return r, r.config.Validate()
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Config returns the run's settings.
func (r *Run) Config() Config { return r.config }

// Dir returns the run folder.
func (r *Run) Dir() string { return r.dir }

// Finished says whether the run has made its model.
func (r *Run) Finished() bool {
	_, err := os.Stat(filepath.Join(r.dir, ModelName))
	return err == nil
}

// lockName is the file by which two processes keep out of each other's way; the system frees it when a
// process ends, however that happens.
const lockName = "lock"

// lock claims the run for this process. It fails with [ErrRun] where another one trains it.
func (r *Run) lock() (*flock.Flock, error) {
	l := flock.New(filepath.Join(r.dir, lockName))
	ok, err := l.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("trainer: run folder: %w", err)
	case !ok:
		return nil, fmt.Errorf("%w: %s is being trained already; wait for it, or stop it first", ErrRun, filepath.Base(r.dir))
	}
	return l, nil
}

// Last returns the newest checkpoint that is whole and belongs to the run, and an [ErrCheckpoint] for each
// newer one that is not. It is nil where there is none.
func (r *Run) Last() (last *Checkpoint, unusable []error, err error) {
	paths, err := Checkpoints(r.dir)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range paths {
		c, err := ReadCheckpoint(p)
		switch {
		case err == nil && c.run == r.id:
			return c, unusable, nil
		case err == nil:
			unusable = append(unusable, fmt.Errorf("%w: %s belongs to a run with other settings", ErrCheckpoint, filepath.Base(p)))
		case errors.Is(err, ErrCheckpoint):
			unusable = append(unusable, err)
		default:
			return nil, unusable, err
		}
	}
	return nil, unusable, nil
}

// initial is the state before the first step.
func (r *Run) initial() (*state, error) {
	weights, err := step.Initial(r.config.step(), r.config.Seed)
	if err != nil {
		return nil, err
	}
	if r.start != nil {
		if err := adopt(weights, r.start.Weights()); err != nil {
			return nil, err
		}
	}
	return &state{weights: weights, memory: map[string]*optim.State{}}, nil
}

// deepHeads is how the names of the heads of deep supervision begin.
const deepHeads = "deep."

// adopt replaces weights by those of the same names. The heads of deep supervision may be missing in the
// run to start from, and are drawn anew then.
func adopt(weights, from nets.Weights) error {
	for name, w := range weights {
		f, ok := from[name]
		if !ok && strings.HasPrefix(name, deepHeads) {
			continue
		}
		if !ok || !slices.Equal(f.Shape, w.Shape) {
			return fmt.Errorf("%w: the run to start from has another network: parameter %q differs", ErrConfig, name)
		}
		weights[name] = tensor.FromFloat32(append([]float32(nil), f.F32...), w.Shape...)
	}
	return nil
}
