package exam

import (
	"strings"
	"testing"
)

// protocol is a series as scanners describe it, and what it must be taken for. Names and numbers
// are those of ProstateX, PI-CAI and other public exams, or of vendors' usual protocols.
type protocol struct {
	name, imageType, sequence, scanning string
	slices, tilt, pixel                 float64
	b, te, tr                           float64 // b < 0: unknown
	orientations                        float64
	want                                Role
}

func (p protocol) facts() facts {
	f := facts{
		texts:   map[string]string{"name": p.name, "imageType": p.imageType, "sequence": p.sequence, "sequenceOrName": p.sequence + " " + p.name, "scanning": p.scanning, "bSource": "test"},
		numbers: map[string]float64{"slices": p.slices, "tilt": p.tilt, "pixel": p.pixel, "fov": 200, "orientations": max(1, p.orientations)},
	}
	f.texts["plane"] = "axial"
	if p.tilt > 60 {
		f.texts["plane"] = "sagittal"
	}
	if p.b >= 0 {
		f.numbers["b"] = p.b
	}
	f.set("echo", p.te)
	f.set("tr", p.tr)
	return f
}

func TestKinds(t *testing.T) {
	const m = `ORIGINAL\PRIMARY\M\NORM`
	for _, p := range []protocol{
		{name: "t2_tse_tra | ", imageType: m, sequence: "*tse2d1_25", scanning: "SE", slices: 19, tilt: 18.5, pixel: 0.5, b: -1, te: 104, tr: 5660, want: T2W},
		{name: "Ax T2 FRFSE | PROSTATE", imageType: `ORIGINAL\PRIMARY\OTHER`, scanning: "SE", slices: 26, tilt: 0, pixel: 0.35, b: -1, te: 102, tr: 4000, want: T2W},
		{name: " | ", imageType: m, scanning: "SE", slices: 24, tilt: 5, pixel: 0.5, b: -1, te: 100, tr: 4500, want: T2W}, // de-identified
		{name: "t2_localizer | ", imageType: m, scanning: "SE", slices: 19, tilt: 0, pixel: 0.9, b: -1, te: 90, tr: 2000, want: Localizer},
		{name: "haste | ", imageType: m, slices: 3, orientations: 3, pixel: 1.2, b: -1, want: Localizer},
		{name: "t2_tse_sag | ", imageType: m, scanning: "SE", slices: 19, tilt: 88, pixel: 0.56, b: -1, te: 101, tr: 5590, want: T2Sagittal},
		{name: "t1_tse_tra | ", imageType: m, scanning: "SE", slices: 30, tilt: 0, pixel: 0.8, b: -1, te: 12, tr: 600, want: Other},
		{name: "t2 tra whole | ", imageType: m, scanning: "SE", slices: 19, tilt: 40, pixel: 0.5, b: -1, te: 100, tr: 4000, want: Other}, // too oblique
		{name: "t2_map | ", imageType: m, scanning: "SE", slices: 19, tilt: 0, pixel: 0.5, b: -1, te: 100, tr: 4000, want: Other},
		{name: "ep2d_diff_tra_DYNDIST | ep2d_diff_tra", imageType: `DERIVED\PRIMARY\DIFFUSION\TRACEW\DIS2D`, sequence: "*ep_b50t", slices: 19, tilt: 18.5, pixel: 2, b: 50, want: DWI},
		{name: "ep2d_diff_tra_DYNDIST_ADC | ", imageType: `DERIVED\PRIMARY\DIFFUSION\ADC\DIS2D`, sequence: "*ep_b50_800", slices: 19, tilt: 18.5, pixel: 2, b: 800, want: ADC},
		{name: "ADC_high bvalue | ", imageType: `DERIVED\PRIMARY\DIFFUSION\TRACEW\ND\ADC`, slices: 19, tilt: 18.5, pixel: 2, b: 100, want: ADC},
		{name: "Apparent Diffusion Coefficient (mm2/s) | ", imageType: `DERIVED\SECONDARY\PROCESSED`, slices: 20, pixel: 0.7, b: 1400, want: ADC},
		{name: "dADC Map [1] | WIP", imageType: `DERIVED\PRIMARY\ADC_UNSPECIFIED\ADC\UNSPECIFIED`, slices: 20, pixel: 1, b: -1, want: ADC},
		{name: "eADC | ", imageType: `DERIVED\PRIMARY\EADC`, slices: 20, pixel: 1, b: -1, want: Other},
		{name: "Ax DWI 50 1400 | ", imageType: `ORIGINAL\PRIMARY\OTHER`, slices: 20, pixel: 1, b: 1400, want: DWI},
		{name: "dwi_FA | ", imageType: `DERIVED\PRIMARY\DIFFUSION\FA\ND`, slices: 20, pixel: 2, b: -1, want: Other},
		{name: "ep2d | ", imageType: `ORIGINAL\PRIMARY\M\ND\MOSAIC`, slices: 60, pixel: 3, b: 0, want: Other},
		{name: "Twist_dynamic_TT=12.3s | ", imageType: m, scanning: "GR", slices: 20, pixel: 1.5, b: -1, want: Other},
		{name: "tfl_3d PD ref_tra_1.5x1.5_t3 | ", imageType: m, scanning: "GR", slices: 16, pixel: 1.5, b: -1, want: Other},
		{name: "B0 map | ", imageType: m, slices: 30, pixel: 4, b: -1, want: Other},
	} {
		v := rules().judge(p.facts())
		if v.kind != p.want {
			t.Errorf("%q %s: kind %s (%s), want %s", p.name, p.imageType, v.kind, v.reason, p.want)
		}
		if v.reason == "" || strings.Contains(v.reason, "{") {
			t.Errorf("%q: reason %q", p.name, v.reason)
		}
	}
}

func TestHigherBScoresHigher(t *testing.T) {
	last := -1.0
	for _, b := range []float64{0, 50, 400, 800, 1000, 1400, 1600, 2000} {
		v := rules().judge(protocol{name: "dwi | ", imageType: `DERIVED\PRIMARY\DIFFUSION\TRACEW`, slices: 19, pixel: 2, b: b}.facts())
		if v.score <= last {
			t.Errorf("b %g scores %g, not above %g", b, v.score, last)
		}
		last = v.score
	}
}

func TestFaultyRulesAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key":  `{"version": 1, "exlude": []}`,
		"unknown role": `{"exclude": [{"role": "T3W", "when": {"field": "b", "min": 1}}]}`,
		"no form":      `{"exclude": [{"role": "other", "when": {"field": "b"}}]}`,
		"two forms":    `{"exclude": [{"role": "other", "when": {"field": "b", "min": 1, "matches": "x"}}]}`,
		"bad pattern":  `{"labels": {"field": "name", "matches": "("}}`,
	} {
		if _, err := parseRules([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
