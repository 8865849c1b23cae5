package devices_test

import (
	"errors"
	"strings"
	"testing"

	"bayeslice/internal/devices"
	"bayeslice/internal/devices/devicestest"
	"bayeslice/internal/ort"
)

func TestASurveySaysWhatIsChosenAndWhy(t *testing.T) {
	r := devicestest.New(t)
	r.Seconds = map[devices.Choice]float64{cpu: 3, gpuVolumes: 2, gpuSlices: 1}
	s := r.Set(devices.Options{Folder: t.TempDir()})
	survey := func(p ort.Provider, measure bool) devices.Survey {
		t.Helper()
		v, err := s.Survey(t.Context(), model(t), devices.Use{Session: ort.SessionOptions{Provider: p}}, measure)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := survey(ort.Auto, false)
	if opened, _ := r.Sessions(); len(v.Candidates) != 3 || v.Chosen != (devices.Choice{}) || v.Candidates[1].Seconds != 0 || len(opened) != 0 {
		t.Errorf("before measuring %+v, %d sessions", v, len(opened))
	}
	v = survey(ort.Auto, true)
	if v.Chosen != gpuSlices || v.Why != "it is 3 times as fast as the CPU" || v.Candidates[0].Seconds != 3 || v.Candidates[2].Seconds != 1 {
		t.Errorf("measured: %+v", v)
	}
	r.Sessions()
	if v = survey(ort.Auto, true); v.Chosen != gpuSlices {
		t.Errorf("known: %+v", v)
	}
	if v := survey(ort.WebGPU, false); v.Chosen != gpuSlices || v.Why != "it was asked for" {
		t.Errorf("asked for: %+v", v)
	}
	if v := survey(ort.CPU, true); v.Chosen != cpu || v.Why != "it was asked for" || len(v.Candidates) != 1 {
		t.Errorf("the CPU asked for: %+v", v)
	}
	if opened, _ := r.Sessions(); len(opened) != 0 {
		t.Errorf("%d sessions for what was known", len(opened))
	}
	r.Wrong[gpuVolumes], r.Wrong[gpuSlices] = true, true
	s = r.Set(devices.Options{})
	if v := survey(ort.Auto, true); v.Chosen != cpu || v.Why != "no other device that can be used is more than 10 % faster" || !strings.Contains(v.Candidates[2].Problem, "wrong numbers") {
		t.Errorf("wrong numbers: %+v", v)
	}
	if _, err := s.Survey(t.Context(), model(t), devices.Use{Session: ort.SessionOptions{Provider: ort.WebGPU}}, true); !errors.Is(err, ort.ErrProvider) {
		t.Errorf("wrong numbers asked for: %v", err)
	}
	r.Missing[ort.WebGPU] = true
	s = r.Set(devices.Options{})
	if v := survey(ort.Auto, true); v.Chosen != cpu || v.Why != "nothing else can be used here" || v.Candidates[0].Seconds != 3 {
		t.Errorf("nothing else: %+v", v)
	}
}
