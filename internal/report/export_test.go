package report

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/prep"
	"bayeslice/internal/volume"
)

// everything exports all that there is of an anatomy and a diagnosis.
func everything(t *testing.T, dir string) Export {
	t.Helper()
	g := both(t)
	a := newScene(t, modelcard.Anatomy)
	return Export{Dir: dir, Items: Items[:], Exam: g.Exam, Predictions: g.Predictions, Program: "Bayeslice test",
		Labels: []Labels{{Name: "reader-zones", Meaning: "1 = TZ, 2 = PZ", Mask: a.reference}, {Name: "reader-lesions", Meaning: "1 = lesion", Mask: g.Predictions[1].Hard, Lesions: true, Assisted: true}}, View: image.NewRGBA(image.Rect(0, 0, 30, 20))}
}

// names lists a folder with what is hidden in it.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestExportWritesTheChosenFiles(t *testing.T) {
	dir := t.TempDir()
	x := everything(t, dir)
	x.Format = MHA
	var steps []string
	x.Progress = func(done, of int, file string) {
		if of != 28 || done != len(steps) { // 11 of the anatomy, 10 of the diagnosis, 2 labels, contours, 1 .json, 3 for people
			t.Errorf("progress %d of %d at %q", done, of, file)
		}
		steps = append(steps, file)
	}
	planned, existing, err := x.Names()
	if err != nil || len(existing) > 0 {
		t.Fatalf("existing %q, %v", existing, err)
	}
	written, err := x.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(planned, written) || !slices.Equal(slices.Sorted(slices.Values(written)), names(t, dir)) || !slices.Equal(append(slices.Clone(written), ""), steps) {
		t.Errorf("planned %q\nwritten %q\nthere %q\nsteps %q", planned, written, names(t, dir), steps)
	}
	for _, want := range []string{"study-4f2a_anatomy_zones.mha", "study-4f2a_anatomy_probability_tz.mha", "study-4f2a_anatomy_sd_pz.mha", "study-4f2a_anatomy_entropy.mha",
		"study-4f2a_diagnosis_lesions.mha", "study-4f2a_diagnosis_mutual_information.mha", "study-4f2a_reader-zones.mha", "study-4f2a_reader-lesions.mha",
		"study-4f2a_export.json", "study-4f2a_report.pdf", "study-4f2a_report.png", "study-4f2a_view.png"} {
		if !slices.Contains(written, want) {
			t.Errorf("%s is missing", want)
		}
	}
	checkExported(t, x)
	for _, name := range written {
		searchSecrets(t, filepath.Join(dir, name))
	}
}

// checkExported compares files with what the same voxels are by another road: one by one, from the prediction.
func checkExported(t *testing.T, x Export) {
	t.Helper()
	grid, _ := x.Exam.ReferenceGrid()
	path := func(name string) string { return filepath.Join(x.Dir, "study-4f2a_"+name+x.ending()) }
	img, err := imageio.Open(path("anatomy_probability_tz"))
	if err != nil {
		t.Fatal(err)
	}
	v, tz := img.Volumes[0], x.Predictions[0].Mean[1]
	if !v.Grid().SameAs(grid, 1e-4) {
		t.Errorf("TZ lies on %+v, want the T2W grid", v.Grid())
	}
	for _, at := range [][3]int{{60, 60, 6}, {70, 52, 5}, {40, 63, 8}, {60, 40, 3}} { // inside the model's grid, where sampling is linear
		world := grid.World(geom.Vec3{float64(at[0]), float64(at[1]), float64(at[2])})
		want := trilinear(tz, world)
		if got := v.At(at[0], at[1], at[2]); got-want > 1e-5 || want-got > 1e-5 {
			t.Errorf("TZ at %v is %g, want %g", at, got, want)
		}
	}
	labels, err := imageio.OpenMask(path("reader-zones"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(labels.Data(), x.Labels[0].Mask.Data()) {
		t.Error("the reader's labels changed on the way")
	}
	lesion, err := imageio.OpenMask(path("reader-lesions")) // drawn on another grid
	if err != nil {
		t.Fatal(err)
	}
	if ml, want := lesion.Region(1).ML, x.Labels[1].Mask.Region(1).ML; !lesion.Grid().SameAs(grid, 1e-4) || ml < 0.8*want || ml > 1.2*want {
		t.Errorf("labels from another grid: %.3f mL, had %.3f", ml, want)
	}
	data, err := os.ReadFile(filepath.Join(x.Dir, "study-4f2a_export.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p Provenance
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Results) != 2 || p.Results[0].Model.SHA256 != x.Predictions[0].ModelSHA || p.Results[1].Sampling.Seed != 7 || p.ResearchUse != Disclaimer ||
		len(p.Labels) != 2 || !strings.Contains(p.Labels[1].Meaning, "brought from another grid") || strings.Contains(p.Labels[0].Meaning, "another") || p.Results[0].Files[0].Name != "study-4f2a_anatomy_probability_tz.mha" {
		t.Errorf("the .json file says %+v", p)
	}
}

// trilinear weighs the eight voxels about a world point.
func trilinear(v *volume.Volume, world geom.Vec3) float32 {
	at, sum := v.Grid().Voxel(world), 0.0
	for corner := range 8 {
		weight, voxel := 1.0, [3]int{}
		for a := range 3 {
			low := math.Floor(at[a])
			voxel[a] = int(low) + corner>>a&1
			weight *= 1 - math.Abs(at[a]-float64(voxel[a]))
		}
		if weight > 1e-9 {
			sum += weight * float64(v.At(voxel[0], voxel[1], voxel[2]))
		}
	}
	return float32(sum)
}

func TestExportWritesNIfTIAndOnlyWhatWasChosen(t *testing.T) {
	dir := t.TempDir()
	x := everything(t, dir)
	x.Items, x.Name = []Item{Zones, Lesions}, "Reader 2, visit 3"
	if _, err := x.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"Reader 2, visit 3_anatomy_zones.nii.gz", "Reader 2, visit 3_diagnosis_cspca.nii.gz", "Reader 2, visit 3_diagnosis_lesions.nii.gz", "Reader 2, visit 3_export.json"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if m, err := imageio.OpenMask(filepath.Join(dir, want[0])); err != nil || len(m.Labels()) != 2 {
		t.Errorf("zones: %v", err)
	}
}

func TestExportReplacesOnlyWithConsent(t *testing.T) {
	dir := t.TempDir()
	x := everything(t, dir)
	x.Items, x.Labels = []Item{Zones, EditedLabels}, x.Labels[:1]
	mine := filepath.Join(dir, "study-4f2a_reader-zones.nii.gz")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, existing, err := x.Names(); err != nil || !slices.Equal(existing, []string{filepath.Base(mine)}) {
		t.Errorf("existing %q, %v", existing, err)
	}
	if _, err := x.Run(t.Context()); !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), filepath.Base(mine)) {
		t.Errorf("error = %v, want ErrExists that names the file", err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("a refused export left %q", got)
	}
	x.Overwrite = true
	if _, err := x.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := imageio.OpenMask(mine); err != nil {
		t.Errorf("the file was not replaced: %v", err)
	}
	if err := os.Remove(mine); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(mine, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Run(t.Context()); !errors.Is(err, ErrFolder) {
		t.Errorf("a folder in the way: %v", err)
	}
}

func TestExportRefusals(t *testing.T) {
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		change func(*Export)
		ctx    context.Context //nolint:containedctx // of one case of a table
		want   error
	}{
		"vanished folder": {func(x *Export) { x.Dir = filepath.Join(x.Dir, "gone") }, t.Context(), fs.ErrNotExist},
		"cancelled":       {func(*Export) {}, stopped, context.Canceled},
		"path as name":    {func(x *Export) { x.Name = "../elsewhere" }, t.Context(), ErrName},
		"hidden name":     {func(x *Export) { x.Name = ".hidden" }, t.Context(), ErrName},
		"twice":           {func(x *Export) { x.Items, x.Labels[1].Name = []Item{EditedLabels}, "READER-zones" }, t.Context(), ErrName},
		"nothing":         {func(x *Export) { x.Items = nil }, t.Context(), ErrNothing},
		"no exam":         {func(x *Export) { x.Exam = nil }, t.Context(), ErrNothing},
		"no sample":       {func(x *Export) { x.Predictions[0].Samples = 0 }, t.Context(), ErrNothing},
		"no labels":       {func(x *Export) { x.Items, x.Labels = []Item{EditedLabels}, nil }, t.Context(), ErrNothing},
		"no T2W":          {func(x *Export) { delete(x.Exam.Roles, exam.T2W) }, t.Context(), prep.ErrMissingRole},
		"no report":       {func(x *Export) { x.Items, x.Predictions = []Item{PagePDF}, nil }, t.Context(), ErrNothing},
	} {
		dir := t.TempDir()
		x := everything(t, dir)
		c.change(&x)
		written, err := x.Run(c.ctx)
		if !errors.Is(err, c.want) || len(written) > 0 {
			t.Errorf("%s: error = %v, want %v", name, err, c.want)
		}
		if left := names(t, dir); len(left) > 0 {
			t.Errorf("%s: %q was left", name, left)
		}
	}
}

func TestExportIntoAPlaceThatForbidsIt(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a folder that refuses everybody")
	}
	x := everything(t, "/sys") // refuses even root
	x.Items = []Item{Zones}
	if _, err := x.Run(t.Context()); !errors.Is(err, ErrFolder) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error = %v, want ErrFolder because of fs.ErrPermission", err)
	}
}

// A cancel in the middle leaves nothing, and what was there before.
func TestExportCancelledHalfWay(t *testing.T) {
	dir := t.TempDir()
	x := everything(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	x.Progress = func(done, _ int, _ string) {
		if done == 3 {
			cancel()
		}
	}
	if _, err := x.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("%q was left", left)
	}
}

// fullDisk asks this test, run again on a file system of its own, to export into 300 kB.
const fullDisk = "BAYESLICE_FULL_DISK"

func TestExportOnAFullDisk(t *testing.T) {
	if dir := os.Getenv(fullDisk); dir != "" {
		exportIntoFullDisk(t, dir)
		return
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=300k none "$0" && exec "$1" -test.run '^TestExportOnAFullDisk$' -test.v`, dir, self)
	cmd.Env = append(os.Environ(), fullDisk+"="+dir)
	out, err := cmd.CombinedOutput()
	if !strings.Contains(string(out), "RUN") {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func exportIntoFullDisk(t *testing.T, dir string) {
	t.Helper()
	mine := filepath.Join(dir, "study-4f2a_anatomy_zones.nii.gz")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := everything(t, dir)
	x.Overwrite = true
	_, err := x.Run(t.Context())
	if !errors.Is(err, ErrFolder) || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("error = %v, want ErrFolder that says what to do", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{filepath.Base(mine)}) {
		t.Errorf("the folder holds %q", got)
	}
	if data, err := os.ReadFile(mine); err != nil || string(data) != "mine" {
		t.Errorf("the user's file became %q, %v", data, err)
	}
}

func TestModelsOfOneTaskHaveFilesOfTheirOwn(t *testing.T) {
	a, b := newScene(t, modelcard.Anatomy), newScene(t, modelcard.Anatomy)
	b.prediction.ModelSHA = "fedcba9876543210"
	x := Export{Dir: t.TempDir(), Items: []Item{Zones}, Exam: a.exam, Predictions: []*inference.Prediction{a.prediction, b.prediction}}
	got, _, err := x.Names()
	if want := []string{"study-4f2a_anatomy-01234567_zones.nii.gz", "study-4f2a_anatomy-fedcba98_zones.nii.gz", "study-4f2a_export.json"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("names %q, %v", got, err)
	}
	if x.Predictions[1] = a.prediction; true {
		if _, _, err := x.Names(); !errors.Is(err, ErrName) {
			t.Errorf("one prediction twice: %v", err)
		}
	}
}

func TestPicturesAreReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	img := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	if err := WritePicture(path, img); err != nil {
		t.Fatal(err)
	}
	other := image.NewRGBA(image.Rect(0, 0, 8, 8))
	copy(other.Pix, img.Pix)
	other.Pix[40] = 7
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := samePicture("a.png", f, other); !errors.Is(err, ErrVerify) {
		t.Errorf("a changed pixel: %v", err)
	}
	if err := samePicture("a.png", strings.NewReader("no picture"), img); !errors.Is(err, ErrVerify) {
		t.Errorf("no picture: %v", err)
	}
}
