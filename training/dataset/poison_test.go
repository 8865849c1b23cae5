package dataset

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/nifti"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
	"bayeslice/training"
)

// poison writes a NaN into an image file that is uncompressed NIfTI.
func poison(t *testing.T, v *volume.Volume, path string) {
	t.Helper()
	if err := nifti.WriteVolume(path, v); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(data[352+4*1000:], math.Float32bits(float32(math.NaN())))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// moved returns the grid somewhere else.
func moved(g geom.Grid, by geom.Vec3) geom.Grid {
	g.Origin = g.Origin.Add(by)
	return g
}

// Each case spoils exam "bad" of four. Opening must say so by name, and leave it out where that is wanted.
func TestPoisonedExamsAreNamed(t *testing.T) {
	g := testGrid(t)
	empty, err := volume.NewMask(g, make([]uint8, g.Voxels()))
	if err != nil {
		t.Fatal(err)
	}
	flat := mustVolume(t, g, make([]float32, g.Voxels()))
	corner := make([]uint8, g.Voxels())
	corner[0], corner[1] = 1, 2
	far, err := volume.NewMask(g, corner)
	if err != nil {
		t.Fatal(err)
	}
	short := g
	short.Size[2] = 5
	for name, c := range map[string]struct {
		spoil func(root string)
		words []string
	}{
		"NaN in the image": {func(root string) {
			poison(t, image(t, g, 3), filepath.Join(root, "imagesTr", "bad_0000.nii"))
		}, []string{"bad_0000.nii", "1 values that are not finite"}},
		"empty label":     {func(root string) { saveMask(t, empty, root, "labelsTr", "bad.nii") }, []string{"label is empty"}},
		"wrong classes":   {func(root string) { saveMask(t, zones(t, g, 1, 5), root, "labelsTr", "bad.nii") }, []string{"holds the value 5", "dataset.json"}},
		"no image":        {func(root string) { remove(t, root, "imagesTr", "bad_0000.nii") }, []string{"has a label, but no images"}},
		"no label":        {func(root string) { remove(t, root, "labelsTr", "bad.nii") }, []string{"no label file"}},
		"flat image":      {func(root string) { save(t, flat, root, "imagesTr", "bad_0000.nii") }, []string{"contrast"}},
		"damaged image":   {func(root string) { saveText(t, "no image", root, "imagesTr", "bad_0000.nii") }, []string{"copy it again"}},
		"damaged label":   {func(root string) { saveText(t, "no image", root, "labelsTr", "bad.nii") }, []string{"its mask:"}},
		"label of floats": {func(root string) { save(t, mustHalf(t, g), root, "labelsTr", "bad.nii") }, []string{"its mask:"}},
		"other position": {func(root string) {
			saveMask(t, zones(t, moved(g, geom.Vec3{30, 0, 0}), 1, 2), root, "labelsTr", "bad.nii")
		}, []string{"as many voxels", "header was lost"}},
		"too few slices": {func(root string) { saveMask(t, zones(t, short, 1, 2), root, "labelsTr", "bad.nii") }, []string{"does not fit its T2W image", "48 × 48 × 5 voxels"}},
		"mask far away":  {func(root string) { saveMask(t, far, root, "labelsTr", "bad.nii") }, []string{"label is empty"}},
		"several frames": {func(root string) {
			saveText(t, string(fourD(t, g)), root, "imagesTr", "bad_0000.nii")
		}, []string{"holds 2 frames"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			saveText(t, strings.ReplaceAll(anatomyV2, ".nii.gz", ".nii"), root, "dataset.json")
			for n, name := range []string{"ok1", "ok2", "ok3", "bad"} {
				save(t, image(t, g, uint64(n+1)), root, "imagesTr", name+"_0000.nii")
				saveMask(t, zones(t, g, 1, 2), root, "labelsTr", name+".nii")
			}
			c.spoil(root)
			o := options(t, modelcard.Anatomy, root)
			refused(t, o, training.ErrExample, append(c.words, "bad")...)
			o.Skip = true
			d := open(t, o)
			if len(d.Exams()) != 3 || len(d.Skipped()) != 1 || !strings.Contains(d.Skipped()[0].Error(), "bad") {
				t.Errorf("%d exams used, left out: %v", len(d.Exams()), d.Skipped())
			}
			for f := range 3 {
				data, err := d.Fold(0, f, 1, training.Augmentation{})
				if err == nil && data.Origin.Exams+data.Origin.Validation != 3 {
					t.Errorf("fold %d has %+v", f, data.Origin)
				}
			}
		})
	}
}

func remove(t *testing.T, elem ...string) {
	t.Helper()
	if err := os.Remove(filepath.Join(elem...)); err != nil {
		t.Fatal(err)
	}
}

// mustHalf is an image of halves, which is no mask.
func mustHalf(t *testing.T, g geom.Grid) *volume.Volume {
	t.Helper()
	data := make([]float32, g.Voxels())
	for i := range data {
		data[i] = 0.5
	}
	return mustVolume(t, g, data)
}

// fourD returns the bytes of a NIfTI with two frames.
func fourD(t *testing.T, g geom.Grid) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.nii")
	if err := nifti.WriteVolume(path, image(t, g, 1)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint16(data[40:], 4) // dim[0]
	binary.LittleEndian.PutUint16(data[48:], 2) // dim[4]
	return append(data, data[352:]...)
}

func TestExamsWithoutADCAreNamed(t *testing.T) {
	root := t.TempDir()
	writeDiagnosis(t, root, "a", "b", "c", "bad")
	remove(t, root, "imagesTr", "bad_0001.mha")
	o := options(t, modelcard.Diagnosis, root)
	refused(t, o, training.ErrExample, "bad", "has no ADC image", "bad_0001.mha")
	o.Skip = true
	if d := open(t, o); len(d.Exams()) != 3 || len(d.Skipped()) != 1 {
		t.Errorf("%d used, %v left out", len(d.Exams()), d.Skipped())
	}
	// An exam without cancer is no mistake; one whose lesion the model's grid does not reach is.
	g := testGrid(t)
	writeDiagnosis(t, root, "a", "b", "c", "bad")
	far := make([]uint8, g.Voxels())
	far[0] = 1
	m, err := volume.NewMask(g, far)
	if err != nil {
		t.Fatal(err)
	}
	saveMask(t, m, root, "labelsTr", "bad.mha")
	o.Skip = false
	o.Recipe.Size = [3]int{8, 8, 4}
	refused(t, o, training.ErrExample, "bad", "do not reach the model's grid")
	// a map whose unit nobody can tell
	odd := make([]float32, g.Voxels())
	for i := range odd {
		odd[i] = float32(40 + i%7)
	}
	save(t, mustVolume(t, g, odd), root, "imagesTr", "bad_0001.mha")
	refused(t, o, training.ErrExample, "bad", "unit")
}

func TestNothingLeftIsAnError(t *testing.T) {
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b")
	remove(t, root, "labelsTr", "a.nii.gz")
	remove(t, root, "labelsTr", "b.nii.gz")
	o := options(t, modelcard.Anatomy, root)
	o.Skip = true
	refused(t, o, ErrData, "none of the 2 exams", "no label file")
	refused(t, options(t, modelcard.Anatomy, t.TempDir()), ErrData, "no exam was found")
	makeFolder(t, filepath.Join(root, "x", "imagesTr"))
	refused(t, options(t, modelcard.Anatomy, filepath.Join(root, "x")), ErrData, "no dataset.json")
	refused(t, options(t, modelcard.Anatomy, filepath.Join(root, "dataset.json")), ErrData, "is a file")
	refused(t, options(t, modelcard.Anatomy, filepath.Join(root, "nowhere")), os.ErrNotExist)
	refused(t, options(t, "heart", root), ErrData, `no task "heart"`)
	refused(t, options(t, modelcard.Anatomy, ""), ErrData, "either a folder")
	saveText(t, "x", root, "imagesTr", "noNumber.nii.gz")
	refused(t, o, ErrData, "noNumber.nii.gz", "rename")
}

// A mask on another grid is read where it covers what the model reads, and says so.
func TestMasksOnAnotherGridThatCoversAreRead(t *testing.T) {
	g := testGrid(t)
	fine, err := geom.NewGrid([3]int{60, 60, 20}, g.World(geom.Vec3{-1, -1, -1}), geom.Vec3{0.9, 0.9, 1.8}, g.Dir)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	writeAnatomy(t, root, "a", "b", "c")
	want := every(t, open(t, options(t, modelcard.Anatomy, root)))
	data := make([]uint8, fine.Voxels()) // the same balls, about the image's middle
	for k := range fine.Size[2] {
		for j := range fine.Size[1] {
			for i := range fine.Size[0] {
				switch r := fine.World(geom.Vec3{float64(i), float64(j), float64(k)}).Sub(g.Centre()).Norm(); {
				case r < 6:
					data[fine.Index(i, j, k)] = 1
				case r < 12:
					data[fine.Index(i, j, k)] = 2
				}
			}
		}
	}
	m, err := volume.NewMask(fine, data)
	if err != nil {
		t.Fatal(err)
	}
	saveMask(t, m, root, "labelsTr", "a.nii.gz")
	// a shift below half a voxel is rounding
	saveMask(t, zones(t, moved(g, geom.Vec3{0.3, 0, 0}), 1, 2), root, "labelsTr", "b.nii.gz")
	d := open(t, options(t, modelcard.Anatomy, root))
	texts := map[string]string{}
	for _, i := range d.Issues() {
		texts[i.Exam] += i.Text
	}
	if !strings.Contains(texts["a"], "another grid") || !strings.Contains(texts["b"], "less than half a voxel") || texts["c"] != "" {
		t.Errorf("issues = %v", texts)
	}
	got, different := every(t, d)["a"], 0
	for i, c := range got.Label {
		if c != want["a"].Label[i] {
			different++
		}
	}
	if different > len(got.Label)/20 {
		t.Errorf("%d of %d labels differ", different, len(got.Label))
	}
}
