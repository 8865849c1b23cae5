package trainer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"bayeslice/internal/imageio/codec"
)

// Kind says what an [Event] reports.
type Kind string

// Kinds of events.
const (
	Started    Kind = "start"      // training begins, or goes on, after Step steps; Text says on what device
	Stepped    Kind = "step"       // one update
	Validated  Kind = "validation" // Validation holds the result
	Saved      Kind = "checkpoint" // a checkpoint was written
	Skipped    Kind = "skip"       // an exam was left out; Text says which and why
	Warned     Kind = "warning"    // something the user should know, such as a damaged checkpoint; Text
	PausedKind Kind = "pause"
	Continued  Kind = "continue"
	Stopped    Kind = "stop" // cancelled or failed after Step steps; Text says why
	Finished   Kind = "end"  // the model is written
)

// Event is one line of a run's log. Step counts finished updates.
type Event struct {
	Kind         Kind        `json:"event"`
	Step         int         `json:"step"`
	Time         time.Time   `json:"time,omitzero"`
	Loss         float64     `json:"loss,omitempty"`         // mean over the batch: segmentation + β·divergence
	Segmentation float64     `json:"segmentation,omitempty"` // mean over the batch
	Divergence   float64     `json:"divergence,omitempty"`   // nats, mean over the batch
	Rate         float64     `json:"rate,omitempty"`
	Gradient     float64     `json:"gradient,omitempty"` // Euclidean norm of the whole gradient, before clipping
	Seconds      float64     `json:"seconds,omitempty"`  // of this step, by the clock of [Options]
	Validation   *Validation `json:"validation,omitempty"`
	Text         string      `json:"text,omitempty"`
}

const logName = "log.jsonl"

// logFile appends events to the log of a run. Safe for concurrent use.
type logFile struct {
	mu sync.Mutex
	f  *os.File
}

// openLog opens the log for appending. A line that a crash cut short is ended, so that it cannot merge
// with the next.
func openLog(dir string) (*logFile, error) {
	path := filepath.Join(dir, logName)
	data, err := codec.ReadSmall(path, maxLog)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("trainer: log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644) //nolint:gosec // as run.json and the checkpoints: the umask decides who may read it
	if err != nil {
		return nil, fmt.Errorf("trainer: log: %w", err)
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		if _, err := f.WriteString("\n"); err != nil {
			return nil, errors.Join(fmt.Errorf("trainer: log: %w", err), f.Close())
		}
	}
	return &logFile{f: f}, nil
}

func (l *logFile) add(e Event) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("trainer: log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("trainer: log: %w; make room on the disk and resume the run", err)
	}
	return nil
}

func (l *logFile) close() error { return l.f.Close() }

// ReadLog returns the events of a run folder in the order in which they were written. After an
// interruption steps can occur twice; [Curve] keeps the last of each. Lines that a crash cut short are
// left out. A folder without a log gives none.
func ReadLog(dir string) ([]Event, error) {
	data, err := codec.ReadSmall(filepath.Join(dir, logName), maxLog)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trainer: log: %w", err)
	}
	var events []Event
	r := bufio.NewReader(bytes.NewReader(data))
	for {
		line, err := r.ReadBytes('\n')
		var e Event
		if len(bytes.TrimSpace(line)) > 0 && json.Unmarshal(line, &e) == nil && e.Kind != "" {
			events = append(events, e)
		}
		if errors.Is(err, io.EOF) {
			return events, nil
		}
	}
}

// Curve returns the events of one kind as they count: where a run was resumed from an older checkpoint,
// what had been logged after that checkpoint is replaced by what came then.
func Curve(events []Event, kind Kind) []Event {
	var out []Event
	for _, e := range events {
		if e.Kind == Started {
			for len(out) > 0 && out[len(out)-1].Step > e.Step {
				out = out[:len(out)-1]
			}
		}
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}
