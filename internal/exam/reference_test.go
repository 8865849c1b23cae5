package exam

import (
	"context"
	"io/fs"
	"math"
	"os"
	"path"
	"testing"

	"bayeslice/internal/geom"
	"bayeslice/internal/imageio"
	"bayeslice/internal/imageio/dicom"
	"bayeslice/internal/testenv"
	"bayeslice/internal/volume"
)

// stacksUnder scans a folder of the test data and returns its stacks in order.
func stacksUnder(t *testing.T, folder string) (root string, stacks []*dicom.Stack) {
	t.Helper()
	root = testenv.Data(t, folder)
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && path.Ext(name) != ".json" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	index, err := dicom.Scan(context.Background(), os.DirFS(root), names, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range index.Series {
		stacks = append(stacks, s.Stacks...)
	}
	return root, stacks
}

// places compares two images voxel by voxel at one place in the patient, whatever the order of their axes. It returns the
// largest distance of a voxel's centre from one of the other image's, mm, and the largest difference of their values
// after those of a were multiplied by factor.
func places(a, b *volume.Volume, factor float64) (mm, value float64) {
	g, h := a.Grid(), b.Grid()
	for k := range g.Size[2] {
		for j := range g.Size[1] {
			for i := range g.Size[0] {
				p := g.World(geom.Vec3{float64(i), float64(j), float64(k)})
				q := h.Voxel(p)
				near := geom.Vec3{math.Round(q[0]), math.Round(q[1]), math.Round(q[2])}
				mm = max(mm, h.World(near).Sub(p).Norm())
				x, y, z := int(near[0]), int(near[1]), int(near[2])
				if !h.Contains(x, y, z) {
					return math.Inf(1), math.Inf(1)
				}
				want := float64(b.Data()[h.Index(x, y, z)])
				got := float64(a.Data()[g.Index(i, j, k)]) * factor
				value = max(value, math.Abs(got-want))
			}
		}
	}
	return mm, value
}

// Every series that came with a reference NIfTI has its voxels at its places: classic and enhanced, uncompressed, JPEG 2000 and
// JPEG Lossless, magnitude and field map. The NIfTI were made by dcm2niix (dcm_qa) and by hand-checked software (dicom2nifti).
func TestSeriesEqualTheirReferenceNIfTI(t *testing.T) {
	const xa, philips = "dcm_qa_enh/Ref/Siemens_REST1_w_SMS_PF7-8_6.nii", "dcm_qa_enh/Ref/Philips_WIP_B0_NS_801_e"
	for _, c := range []struct {
		folder string
		stack  int
		nifti  string
		frame  int
		factor float64 // 0: found from the images, since dcm2niix undoes a private scale of Philips
		value  float64 // tolerance
	}{
		{"dcm_qa_enh/In/Siemens/XA10", 0, xa, 0, 1, 0},
		{"dcm_qa_enh/In/Siemens/XA10", 1, xa, 1, 1, 0},
		{"dcm_qa_enh/In/Siemens/XA10", 2, xa, 2, 1, 0},
		{"dcm_qa_enh/In/Siemens/XA10", 3, xa, 3, 1, 0},
		{"dcm_qa_enh/In/Philips", 0, philips + "1.nii", 0, 0, 1e-6},
		{"dcm_qa_enh/In/Philips", 1, philips + "2_fieldmaphz.nii", 0, 1, 0.01}, // Hz; a stored step is 0.24
		{"dicom2nifti/generic/compressed/001", 0, "dicom2nifti/generic/compressed/001_ground_truth.nii.gz", 0, 1, 0},
		{"dicom2nifti/generic/compressed_jpeg/001", 0, "dicom2nifti/generic/compressed_jpeg/001_ground_truth.nii.gz", 0, 1, 0},
		{"dicom2nifti/failing/slicecount/001", 0, "dicom2nifti/failing/slicecount/001_ground_truth.nii.gz", 0, 1, 0},
	} {
		root, stacks := stacksUnder(t, c.folder)
		data, err := stacks[c.stack].Load(context.Background(), os.DirFS(root), dicom.LoadOptions{})
		if err != nil {
			t.Errorf("%s: %v", c.folder, err)
			continue
		}
		got, err := volume.New(stacks[c.stack].Grid, data, "")
		if err != nil {
			t.Fatal(err)
		}
		img, err := imageio.Open(testenv.Data(t, c.nifti))
		if err != nil {
			t.Fatal(err)
		}
		want, tolerance := img.Volumes[c.frame], c.value
		if got.Grid().Voxels() != want.Grid().Voxels() {
			t.Errorf("%s: %v voxels, the reference has %v", c.folder, got.Grid().Size, want.Grid().Size)
		}
		factor := c.factor
		if factor == 0 {
			factor = brightest(want) / brightest(got)
			tolerance *= brightest(want)
		}
		mm, value := places(got, want, factor)
		if mm > 0.01 || value > tolerance {
			t.Errorf("%s stack %d: places within %g mm, values within %g of %s", c.folder, c.stack, mm, value, c.nifti)
		}
		t.Logf("%s stack %d: places within %.2g mm, values within %.2g (× %.6g)", c.folder, c.stack, mm, value, factor)
	}
}

func brightest(v *volume.Volume) float64 {
	most := float32(0)
	for _, x := range v.Data() {
		most = max(most, x)
	}
	return float64(most)
}
