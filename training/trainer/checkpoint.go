package trainer

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/nets"
	"bayeslice/internal/tensor"
	"bayeslice/training/optim"
)

// ErrCheckpoint marks a checkpoint that is damaged, or belongs to another run; the text says which.
var ErrCheckpoint = errors.New("trainer: unusable checkpoint")

// checkpointMagic starts every checkpoint: name and version of the format.
const checkpointMagic = "BAYESLICE-CKPT-1"

// state is all of a run that changes: parameters and what the optimiser remembers.
type state struct {
	step    int
	weights nets.Weights
	memory  map[string]*optim.State // of the parameters that are not idle
}

// checkpointHead is the JSON at the head of a checkpoint: the tensors follow in its order, each as
// little-endian float32: the weights, then M, V and VMax where it has a state.
type checkpointHead struct {
	Run     string             `json:"run"` // SHA-256 of run.json, hex
	Step    int                `json:"step"`
	Tensors []checkpointTensor `json:"tensors"`
}

type checkpointTensor struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	Steps int    `json:"steps"` // updates of this parameter; −1 where it has no state
}

// checkpointName is the file name of the checkpoint after step updates.
func checkpointName(step int) string { return fmt.Sprintf("checkpoint-%07d.bin", step) }

// write stores the state, with a SHA-256 of all bytes at the end. The file appears whole or not at all.
func (s *state) write(dir, run string) error {
	head := checkpointHead{Run: run, Step: s.step}
	for name, w := range s.weights {
		t := checkpointTensor{Name: name, Shape: w.Shape, Steps: -1}
		if m := s.memory[name]; m != nil {
			t.Steps = m.Step
		}
		head.Tensors = append(head.Tensors, t)
	}
	slices.SortFunc(head.Tensors, func(a, b checkpointTensor) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("trainer: checkpoint: %w", err)
	}
	err = codec.WriteFile(filepath.Join(dir, checkpointName(s.step)), func(w io.Writer) error {
		digest := sha256.New()
		to := io.MultiWriter(w, digest)
		if err := writeAll(to, []byte(checkpointMagic), binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text); err != nil {
			return err
		}
		for _, t := range head.Tensors {
			for _, values := range s.arrays(t) {
				if err := writeAll(to, encode(values)); err != nil {
					return err
				}
			}
		}
		return writeAll(w, digest.Sum(nil))
	})
	if err != nil {
		return fmt.Errorf("trainer: checkpoint: %w", err)
	}
	return nil
}

// arrays are the numbers stored for a parameter, in their order.
func (s *state) arrays(t checkpointTensor) [][]float32 {
	all := [][]float32{s.weights[t.Name].F32}
	if t.Steps >= 0 {
		m := s.memory[t.Name]
		all = append(all, m.M, m.V, m.VMax)
	}
	return all
}

func writeAll(w io.Writer, parts ...[]byte) error {
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func encode(values []float32) []byte {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// Checkpoint is a stored state of a run.
type Checkpoint struct {
	Step   int
	SHA256 string // of the file, hex
	run    string
	state  *state
}

// Weights are the parameters of the network in training, posterior net included. Read only.
func (c *Checkpoint) Weights() nets.Weights { return c.state.weights }

// maxCheckpoint bounds the file that is read: the paper's network needs 0.53 GB.
const maxCheckpoint = 16 << 30

// ReadCheckpoint reads a checkpoint and checks it against the SHA-256 at its end. It fails with
// [ErrCheckpoint], or with the file system's error.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("trainer: checkpoint: %w", err)
	}
	damaged := func(why string) error {
		return fmt.Errorf("%w: %s %s", ErrCheckpoint, filepath.Base(path), why)
	}
	if !info.Mode().IsRegular() || info.Size() > maxCheckpoint {
		return nil, damaged("is no checkpoint")
	}
	data, err := codec.ReadSmall(path, maxCheckpoint)
	if err != nil {
		return nil, fmt.Errorf("trainer: checkpoint: %w", err)
	}
	body := len(data) - sha256.Size
	if body < len(checkpointMagic)+8 || !bytes.HasPrefix(data, []byte(checkpointMagic)) {
		return nil, damaged("is no checkpoint, or one of another version")
	}
	if sum := sha256.Sum256(data[:body]); !bytes.Equal(sum[:], data[body:]) {
		return nil, damaged("is damaged: its checksum does not fit")
	}
	whole := sha256.Sum256(data)
	c := &Checkpoint{SHA256: hex.EncodeToString(whole[:])}
	if err := c.decode(data[len(checkpointMagic):body]); err != nil {
		return nil, damaged(err.Error())
	}
	return c, nil
}

// decode reads what follows the magic and precedes the checksum.
func (c *Checkpoint) decode(data []byte) error {
	n := binary.LittleEndian.Uint64(data)
	data = data[8:]
	if n > uint64(len(data)) {
		return errors.New("has a head longer than itself")
	}
	var head checkpointHead
	if err := json.Unmarshal(data[:n], &head); err != nil {
		return errors.New("has an unreadable head")
	}
	data = data[n:]
	c.Step, c.run = head.Step, head.Run
	c.state = &state{step: head.Step, weights: nets.Weights{}, memory: map[string]*optim.State{}}
	take := func(count int) ([]float32, error) {
		if len(data) < 4*count {
			return nil, errors.New("ends early")
		}
		values := make([]float32, count)
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		data = data[4*count:]
		return values, nil
	}
	for _, t := range head.Tensors {
		if err := c.tensor(t, len(data)/4, take); err != nil {
			return err
		}
	}
	if len(data) != 0 {
		return errors.New("is longer than it says")
	}
	return nil
}

// tensor reads one parameter with its state.
func (c *Checkpoint) tensor(t checkpointTensor, most int, take func(int) ([]float32, error)) error {
	count := 1
	for _, d := range t.Shape {
		if d < 1 || count > most/d {
			return fmt.Errorf("has a parameter %q of an impossible shape %v", t.Name, t.Shape)
		}
		count *= d
	}
	arrays := make([][]float32, 1, 4)
	if t.Steps >= 0 {
		arrays = arrays[:4]
	}
	for i := range arrays {
		var err error
		if arrays[i], err = take(count); err != nil {
			return err
		}
	}
	c.state.weights[t.Name] = tensor.FromFloat32(arrays[0], t.Shape...)
	if t.Steps >= 0 {
		c.state.memory[t.Name] = &optim.State{Step: t.Steps, M: arrays[1], V: arrays[2], VMax: arrays[3]}
	}
	return nil
}

// Checkpoints lists the checkpoint files of a run folder, the newest first.
func Checkpoints(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted by name, and so by step
	if err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	var paths []string
	for _, e := range entries {
		if ok, _ := filepath.Match("checkpoint-*.bin", e.Name()); ok {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	slices.Reverse(paths)
	return paths, nil
}

// keptCheckpoints is how many checkpoints a run keeps: the newest, and the one before it in case the
// newest turns out to be damaged.
const keptCheckpoints = 2

// prune removes checkpoints older than the kept ones.
func prune(dir string) error {
	paths, err := Checkpoints(dir)
	if err != nil {
		return err
	}
	for _, p := range paths[min(keptCheckpoints, len(paths)):] {
		if err := os.Remove(p); err != nil {
			return fmt.Errorf("trainer: removing an old checkpoint: %w", err)
		}
	}
	return nil
}
