package dataset

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
	"bayeslice/training"
)

func TestNNUNetGivesWhatPreparationGives(t *testing.T) {
	root := t.TempDir()
	names := []string{"case_a", "case_b", "case_c", "case_d"}
	writeAnatomy(t, root, names...)
	d := open(t, options(t, modelcard.Anatomy, root))
	got := every(t, d)
	if len(got) != len(names) || len(d.Skipped()) != 0 {
		t.Fatalf("%d exams, %d left out", len(got), len(d.Skipped()))
	}
	g := testGrid(t)
	mask := zones(t, g, 1, 2)
	for n, name := range names {
		v := image(t, g, uint64(n+1))
		s := &exam.Series{ID: "T2W", Volume: v}
		e := &exam.Exam{Series: []*exam.Series{s}, Roles: map[exam.Role]exam.Choice{exam.T2W: {Candidate: exam.Candidate{Series: s}}}}
		want, err := smallRecipe(modelcard.Anatomy).Apply(context.Background(), e, prep.Options{})
		if err != nil {
			t.Fatal(err)
		}
		x := got[name]
		worst := 0.0
		for i, w := range want.Input.F32 {
			worst = max(worst, math.Abs(float64(w-x.Image.F32[i])))
		}
		if worst > 1e-3 { // the file's geometry is rounded to float32
			t.Errorf("%s: image differs by up to %g", name, worst)
		}
		checkNearest(t, x, want.Grid, mask)
	}
}

// checkNearest compares a label with the mask read at the nearest voxel, written anew.
func checkNearest(t *testing.T, x *training.Example, g geom.Grid, mask *volume.Mask) {
	t.Helper()
	different, foreground := 0, 0
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				v := mask.Grid().Voxel(g.World(geom.Vec3{float64(i), float64(j), float64(k)}))
				want := mask.At(int(math.Round(v[0])), int(math.Round(v[1])), int(math.Round(v[2])))
				if want > 0 {
					foreground++
				}
				if x.Label[g.Index(i, j, k)] != want {
					different++
				}
			}
		}
	}
	if different > 4 || foreground < 40 { // voxel centres half-way between two may fall to either
		t.Errorf("%s: %d labels differ, %d foreground", x.Exam, different, foreground)
	}
}

func TestNNUNetOrdersChannelsAsTheRecipe(t *testing.T) {
	root := t.TempDir()
	writeDiagnosis(t, root, "p1", "p2", "p3", "p4")
	d := open(t, options(t, modelcard.Diagnosis, root))
	x := every(t, d)["p1"]
	n := 12 * 12 * 6
	// channels are T2W, HBV (z-score) and ADC (0…3000 to 0…1)
	for c, wantMean := range []float64{0, 0, 1250.0 / 3000} {
		sum := 0.0
		for _, v := range x.Image.F32[c*n : (c+1)*n] {
			sum += float64(v)
		}
		if mean := sum / float64(n); math.Abs(mean-wantMean) > 0.02 {
			t.Errorf("channel %d has mean %g, want %g", c, mean, wantMean)
		}
	}
	var positive []string
	for _, e := range d.Exams() {
		if e.Positive {
			positive = append(positive, e.Name)
		}
	}
	if !slices.Equal(positive, []string{"p1", "p3"}) {
		t.Errorf("exams with csPCa: %v", positive)
	}
	if s := d.Shape(); s.Channels != 3 || s.Classes != 2 || s.Size != [3]int{6, 12, 12} || s.NeedsLabel {
		t.Errorf("shape = %+v", s)
	}
}

// The same data with v1's dataset.json, other values, other names and files listed one by one give the same
// examples.
func TestFormsOfDatasetJSONAgree(t *testing.T) {
	first := t.TempDir()
	writeAnatomy(t, first, "a", "b", "c")
	want := every(t, open(t, options(t, modelcard.Anatomy, first)))
	g := testGrid(t)
	for name, c := range map[string]struct {
		json         string
		inner, outer uint8
		channels     map[string]string
		classes      map[string]string
	}{
		"v1":         {json: `{"modality": {"0": "MR-T2"}, "labels": {"0": "background", "1": "PZ", "2": "TZ"}}`, inner: 2, outer: 1},
		"v1 reverse": {json: `{"modality": {"0": "T2"}, "labels": {"background": "0", "transition zone": "7", "peripheral zone": "3"}}`, inner: 7, outer: 3},
		"regions":    {json: `{"channel_names": {"0": "t2_tse_tra"}, "labels": {"background": 0, "prostate": [4, 9], "PZ": [9]}, "regions_class_order": [4, 9]}`, inner: 4, outer: 9},
		"mapping": {json: `{"channel_names": {"0": "first"}, "labels": {"background": 0, "innen": 1, "aussen": 2}}`, inner: 1, outer: 2,
			channels: map[string]string{"first": "T2W"}, classes: map[string]string{"innen": "TZ", "aussen": "PZ"}},
		"more channels": {json: `{"channel_names": {"0": "T2W", "1": "ADC"}, "labels": {"background": 0, "TZ": 1, "PZ": 2, "ignore": 3}}`, inner: 1, outer: 2},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			writeAnatomy(t, root, "a", "b", "c")
			saveText(t, c.json, root, "dataset.json")
			for _, n := range []string{"a", "b", "c"} {
				saveMask(t, zones(t, g, c.inner, c.outer), root, "labelsTr", n+".nii.gz")
			}
			o := options(t, modelcard.Anatomy, root)
			o.Channels, o.Classes = c.channels, c.classes
			sameExamples(t, every(t, open(t, o)), want)
		})
	}
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c")
	if err := os.Rename(filepath.Join(root, "imagesTr"), filepath.Join(root, "pictures")); err != nil {
		t.Fatal(err)
	}
	saveText(t, `{"channel_names": {"0": "T2W"}, "labels": {"background": 0, "TZ": 1, "PZ": 2}, "dataset": {
		"a": {"images": ["pictures/a_0000.nii.gz"], "label": "labelsTr/a.nii.gz"},
		"b": {"images": ["pictures/b_0000.nii.gz"], "label": "labelsTr/b.nii.gz"},
		"c": {"images": ["pictures/c_0000.nii.gz"], "label": "labelsTr/c.nii.gz"}}}`, root, "dataset.json")
	sameExamples(t, every(t, open(t, options(t, modelcard.Anatomy, root))), want)
}

func sameExamples(t *testing.T, got, want map[string]*training.Example) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d examples, want %d", len(got), len(want))
	}
	for name, w := range want {
		x := got[name]
		if x == nil || !slices.Equal(x.Image.F32, w.Image.F32) || !slices.Equal(x.Label, w.Label) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestDatasetJSONThatIsNotUnderstoodSaysHowToHelp(t *testing.T) {
	for name, c := range map[string]struct {
		task  modelcard.Task
		json  string
		opts  func(*Options)
		words []string
	}{
		"no JSON":         {json: `{`, words: []string{"dataset.json is not as nnU-Net writes it", "correct it"}},
		"nothing":         {json: `{}`, words: []string{"names no channels"}},
		"channel":         {json: `{"channel_names": {"0": "CT"}, "labels": {"background": 0, "TZ": 1, "PZ": 2}}`, words: []string{`"CT"`, "understood as T2W", "CT=T2W"}},
		"twice":           {json: `{"channel_names": {"0": "T2", "1": "T2W"}, "labels": {"background": 0, "TZ": 1, "PZ": 2}}`, words: []string{"two channels for T2W", "none"}},
		"number":          {json: `{"channel_names": {"x": "T2"}, "labels": {"background": 0}}`, words: []string{`channel number "x"`}},
		"label":           {json: `{"channel_names": {"0": "T2"}, "labels": {"background": 0, "TZ": 1, "PZ": 2, "urethra": 3}}`, words: []string{`"urethra"`, "background, TZ, PZ", "urethra=TZ"}},
		"gland only":      {json: `{"channel_names": {"0": "T2"}, "labels": {"background": 0, "prostate": 1}}`, words: []string{"label value 1", "gland without a zone"}},
		"no PZ":           {json: `{"channel_names": {"0": "T2"}, "labels": {"background": 0, "TZ": 1}}`, words: []string{"understood as PZ", "class mapping"}},
		"two zones":       {json: `{"channel_names": {"0": "T2"}, "labels": {"background": 0, "TZ": [1, 2], "PZ": [2]}}`, words: []string{"label value 2", "both"}},
		"label value":     {json: `{"channel_names": {"0": "T2"}, "labels": {"background": 0, "TZ": 1.5, "PZ": 2}}`, words: []string{`"TZ": 1.5`, "whole number"}},
		"large value":     {json: `{"channel_names": {"0": "T2"}, "labels": {"background": 0, "TZ": 256, "PZ": 2}}`, words: []string{"0 to 255"}},
		"ending":          {json: `{"channel_names": {"0": "T2"}, "labels": {"background": 0}, "file_ending": ".tif"}`, words: []string{".tif", "convert"}},
		"no ADC":          {task: modelcard.Diagnosis, json: anatomyV2, words: []string{`"T2W"`, "understood as HBV"}},
		"foreign mapping": {json: anatomyV2, opts: func(o *Options) { o.Channels = map[string]string{"T3": "T2W"} }, words: []string{`names "T3"`}},
		"foreign class":   {json: anatomyV2, opts: func(o *Options) { o.Classes = map[string]string{"XZ": "TZ"} }, words: []string{`names "XZ"`}},
		"class":           {json: anatomyV2, opts: func(o *Options) { o.Classes = map[string]string{"TZ": "csPCa"} }, words: []string{`"csPCa" is no class`}},
		"role":            {json: anatomyV2, opts: func(o *Options) { o.Channels = map[string]string{"T2W": "T1"} }, words: []string{`role "T1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			saveText(t, c.json, root, "dataset.json")
			makeFolder(t, filepath.Join(root, "imagesTr"))
			makeFolder(t, filepath.Join(root, "labelsTr"))
			task := c.task
			if task == "" {
				task = modelcard.Anatomy
			}
			o := options(t, task, root)
			if c.opts != nil {
				c.opts(&o)
			}
			refused(t, o, ErrData, c.words...)
		})
	}
}

func TestNamesOfChannelsAndLabels(t *testing.T) {
	for name, want := range map[string]string{
		"T2": "T2W", "T2W": "T2W", "t2_tse_tra": "T2W", "MR_T2": "T2W", "ADC": "ADC", "adc map": "ADC", "HBV": "HBV", "DWI": "HBV",
		"b1400": "HBV", "DWI_b800": "HBV", "cDWI-b1500": "HBV", "b50": "", "T1": "", "noNorm": "", "1400": "", "b": "", "": "",
	} {
		if got := roleOf(name); got != want {
			t.Errorf("channel %q means %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"Transition Zone": "TZ", "pz": "PZ", "csPCa": "csPCa", "ISUP 1": "background", "isup3": "csPCa", "GGG2": "csPCa", "ISUP 6": "",
		"whole_gland": gland, "central zone": "", "bladder": "",
	} {
		if got := classOf(name); got != want {
			t.Errorf("label %q means %q, want %q", name, got, want)
		}
	}
}
