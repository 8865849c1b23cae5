package ort

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
func (e *Env) openOnProvider(s *Session, onnx []byte, o SessionOptions) error {
	s.device = fmt.Sprintf("%s (ONNX Runtime %s)", o.Provider.Label(), e.version)
	native, err := create(onnx, s.in, s.out, o, true)
	if err == nil {
		s.s = native
		return nil
	}
	if !strings.Contains(err.Error(), "fallback to CPU EP has been explicitly disabled") {
		return e.providerError(o.Provider, err)
	}
	where, err := e.placement(s.in, s.out, onnx, o)
	if err != nil {
		return e.providerError(o.Provider, err)
	}
	if where.off == where.total {
		return e.providerError(o.Provider, errors.New("it can run none of this model's operators"))
	}
	if where.off > 0 {
		s.device += fmt.Sprintf(", %d of %d operators on the CPU", where.off, where.total)
		s.issues = where.names()
	}
	if s.s, err = create(onnx, s.in, s.out, o, false); err != nil {
		return e.providerError(o.Provider, err)
	}
	return nil
}

func (e *Env) providerError(p Provider, err error) error {
	return fmt.Errorf("%w: %s with %s: %s; choose the CPU, or point %s at a library that has it", ErrProvider, p.Label(), e.library.Path, reason(err), EnvLibrary)
}

// placed counts the operators of a model, and those off the provider by operator name.
type placed struct {
	total, off int
	byName     map[string]int
}

func (p placed) names() []string {
	var s []string
	for _, n := range slices.Sorted(maps.Keys(p.byName)) {
		s = append(s, fmt.Sprintf("%s ×%d", n, p.byName[n]))
	}
	return s
}

// placement runs the model once on zeros and reads the profile.
func (e *Env) placement(in, out []Port, onnx []byte, o SessionOptions) (placed, error) {
	temp, err := scratch.New()
	if err != nil {
		return placed{}, err
	}
	defer temp.Remove() //nolint:errcheck // the next start of the program sweeps what stays
	dir := temp.Path()
	o.Profile = filepath.Join(dir, "p")
	native, err := create(onnx, in, out, o, false)
	if err != nil {
		return placed{}, err
	}
	probe := &Session{env: e, in: in, out: out, s: native, device: o.Provider.Label()}
	_, err = probe.Run(context.Background(), zeros(in))
	if err = errors.Join(err, probe.Close()); err != nil {
		return placed{}, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) != 1 {
		return placed{}, fmt.Errorf("ONNX Runtime wrote %d profiles where one was expected", len(files))
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		return placed{}, err
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
func readPlacement(profile []byte, want Provider) (placed, error) {
	var events []struct {
		Category string `json:"cat"`
		Name     string `json:"name"`
		Args     struct {
			Operator string `json:"op_name"`
			Provider string `json:"provider"`
		} `json:"args"`
	}
	if err := json.Unmarshal(profile, &events); err != nil {
		return placed{}, fmt.Errorf("reading ONNX Runtime's profile: %w", err)
	}
	p := placed{byName: map[string]int{}}
	for _, e := range events {
		if e.Category != "Node" || !strings.HasSuffix(e.Name, "_kernel_time") || strings.HasPrefix(e.Args.Operator, "Memcpy") {
			continue
		}
		p.total++
		if e.Args.Provider != want.runtimeName() {
			p.off++
			p.byName[e.Args.Operator]++
		}
	}
	if p.total == 0 {
		return p, errors.New("ONNX Runtime's profile names no operator")
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

// available reports why a provider cannot even be registered in this library, or nil.
func available(p Provider) error {
	o, err := ortgo.NewSessionOptions()
	if err != nil {
		return err
	}
	defer o.Destroy() //nolint:errcheck // it fails only where it was never made
	return p.appendTo(o)
}
