package dataset

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/phantom"
	"bayeslice/internal/prep"
	"bayeslice/internal/testenv"
	"bayeslice/training"
)

// writePhantoms writes phantoms as `bayeslice phantom --count` does.
func writePhantoms(t *testing.T, root string, configs []phantom.Config) {
	t.Helper()
	for _, cfg := range configs {
		made := generated(t, cfg)
		dir := filepath.Join(root, "seed-"+string(rune('0'+cfg.Seed)))
		if err := made.WriteDICOM(context.Background(), filepath.Join(dir, "exam")); err != nil {
			t.Fatal(err)
		}
		if err := made.WriteLabels(filepath.Join(dir, "labels")); err != nil {
			t.Fatal(err)
		}
	}
}

func generated(t *testing.T, cfg phantom.Config) *phantom.Exam {
	t.Helper()
	made, err := phantom.Generate(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// A recipe that a tiny phantom can follow.
func phantomRecipe(task modelcard.Task) prep.Recipe {
	r := prep.PaperRecipe(task == modelcard.Diagnosis)
	r.SpacingMM, r.Size = [3]float64{2.43, 2.43, 5}, [3]int{32, 32, 12}
	return r
}

func TestPhantomsFromSeedsEqualThoseFromFolders(t *testing.T) {
	configs := []phantom.Config{tinyPhantom(1), tinyPhantom(2), tinyPhantom(3)}
	root := t.TempDir()
	writePhantoms(t, root, configs)
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		o := Options{Path: root, Task: task, Recipe: phantomRecipe(task), Cache: t.TempDir(), Folds: 3, Runs: 1}
		d := open(t, o)
		fromFolders := every(t, d)
		o.Path, o.Phantoms = "", configs
		direct := open(t, o)
		fromSeeds := every(t, direct)
		for _, d := range []*Dataset{d, direct} {
			data, err := d.Fold(0, 0, 1, training.Augmentation{})
			if err != nil {
				t.Fatal(err)
			}
			if o := data.Origin; o.Kind != "phantoms" || !o.Synthetic || !strings.HasPrefix(o.Description, "3 generated phantoms") {
				t.Errorf("%s: origin = %+v", task, o)
			}
		}
		for n, folder := range []string{"seed-1", "seed-2", "seed-3"} {
			a, b := fromFolders[folder], fromSeeds["phantom "+string(rune('1'+n))]
			if a == nil || b == nil {
				t.Fatalf("%s: exams %v, %v", task, d.Exams(), direct.Exams())
			}
			worst := 0.0
			for i := range a.Image.F32 {
				worst = max(worst, math.Abs(float64(a.Image.F32[i]-b.Image.F32[i])))
			}
			if worst > 1e-3 || !slices.Equal(a.Label, b.Label) {
				t.Errorf("%s: %s differs by up to %g, or its label", task, folder, worst)
			}
		}
	}
	o := Options{Phantoms: []phantom.Config{configs[0], configs[0]}, Task: modelcard.Anatomy, Recipe: phantomRecipe(modelcard.Anatomy), Cache: t.TempDir()}
	refused(t, o, ErrData, "two phantoms have the seed 1")
	o.Phantoms = []phantom.Config{{Seed: 3}}
	refused(t, o, phantom.ErrConfig)
	if c := Cohort(5, 3); len(c) != 3 || c[2].Seed != 7 || c[0].Lesions != phantom.RandomLesions {
		t.Errorf("cohort = %v", c)
	}
}

// One folder that `bayeslice phantom` wrote is one exam.
func TestOnePhantomFolderIsOneExam(t *testing.T) {
	root := t.TempDir()
	writePhantoms(t, root, []phantom.Config{tinyPhantom(1)})
	o := Options{Path: filepath.Join(root, "seed-1"), Task: modelcard.Anatomy, Recipe: phantomRecipe(modelcard.Anatomy), Cache: t.TempDir()}
	refused(t, o, ErrSplits, "fewer patients (1) than folds (5)")
}

// writeExams writes image files in one folder per exam and returns it.
func writeExams(t *testing.T, names ...string) string {
	t.Helper()
	root, g := t.TempDir(), testGrid(t)
	for n, name := range names {
		save(t, image(t, g, uint64(n+1)), root, name, "t2w.nii.gz")
	}
	return root
}

func TestMasksAreFoundWhereverTheyLie(t *testing.T) {
	g := testGrid(t)
	names := []string{"ex1", "ex2", "ex10"}
	reference := writeExams(t, names...)
	for _, n := range names {
		saveMask(t, zones(t, g, 1, 2), reference, n, "zones.nii.gz")
	}
	want := every(t, open(t, options(t, modelcard.Anatomy, reference)))
	if len(want) != 3 {
		t.Fatalf("%d exams", len(want))
	}
	for name, c := range map[string]struct {
		arrange func(root string, o *Options)
	}{
		"beside, several masks": {func(root string, _ *Options) {
			for _, n := range names {
				saveMask(t, zones(t, g, 1, 2), root, n, "derived", "zones_Yuan23_AI.nii.gz")
				saveMask(t, zones(t, g, 1, 1), root, n, "whole_gland.nii.gz")
				saveMask(t, zones(t, g, 1, 0), root, n, "lesion.nii.gz")
			}
		}},
		"a pattern": {func(root string, o *Options) {
			o.MaskPattern = "zones_B*"
			for _, n := range names {
				saveMask(t, zones(t, g, 2, 1), root, n, "zones_A.nii.gz")
				saveMask(t, zones(t, g, 1, 2), root, n, "zones_B.nii.gz")
			}
		}},
		"a folder called masks": {func(root string, _ *Options) {
			for _, n := range names {
				saveMask(t, zones(t, g, 1, 2), root, "masks", n+".nii.gz")
			}
		}},
		"another folder, by prefix, MHA": {func(_ string, o *Options) {
			o.Masks = t.TempDir()
			for _, n := range names {
				saveMask(t, zones(t, g, 1, 2), o.Masks, n+"_zones.mha")
				saveMask(t, zones(t, g, 1, 0), o.Masks, n+"_lesion.mha")
			}
		}},
		"some in the folder called labels, some beside": {func(root string, _ *Options) {
			saveMask(t, zones(t, g, 1, 2), root, "labels", "ex1.nii.gz")
			saveMask(t, zones(t, g, 1, 2), root, "ex2", "mask.nii.gz")
			saveMask(t, zones(t, g, 1, 2), root, "ex10", "tz_pz.mha")
		}},
		"another folder, one folder each": {func(_ string, o *Options) {
			o.Masks, o.Zones = t.TempDir(), PZTZ
			for _, n := range names {
				saveMask(t, zones(t, g, 2, 1), o.Masks, n, "segmentation.nii.gz")
			}
		}},
		"explicit values": {func(root string, o *Options) {
			o.Classes = map[string]string{"0": "background", "7": "TZ", "9": "PZ", "11": "background"}
			for _, n := range names {
				m := zones(t, g, 7, 9)
				data := slices.Clone(m.Data())
				data[0] = 11
				saveMask(t, mustMask(t, m, data), root, n, "zones.nii.gz")
			}
		}},
		"a list in CSV": {func(root string, o *Options) {
			o.Masks = ""
			for _, n := range names {
				saveMask(t, zones(t, g, 1, 2), root, "truth", "m"+n+".nii.gz")
			}
			saveText(t, "\ufeffExam, Mask, Patient\nex1,truth/mex1.nii.gz,P1\nex2,truth/mex2.nii.gz,P2\nex10,truth/mex10.nii.gz,P3\n", root, "exams.csv")
		}},
		"a list in JSON elsewhere": {func(root string, o *Options) {
			for _, n := range names {
				saveMask(t, zones(t, g, 1, 2), root, n, "zones.nii.gz")
			}
			o.Manifest = filepath.Join(t.TempDir(), "my.json")
			rel, err := filepath.Rel(filepath.Dir(o.Manifest), root)
			if err != nil {
				t.Fatal(err)
			}
			rel, root = filepath.ToSlash(rel), filepath.ToSlash(root)
			saveText(t, `[{"exam": "`+rel+`/ex1"}, {"exam": "`+root+`/ex2"}, {"exam": "`+rel+`/ex10", "patient": "P"}]`, o.Manifest)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			root := writeExams(t, names...)
			o := options(t, modelcard.Anatomy, root)
			c.arrange(root, &o)
			sameExamples(t, every(t, open(t, o)), want)
		})
	}
	t.Run("image files alone", func(t *testing.T) {
		root := t.TempDir()
		for n, name := range names {
			save(t, image(t, g, uint64(n+1)), root, name+".nii.gz")
			saveMask(t, zones(t, g, 1, 2), root, name+"_zones.nii.gz")
		}
		sameExamples(t, every(t, open(t, options(t, modelcard.Anatomy, root))), want)
	})
}

func TestLesionMasksByGrade(t *testing.T) {
	g := testGrid(t)
	root := writeExams(t, "a", "b", "c")
	for n, name := range []string{"a", "b", "c"} {
		for c, file := range []string{"adc.nii.gz", "hbv.nii.gz"} {
			save(t, image(t, g, uint64(20*n+c+7)), root, name, file)
		}
		saveMask(t, zones(t, g, uint8(n+1), 0), root, name, "lesion.nii.gz") // grades 1, 2, 3
	}
	o := options(t, modelcard.Diagnosis, root)
	for from, want := range map[uint8][]bool{0: {true, true, true}, 2: {false, true, true}, 3: {false, false, true}} {
		o.LesionFrom = from
		for i, e := range open(t, o).Exams() {
			if e.Positive != want[i] {
				t.Errorf("from grade %d: %s has csPCa: %t", from, e.Name, e.Positive)
			}
		}
	}
}

func TestFoldersThatDoNotSayEnoughAreRefused(t *testing.T) {
	g := testGrid(t)
	for name, c := range map[string]struct {
		arrange func(root string, o *Options)
		kind    error
		words   []string
	}{
		"no mask": {func(string, *Options) {}, training.ErrExample, []string{"ex1", "no mask for it was found beside its images", "DICOM SEG"}},
		"two masks": {func(root string, _ *Options) {
			saveMask(t, zones(t, g, 1, 2), root, "ex1", "zones_A.nii.gz")
			saveMask(t, zones(t, g, 1, 2), root, "ex1", "zones_B.nii.gz")
		}, training.ErrExample, []string{"ex1", "several masks", "zones_A.nii.gz, zones_B.nii.gz", "pattern"}},
		"DICOM SEG": {func(root string, _ *Options) {
			saveText(t, "x", root, "seg.dcm")
			saveText(t, "exam,mask\nex1,seg.dcm\n", root, "exams.csv")
		}, training.ErrExample, []string{"ex1", "DICOM SEG is not read yet"}},
		"no such mask": {func(root string, _ *Options) {
			saveText(t, "exam,mask\nex1,nowhere.nii.gz\n", root, "exams.csv")
		}, training.ErrExample, []string{"ex1", "nowhere.nii.gz cannot be read"}},
		"no such exam": {func(root string, _ *Options) {
			saveText(t, "exam\nex7\n", root, "exams.csv")
		}, training.ErrExample, []string{"ex7", "cannot be read"}},
		"value 3": {func(root string, _ *Options) {
			saveMask(t, zones(t, g, 1, 3), root, "ex1", "zones.nii.gz")
		}, training.ErrExample, []string{"ex1", "holds the value 3", "TZ 1, PZ 2"}},
		"NaN": {func(root string, _ *Options) {
			remove(t, root, "ex1", "t2w.nii.gz")
			poison(t, image(t, g, 3), filepath.Join(root, "ex1", "t2w.nii"))
			saveMask(t, zones(t, g, 1, 2), root, "ex1", "zones.nii.gz")
		}, training.ErrExample, []string{"ex1", "t2w.nii", "not finite"}},
		"no images": {func(root string, _ *Options) {
			remove(t, root, "ex1", "t2w.nii.gz")
			saveMask(t, zones(t, g, 1, 2), root, "ex1", "zones.nii.gz")
		}, training.ErrExample, []string{"ex1", "no image"}},
		"header":     {func(root string, _ *Options) { saveText(t, "a,b\n1,2\n", root, "exams.csv") }, ErrData, []string{"exams.csv", "no column exam"}},
		"empty list": {func(root string, _ *Options) { saveText(t, "exam\n", root, "exams.csv") }, ErrData, []string{"lists no exams"}},
		"twice":      {func(root string, _ *Options) { saveText(t, "exam\nex1\nex1\n", root, "exams.csv") }, ErrData, []string{"lists ex1 twice"}},
		"no name":    {func(root string, _ *Options) { saveText(t, "exam,mask\n,x\n", root, "exams.csv") }, ErrData, []string{"entry 1 names no exam"}},
		"bad JSON":   {func(root string, _ *Options) { saveText(t, `{"a": 1}`, root, "exams.json") }, ErrData, []string{"no JSON list"}},
		"ragged CSV": {func(root string, _ *Options) { saveText(t, "exam,mask\na\n", root, "exams.csv") }, ErrData, []string{"no CSV"}},
		"zones":      {func(_ string, o *Options) { o.Zones = "xy" }, ErrData, []string{"tz-pz or pz-tz"}},
		"no masks":   {func(_ string, o *Options) { o.Masks = "/nowhere/at/all" }, ErrData, []string{"folder of masks all is not there"}},
		"one name":   {func(root string, _ *Options) { saveText(t, "x", root, "ex1.zip") }, ErrData, []string{`two exams are called "ex1"`}},
		"pattern":    {func(_ string, o *Options) { o.MaskPattern = "[" }, ErrData, []string{"no pattern"}},
		"value":      {func(_ string, o *Options) { o.Classes = map[string]string{"one": "TZ"} }, ErrData, []string{`"one" is no value`}},
		"class":      {func(_ string, o *Options) { o.Classes = map[string]string{"1": "lung"} }, ErrData, []string{`"lung" is no class`}},
		"no ADC": {func(root string, o *Options) {
			o.Task, o.Recipe = modelcard.Diagnosis, smallRecipe(modelcard.Diagnosis)
			save(t, image(t, g, 9), root, "ex1", "hbv.nii.gz")
			saveMask(t, zones(t, g, 1, 0), root, "ex1", "lesion.nii.gz")
		}, training.ErrExample, []string{"ex1", "ADC"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := writeExams(t, "ex1")
			o := options(t, modelcard.Anatomy, root)
			c.arrange(root, &o)
			refused(t, o, c.kind, c.words...)
		})
	}
}

func TestNamesThatBeginWithAnother(t *testing.T) {
	for name, want := range map[string]bool{"ex1": true, "ex1_zones": true, "ex1-a": true, "ex1.b": true, "ex10": false, "ex1b": false, "ex": false, "ex1ü": false} {
		if got := named(name, "ex1"); got != want {
			t.Errorf("%q belongs to ex1: %t", name, got)
		}
	}
	got := shortNames(map[string]string{"a/x": "/r/a/x", "b/x": "/r/b/x", "y.nii.gz": "/r/y.nii.gz"})
	if got["a/x"] != "a/x" || got["b/x"] != "b/x" || got["y.nii.gz"] != "y" {
		t.Errorf("names = %v", got)
	}
}

// The real exam in DICOM with its public zone masks, whose values are 1 = PZ and 2 = TZ.
func TestRealExamWithPublicMasks(t *testing.T) {
	images := testenv.Data(t, "picai_prep", "ProstateX-0000")
	masks := testenv.Data(t, "picai_labels", "cases", "11373_1001396")
	dir := t.TempDir()
	saveText(t, "exam,mask\n"+images+","+filepath.Join(masks, "zones_Yuan23_AI.nii.gz")+"\n", dir, "exams.csv")
	recipe := prep.PaperRecipe(false)
	recipe.SpacingMM, recipe.Size = [3]float64{1.25, 1.25, 3}, [3]int{64, 64, 20}
	o := Options{Path: dir, Task: modelcard.Anatomy, Recipe: recipe, Cache: t.TempDir(), Zones: PZTZ, Folds: 2}
	// one exam makes no folds, so the exam is looked at before that
	if err := o.fill(); err != nil {
		t.Fatal(err)
	}
	_, sources, err := o.list()
	if err != nil {
		t.Fatal(err)
	}
	d := &Dataset{options: o, shape: shapeOf(o.Task, recipe), memory: newMemory(1)}
	x, a, err := d.make(context.Background(), sources[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Notes) > 0 || a.Synthetic || a.Patient == "" || sources[0].name != "ProstateX-0000" {
		t.Errorf("about = %+v", a)
	}
	// The transition zone lies in front of the peripheral zone: its centre has the smaller j.
	var sum, count [3]float64
	for i, c := range x.Label {
		count[c]++
		sum[c] += float64(i / 64 % 64)
	}
	if tz, pz := sum[1]/count[1], sum[2]/count[2]; tz > pz-4 {
		t.Errorf("TZ at row %.1f, PZ at row %.1f of 64", tz, pz)
	}
	ml := 1.25 * 1.25 * 3 / 1000
	if wg := (count[1] + count[2]) * ml; wg < 20 || wg > 120 || count[1] < 1000 || count[2] < 1000 {
		t.Errorf("TZ %.1f mL, PZ %.1f mL", count[1]*ml, count[2]*ml)
	}
	// The whole exam with the mask of another patient is refused.
	other := filepath.Join(testenv.Data(t, "picai_labels", "cases", "10000_1000000"), "zones_Yuan23_AI.nii.gz")
	sources[0].mask = other
	if _, _, err := d.make(context.Background(), sources[0]); !errors.Is(err, training.ErrExample) || !strings.Contains(err.Error(), "ProstateX-0000") {
		t.Errorf("with another patient's mask: %v", err)
	}
}

// A real exam in NIfTI, cropped, with several masks. One mask is of the whole image, another lacks the first
// slices of it.
func TestRealExamInNIfTI(t *testing.T) {
	images := testenv.Data(t, "jiang-cw_PI-CAI_10000")
	masks := testenv.Data(t, "picai_labels", "cases", "10000_1000000")
	dir := t.TempDir()
	recipe := phantomRecipe(modelcard.Anatomy)
	recipe.SpacingMM[2] = 3
	o := Options{Path: dir, Task: modelcard.Anatomy, Recipe: recipe, Cache: t.TempDir(), Zones: PZTZ, Folds: 2}
	saveText(t, "exam\n"+images+"\n", dir, "exams.csv")
	refused(t, o, training.ErrExample, "jiang-cw_PI-CAI_10000", "several masks", "zones_HeviAI23_AI.nii.gz, zones_Yuan23_AI.nii.gz")
	o.MaskPattern = "zones_Yuan*"
	refused(t, o, ErrSplits, "fewer patients (1)") // prepared, and too few for folds
	o.MaskPattern = ""
	saveText(t, "exam,mask\n"+images+","+filepath.Join(masks, "zones_HeviAI23_AI.nii.gz")+"\n", dir, "exams.csv")
	refused(t, o, training.ErrExample, "does not fit its T2W image", "640 × 640 × 25", "256 × 256 × 12")
	// The crop kept the header of the whole image, so that it is not where its header says: the whole image's
	// mask covers that place, and has nothing there.
	saveText(t, "exam,mask\n"+images+","+filepath.Join(masks, "zones_Yuan23_AI.nii.gz")+"\n", dir, "exams.csv")
	refused(t, o, training.ErrExample, "label is empty")
}
