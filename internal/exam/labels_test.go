package exam

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/imageio"
	"bayeslice/internal/volume"
)

// saveMask writes labels, one voxel of which is set, on the grid of [image].
func saveMask(t *testing.T, path string, label uint8) {
	t.Helper()
	g := image(t, 0).Grid()
	labels := make([]uint8, g.Voxels())
	labels[7] = label
	m, err := volume.NewMask(g, labels)
	if err == nil {
		err = imageio.WriteMask(path, m)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestLabelsOfAZIPAreReadOnDemand(t *testing.T) {
	root := save(t, map[string]*volume.Volume{"t2w.mhd": image(t, 300)})
	saveMask(t, filepath.Join(root, "zones.mhd"), 2)
	names, err := listFiles(context.Background(), root, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files["case/"+name], err = os.ReadFile(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	zipped := zipOf(t, files)
	e, err := Open(context.Background(), zipped, Options{})
	if err != nil || len(e.Labels) != 1 {
		t.Fatalf("exam %+v, %v", e, err)
	}
	if m, err := e.Labels[0].Mask(); err != nil || m.Data()[7] != 2 {
		t.Errorf("labels %+v, %v", m, err)
	}
	if err := os.WriteFile(zipped, []byte("gone"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Labels[0].Mask(); !errors.Is(err, ErrUnreadable) {
		t.Errorf("labels of a ZIP that is gone: %v", err)
	}
}

func TestFolderOfLabelsAloneEndsEarly(t *testing.T) {
	root := t.TempDir()
	for n := range 40 {
		saveMask(t, filepath.Join(root, fmt.Sprintf("%05d_1000.nii", n)), 1)
	}
	read := 0
	_, err := Open(context.Background(), root, Options{Progress: func(p Progress) { read = p.Done }})
	if !errors.Is(err, ErrNoImages) || !strings.Contains(err.Error(), "first 16 of 40 files") || read != 16 {
		t.Errorf("%d files read, %v", read, err)
	}
	if err := imageio.Write(filepath.Join(root, "z_t2w.nii"), image(t, 300)); err != nil {
		t.Fatal(err)
	}
	if e, err := Open(context.Background(), root, Options{}); err != nil || e.Chosen(T2W) == nil || len(e.Labels) != 40 {
		t.Errorf("an image behind many labels: %v", err)
	}
}

func TestImageFilesAreBounded(t *testing.T) {
	root := save(t, map[string]*volume.Volume{"t2w.nii": image(t, 300), "adc.nii": image(t, 1200)})
	saveMask(t, filepath.Join(root, "zones.nii"), 2) // held by nobody
	paths := []string{filepath.Join(root, "adc.nii"), filepath.Join(root, "t2w.nii"), filepath.Join(root, "zones.nii")}
	bytes := int64(4 * image(t, 0).Grid().Voxels())
	for limit, want := range map[int64]error{2 * bytes: nil, 2*bytes - 1: ErrTooLarge} {
		op := &opener{keys: newKeyer(nil), maxBytes: limit}
		if _, err := op.files(context.Background(), place{}, paths); !errors.Is(err, want) {
			t.Errorf("%d bytes allowed: %v", limit, err)
		}
	}
}

func TestHashVoxelsIsTheHashOfTheirBytes(t *testing.T) {
	data := make([]float32, 1<<15+3)
	var text strings.Builder
	for i := range data {
		data[i] = float32(i % 2)
		text.WriteString("\x00\x00" + map[int]string{0: "\x00\x00", 1: "\x80\x3f"}[i%2])
	}
	k := newKeyer(nil)
	if got, want := k.hashVoxels(64, "grid", data), k.hash(64, "grid", text.String()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
