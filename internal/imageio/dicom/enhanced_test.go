package dicom

import (
	"context"
	"fmt"
	"os"
	"testing"

	"bayeslice/internal/imageio/dicom/dicomtest"
	"bayeslice/internal/testenv"
)

// enhanced makes an enhanced MR object of n slices at each of b = 50 and 800, the b-values and
// positions in per-frame groups, orientation, spacing and rescale shared.
func enhanced(n int) []el {
	var frames [][]el
	var pixels []uint16
	for f := range 2 * n {
		b := []float64{50, 800}[f%2]
		z := fmt.Sprintf(`1\2\%d`, 3*(f/2))
		frames = append(frames, []el{
			{Tag: 0x00209113, VR: "SQ", Value: [][]el{{{Tag: 0x00200032, VR: "DS", Value: z}}}},
			{Tag: 0x00189117, VR: "SQ", Value: [][]el{{{Tag: 0x00189087, VR: "FD", Value: []float64{b}}}}},
		})
		pixels = append(pixels, uint16(f), 0, 0, 0)
	}
	s := dicomtest.Slice{Columns: 2, Rows: 2, Pixels: pixels, Extra: []el{
		{Tag: 0x00080016, VR: "UI", Value: "1.2.840.10008.5.1.4.1.1.4.1"},
		{Tag: 0x00189008, VR: "CS", Value: "SPIN"}, {Tag: 0x00280008, VR: "IS", Value: fmt.Sprint(2 * n)}, {Tag: 0x52009230, VR: "SQ", Value: frames},
		{Tag: 0x52009229, VR: "SQ", Value: [][]el{{
			{Tag: 0x00189112, VR: "SQ", Value: [][]el{{{Tag: 0x00180080, VR: "DS", Value: "4500"}}}},
			{Tag: 0x00209116, VR: "SQ", Value: [][]el{{{Tag: 0x00200037, VR: "DS", Value: `1\0\0\0\1\0`}}}},
			{Tag: 0x00289110, VR: "SQ", Value: [][]el{{{Tag: 0x00280030, VR: "DS", Value: `0.7\0.6`}}}},
			{Tag: 0x00289145, VR: "SQ", Value: [][]el{{{Tag: 0x00281053, VR: "DS", Value: "2"}, {Tag: 0x00281052, VR: "DS", Value: "5"}}}},
		}}},
	}}
	return s.Elements()
}

func TestEnhancedMultiFrameIsSplitByB(t *testing.T) {
	for _, syntax := range []string{dicomtest.ExplicitLE, dicomtest.ImplicitLE, dicomtest.ExplicitBE} {
		s, fsys := scanOne(t, dicomtest.Encode(syntax, enhanced(3)))
		if len(s.Stacks) != 2 {
			t.Fatalf("%s: %d stacks, want 2", syntax, len(s.Stacks))
		}
		if h := s.Header; h.RepetitionTime != 4500 || h.ScanningSequence != "SE" {
			t.Errorf("%s: TR %g, sequence %q", syntax, h.RepetitionTime, h.ScanningSequence)
		}
		for i, b := range []float64{50, 800} {
			st := s.Stacks[i]
			if st.B.Value != b || st.Grid.Size != [3]int{2, 2, 3} || st.Grid.Spacing != [3]float64{0.6, 0.7, 3} || st.Grid.Origin != [3]float64{1, 2, 0} {
				t.Errorf("%s: b %v grid %+v", syntax, st.B, st.Grid)
			}
			for k, v := 0, load(t, st, fsys); k < 3; k++ {
				if want := float32(2*(2*k+i) + 5); v[4*k] != want {
					t.Errorf("%s: b %g slice %d begins with %g, want %g", syntax, b, k, v[4*k], want)
				}
			}
		}
	}
}

// Four time points of a Siemens XA series against the reference NIfTI that came with it, as testdata/nifti_golden.py sums them up.
func TestEnhancedEqualsDcm2niix(t *testing.T) {
	root := testenv.Data(t, "dcm_qa_enh", "In", "Siemens", "XA10")
	index, err := Scan(context.Background(), os.DirFS(root), files(t, root), nil)
	if err != nil || len(index.Series) != 1 {
		t.Fatalf("%d series, %v", len(index.Series), err)
	}
	want := readGolden(t, "siemens_xa10.json")
	if len(index.Series[0].Stacks) != len(want) {
		t.Fatalf("%d stacks, want %d", len(index.Series[0].Stacks), len(want))
	}
	for i, w := range want {
		compare(t, root, index.Series[0].Stacks[i], w)
	}
}
