package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/devices"
	"bayeslice/internal/exam"
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

// devices loads the runtime and returns the devices of this machine, the same ones for a whole command: what was lost while one model
// ran is not chosen for the next.
func (s *session) devices(o ort.Options) (*devices.Set, error) {
	env, err := ort.Open(o)
	if err != nil {
		return nil, err
	}
	if s.on == nil || *s.on.Env() != *env {
		s.on = devices.New(env, s.machine())
	}
	return s.on, nil
}

// machine is what this machine offers.
func (s *session) machine() devices.Options {
	o := s.Devices
	if o.Clock == nil {
		o.Folder, o.Clock = devices.Folder(), time.Now
	}
	return o
}

// use says how graphs are opened. Measuring devices shows a meter, which done ends.
func (s *session) use() (u devices.Use, done func()) {
	var bar *meter
	u.Progress = func(p devices.Progress) {
		if bar == nil {
			bar = newMeter(s.Err, "measuring devices")
		}
		bar.set(p.Done, p.Of, p.Trying.String())
	}
	return u, func() {
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
	on, err := s.devices(o)
	if err != nil {
		return nil, err
	}
	use, done := s.use()
	m, err := s.bundled().Open(ctx, on, model, use)
	done()
	if err != nil {
		return nil, err
	}
	for _, f := range m.Fallbacks() {
		fmt.Fprintf(s.Err, "note: %s runs on the CPU, not on the device asked for\n", f)
	}
	return m, nil
}
