package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"bayeslice/internal/imageio/nifti"
	"bayeslice/internal/phantom"
	"bayeslice/internal/volume"
)

// nnuNet DIR N writes N phantoms of few voxels as an nnU-Net raw dataset for diagnosis: case1, case2, …,
// each with a lesion.
func nnuNet(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: nnunet DIR N")
	}
	root, n := ts.MkAbs(args[0]), 0
	_, err := fmt.Sscan(args[1], &n)
	ts.Check(err)
	for _, sub := range []string{"imagesTr", "labelsTr"} {
		ts.Check(os.MkdirAll(filepath.Join(root, sub), 0o750))
	}
	for i := 1; i <= n; i++ {
		made, err := phantom.Generate(context.Background(), fewVoxels(uint64(i)))
		ts.Check(err)
		for c, v := range []*volume.Volume{made.T2W, made.HighB.Volume, made.ADC} {
			ts.Check(nifti.WriteVolume(filepath.Join(root, "imagesTr", fmt.Sprintf("case%d_%04d.nii.gz", i, c)), v))
		}
		ts.Check(nifti.WriteMask(filepath.Join(root, "labelsTr", fmt.Sprintf("case%d.nii.gz", i)), made.Labels.Lesions))
	}
	text, err := json.Marshal(map[string]any{"channel_names": map[string]string{"0": "T2W", "1": "HBV", "2": "ADC"},
		"labels": map[string]int{"background": 0, "csPCa": 1}, "numTraining": n, "file_ending": ".nii.gz"})
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(root, "dataset.json"), text, 0o600))
}

// poison DIR CASE nan|class|noadc spoils one case of an nnU-Net dataset.
func poison(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: poison DIR CASE nan|class|noadc")
	}
	image := func(c int) string {
		return filepath.Join(ts.MkAbs(args[0]), "imagesTr", fmt.Sprintf("%s_%04d.nii.gz", args[1], c))
	}
	label := filepath.Join(ts.MkAbs(args[0]), "labelsTr", args[1]+".nii.gz")
	switch args[2] {
	case "nan":
		list, _, err := nifti.Open(image(0))
		ts.Check(err)
		data := slices.Clone(list[0].Data())
		for i := len(data) / 3; i < len(data)*2/3; i++ {
			data[i] = float32(math.NaN())
		}
		v, err := volume.New(list[0].Grid(), data, "")
		ts.Check(err)
		ts.Check(nifti.WriteVolume(image(0), v))
	case "class":
		rewriteMask(ts, label, func(c uint8) uint8 { return 7 * c })
	case "noadc":
		ts.Check(os.Remove(image(2)))
	default:
		ts.Fatalf("there is no poison %q", args[2])
	}
}

// emptyMask FILE sets every voxel of a mask to 0.
func emptyMask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: emptymask FILE")
	}
	rewriteMask(ts, ts.MkAbs(args[0]), func(uint8) uint8 { return 0 })
}

// rewriteMask changes every value of a mask file.
func rewriteMask(ts *testscript.TestScript, path string, change func(uint8) uint8) {
	list, _, err := nifti.Open(path)
	ts.Check(err)
	data := make([]uint8, len(list[0].Data()))
	for i, v := range list[0].Data() {
		data[i] = change(uint8(v))
	}
	m, err := volume.NewMask(list[0].Grid(), data)
	ts.Check(err)
	ts.Check(nifti.WriteMask(path, m))
}
