package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/exam"
	"bayeslice/internal/onnx/rewrite"
	"bayeslice/internal/ort"
	"bayeslice/internal/settings"
)

// stored returns what the user chose in earlier sessions, in the window or by hand. Where the system has no
// configuration folder nothing is stored, and the choices are nil.
func stored() (settings.Settings, *exam.Overrides, error) {
	if _, err := os.UserConfigDir(); err != nil {
		return settings.Settings{}, nil, nil //nolint:nilerr // nothing can have been stored
	}
	store, err := settings.Open("")
	if err != nil {
		return settings.Settings{}, nil, err
	}
	choices, err := exam.OpenOverrides(store.SeriesChoices())
	return store.Settings, choices, err
}

// ortOptions are the persistent flags for ONNX Runtime, and the stored settings where a flag is not given.
func (s *session) ortOptions() (ort.Options, error) {
	kept, _, err := stored()
	if err != nil {
		return ort.Options{}, err
	}
	o := ort.Options{Library: s.library, Settings: kept.Library, Provider: s.device, Threads: s.threads}
	if o.Provider == "" {
		o.Provider = kept.Provider
	}
	if o.Threads == 0 {
		o.Threads = kept.Threads
	}
	return o, nil
}

// devices returns the devices of env. Measuring them shows a meter, which done ends; fresh measures again. On the CPU graphs are run in
// the lowering.
func (s *session) devices(env *ort.Env, lowering rewrite.Lowering, fresh bool) (on *devices.Set, done func()) {
	var bar *meter
	folder := ""
	if cache, err := os.UserCacheDir(); err == nil {
		folder = filepath.Join(cache, "bayeslice", "devices")
	}
	on = devices.New(env, devices.Options{Folder: folder, Clock: time.Now, CPULowering: lowering, Fresh: fresh, Progress: func(p devices.Progress) {
		if bar == nil {
			bar = newMeter(s.Err, "measuring devices")
		}
		bar.set(p.Done, p.Of, p.Trying.String())
	}})
	return on, func() {
		if bar != nil {
			bar.close()
		}
	}
}

// loadModel opens a bundled model or a model file on the device asked for. What runs elsewhere is said on
// standard error.
func (s *session) loadModel(ctx context.Context, model string) (*inference.Model, error) {
	o, err := s.ortOptions()
	if err != nil {
		return nil, err
	}
	env, err := ort.Open(o)
	if err != nil {
		return nil, err
	}
	on, done := s.devices(env, rewrite.Tiles, false)
	m, err := s.bundled().OpenOn(ctx, on, model)
	done()
	if err != nil {
		return nil, err
	}
	for _, f := range m.Fallbacks() {
		fmt.Fprintf(s.Err, "note: %s runs on the CPU, not on the device asked for\n", f)
	}
	return m, nil
}
