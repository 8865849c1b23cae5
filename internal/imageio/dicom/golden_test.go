package dicom

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"testing"

	"bayeslice/internal/testenv"
)

// files lists the regular files under root.
func files(t testing.TB, root string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// checksum is CRC-32 of little-endian float32 voxels, as the golden script computes it.
func checksum(v []float32) uint32 {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return crc32.ChecksumIEEE(b)
}

// golden is one volume of testdata/prostatex0000.json.
type golden struct {
	Series    int
	B         *float64
	Size      [3]int
	AffineLPS [3][4]float64
	Min, Max  float32
	CRC32     uint32
}

func readGolden(t testing.TB, name string) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []golden
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Every series of a real exam must have dcm2niix's grid to 1e-3 mm and its voxels exactly.
func TestProstateXEqualsDcm2niix(t *testing.T) {
	root := testenv.Data(t, "picai_prep", "ProstateX-0000")
	index, err := Scan(context.Background(), os.DirFS(root), files(t, root), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := readGolden(t, "prostatex0000.json")
	stacks := 0
	for _, s := range index.Series {
		stacks += len(s.Stacks)
	}
	if len(index.Series) != 7 || stacks != len(want) || len(index.Failures) != 0 {
		t.Fatalf("%d series in %d stacks, %d failures; want 7, %d, 0", len(index.Series), stacks, len(index.Failures), len(want))
	}
	for _, w := range want {
		found := false
		for _, s := range index.Series {
			for _, stack := range s.Stacks {
				if s.Header.SeriesNumber == w.Series && (w.B == nil || stack.B.Known && stack.B.Value == *w.B) {
					found = true
					compare(t, root, stack, w)
				}
			}
		}
		if !found {
			t.Errorf("series %d b %v is missing", w.Series, w.B)
		}
	}
}

// A GE ADC series, by the same script.
func TestGEADCEqualsDcm2niix(t *testing.T) {
	root := testenv.Data(t, "autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001", "ADC")
	index, err := Scan(context.Background(), os.DirFS(root), files(t, root), nil)
	if err != nil || len(index.Series) != 1 || len(index.Series[0].Stacks) != 1 {
		t.Fatal(index, err)
	}
	compare(t, root, index.Series[0].Stacks[0], readGolden(t, "ge_adc.json")[0])
}

func compare(t *testing.T, root string, s *Stack, w golden) {
	t.Helper()
	v, err := s.Load(context.Background(), os.DirFS(root), LoadOptions{})
	if err != nil {
		t.Errorf("series %d: %v", w.Series, err)
		return
	}
	if s.Grid.Size != w.Size || checksum(v) != w.CRC32 {
		t.Errorf("series %d: size %v, checksum %d; want %v, %d", w.Series, s.Grid.Size, checksum(v), w.Size, w.CRC32)
	}
	got, worst := s.Grid.Affine(), 0.0
	for r := range got {
		for c := range got[r] {
			worst = max(worst, math.Abs(got[r][c]-w.AffineLPS[r][c]))
		}
	}
	if worst > 1e-3 {
		t.Errorf("series %d: affine differs by %g mm", w.Series, worst)
	}
	t.Logf("series %d b %v: affine within %.2g mm of dcm2niix", w.Series, s.B, worst)
}
