package ort

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ortgo "github.com/yalue/onnxruntime_go"

	"bayeslice/internal/scratch"
	"bayeslice/internal/tensor"
)

// openOnProvider opens s on a provider other than the CPU and finds out what really runs there.
// First no operator may fall back to the CPU. Where ONNX Runtime then refuses, a throw-away session
// with its profile on tells which operators do, since the Go wrapper has no call that does.
func (e *Env) openOnProvider(ctx context.Context, s *Session, onnx []byte, o SessionOptions) error {
	s.device = fmt.Sprintf("%s (ONNX Runtime %s)", o.Provider.Label(), e.version)
	native, err := create(onnx, s.in, s.out, o, true)
	if err == nil {
		s.s = native
		return nil
	}
	if !strings.Contains(err.Error(), "fallback to CPU EP has been explicitly disabled") {
		return e.providerError(o.Provider, err)
	}
	where, err := e.placement(ctx, s.in, s.out, onnx, o)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return e.providerError(o.Provider, err)
	}
	if where.OnCPU == where.Operators {
		return e.providerError(o.Provider, errors.New("it can run none of this model's operators"))
	}
	if where.OnCPU > 0 {
		s.device += where.String()
		s.placed = where
	}
	if s.s, err = create(onnx, s.in, s.out, o, false); err != nil {
		return e.providerError(o.Provider, err)
	}
	return nil
}

func (e *Env) providerError(p Provider, err error) error {
	if outOfMemory(err.Error()) {
		return fmt.Errorf("%w: %w: opening the model with %s: %s; choose a smaller model, or the CPU", ErrProvider, ErrMemory, p.Label(), reason(err))
	}
	return fmt.Errorf("%w: %s with %s: %s; choose the CPU, or point %s at a library that has it", ErrProvider, p.Label(), e.library.Path, e.explain(p, err), EnvLibrary)
}

// Placement says where the operators of a model run that was opened on another provider than the CPU.
type Placement struct {
	Operators int            // of the model, as ONNX Runtime runs it
	OnCPU     int            // of them on the CPU, although another provider was asked for
	CPUTime   float64        // their share of the time of one run, 0…1; an upper bound, since devices go on working after an operator returned
	ByName    map[string]int // OnCPU by operator
}

// String says what runs on the CPU, to follow a device's name: ", 9 of 5505 operators on the CPU (at most 3 % of the time)".
func (p Placement) String() string {
	return fmt.Sprintf(", %d of %d operators on the CPU (at most %.0f %% of the time)", p.OnCPU, p.Operators, math.Ceil(100*p.CPUTime))
}

func (p Placement) names() []string {
	var s []string
	for _, n := range slices.Sorted(maps.Keys(p.ByName)) {
		s = append(s, fmt.Sprintf("%s ×%d", n, p.ByName[n]))
	}
	return s
}

// placement runs the model once on zeros and reads the profile.
func (e *Env) placement(ctx context.Context, in, out []Port, onnx []byte, o SessionOptions) (Placement, error) {
	temp, err := scratch.New()
	if err != nil {
		return Placement{}, err
	}
	defer temp.Remove() //nolint:errcheck // the next start of the program sweeps what stays
	dir := temp.Path()
	o.Profile = filepath.Join(dir, "p")
	native, err := create(onnx, in, out, o, false)
	if err != nil {
		return Placement{}, err
	}
	probe := &Session{env: e, in: in, out: out, s: native, device: o.Provider.Label()}
	_, err = probe.Run(ctx, zeros(in))
	if err = errors.Join(err, probe.Close()); err != nil {
		return Placement{}, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		return Placement{}, fmt.Errorf("ONNX Runtime wrote %d profiles where one was expected", len(files))
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		return Placement{}, err
	}
	return readPlacement(b, o.Provider)
}

// zeros makes inputs of zeros; open dimensions become one.
func zeros(in []Port) map[string]*tensor.Tensor {
	m := map[string]*tensor.Tensor{}
	for _, p := range in {
		shape := slices.Clone(p.Shape)
		for a := range shape {
			shape[a] = max(shape[a], 1)
		}
		m[p.Name] = newTensor(p.Type, shape)
	}
	return m
}

// readPlacement counts the operators in a profile of one run (an array of Chrome trace events).
func readPlacement(profile []byte, want Provider) (Placement, error) {
	var events []struct {
		Category string  `json:"cat"`
		Name     string  `json:"name"`
		Duration float64 `json:"dur"` // µs
		Args     struct {
			Operator string `json:"op_name"`
			Provider string `json:"provider"`
		} `json:"args"`
	}
	if err := json.Unmarshal(profile, &events); err != nil {
		return Placement{}, fmt.Errorf("reading ONNX Runtime's profile: %w", err)
	}
	p := Placement{ByName: map[string]int{}}
	var all, cpu float64
	for _, e := range events {
		if e.Category != "Node" || !strings.HasSuffix(e.Name, "_kernel_time") || strings.HasPrefix(e.Args.Operator, "Memcpy") {
			continue
		}
		p.Operators++
		all += e.Duration
		if e.Args.Provider != want.runtimeName() {
			p.OnCPU++
			p.ByName[e.Args.Operator]++
			cpu += e.Duration
		}
	}
	if p.Operators == 0 {
		return p, errors.New("ONNX Runtime's profile names no operator")
	}
	if all > 0 {
		p.CPUTime = cpu / all
	}
	return p, nil
}

// reason takes ONNX Runtime's source locations, codes and failed conditions off an error's text.
func reason(err error) string {
	text := err.Error()
	for _, mark := range []string{" was false. ", "[ONNXRuntimeError] : ", "Error creating C session: ", "Error running network: "} {
		if i := strings.LastIndex(text, mark); i >= 0 {
			text = text[i+len(mark):]
		}
	}
	if parts := strings.SplitN(text, " : ", 3); len(parts) == 3 && len(parts[0]) <= 2 {
		text = parts[2] // "1 : FAIL : what happened"
	}
	return strings.TrimRight(strings.TrimSpace(text), ".")
}

// Available reports why a provider cannot be used on this machine whatever the model, as [ErrProvider], or nil where opening
// a model will tell. It is quick.
func (e *Env) Available(p Provider) error {
	if p.onCPU() {
		return nil
	}
	if err := available(p); err != nil {
		return e.providerError(p, err)
	}
	return nil
}

// available reports why a provider cannot even be registered in this library, or nil.
func available(p Provider) error {
	o, err := ortgo.NewSessionOptions()
	if err != nil {
		return err
	}
	defer o.Destroy() //nolint:errcheck // it fails only where it was never made
	return p.appendTo(o, false)
}
