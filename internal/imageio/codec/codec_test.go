package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"bayeslice/internal/syserr"
)

func TestWriteFileReplacesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.nii")
	for _, text := range []string{"first, and longer", "second"} {
		if err := WriteFile(path, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("file holds %q, %v", b, err)
		}
	}
}

// A disk that is full half way shows itself as an error of a write.
func TestWriteFileLeavesNothingWhereItFails(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{
		{syserr.DiskFull, "the disk is full: free some space"},
		{syserr.ReadOnlyDisk, "choose another folder or ask for access"},
		{syserr.FileTooBig, "choose another disk"},
		{errors.New("odd"), "check the disk"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.nii")
		if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := WriteFile(path, func(w io.Writer) error {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
			return &fs.PathError{Op: "write", Path: "part", Err: c.err}
		})
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: error %v", c.err, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "before" {
			t.Errorf("%v: the file became %q, %v", c.err, b, err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%v: folder holds %v, %v", c.err, entries, err)
		}
	}
}

func TestWriteFileSaysWhyAFolderRefuses(t *testing.T) {
	nothing := func(io.Writer) error { return nil }
	dir := t.TempDir()
	if err := WriteFile(filepath.Join(dir, "missing", "a.nii"), nothing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("missing folder: %v", err)
	}
	if err := WriteFile(dir, nothing); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder as file: %v", err)
	}
	if runtime.GOOS == "linux" { // nobody, not even root, creates files there
		if err := WriteFile("/sys/bayeslice.nii", nothing); err == nil || !strings.Contains(err.Error(), "not permitted") {
			t.Errorf("read-only folder: %v", err)
		}
	}
}

func TestWriteFileFromManyGoroutines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.nii")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			text := bytes.Repeat([]byte{byte('a' + n)}, 1<<17)
			if err := WriteFile(path, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(path)
	if err != nil || len(b) != 1<<17 || bytes.Count(b, b[:1]) != len(b) {
		t.Errorf("%d bytes of mixed origin, %v", len(b), err)
	}
}

func TestNumbersThereAndBack(t *testing.T) {
	for n := Uint8; n <= Float64; n++ {
		values := []float32{0, 1, 100, 127}
		if strings.HasPrefix(n.String(), "int") || !n.Integer() {
			values = append(values, -1, -128)
		}
		if !n.Integer() {
			values = append(values, 0.1, -1e30)
		}
		if err := CheckRange(values, n); err != nil {
			t.Fatal(err)
		}
		little := Append(nil, values, n)
		if len(little) != len(values)*n.Size() {
			t.Fatalf("%v: %d bytes", n, len(little))
		}
		big := make([]byte, len(little))
		for i := range little {
			v := i / n.Size()
			big[v*n.Size()+n.Size()-1-i%n.Size()] = little[i]
		}
		for order, b := range map[binary.ByteOrder][]byte{binary.LittleEndian: little, binary.BigEndian: big} {
			got := make([]float32, len(values))
			if bad := Decode(got, b, n, order, Identity); bad != 0 || fmt.Sprint(got) != fmt.Sprint(values) {
				t.Errorf("%v %v: %v, want %v (%d not finite)", n, order, got, values, bad)
			}
		}
	}
}

func TestCheckRangeRefusesWhatDoesNotFit(t *testing.T) {
	nan := float32(math.NaN())
	for n, bad := range map[Number][]float32{
		Uint8: {-1, 256, nan}, Int8: {-129, 128}, Uint16: {-1, 65536}, Int16: {-32769, 32768}, Uint32: {-1, 1 << 32},
		Int32: {1 << 31}, Uint64: {-1, 1 << 64}, Int64: {1 << 63, float32(math.Inf(1))}, NumberUnknown: {0}, 99: {0},
	} {
		for _, v := range bad {
			if err := CheckRange([]float32{0, v}, n); !errors.Is(err, ErrUnsupported) {
				t.Errorf("type %d, value %g: %v", n, v, err)
			}
		}
	}
	if b := Append(nil, []float32{0.5, 1.5, 2.4, 254.6}, Uint8); !bytes.Equal(b, []byte{0, 2, 2, 255}) {
		t.Errorf("rounded to %v", b)
	}
}

func TestDecodeCountsWhatIsNotFinite(t *testing.T) {
	var b []byte
	for _, v := range []float64{1, math.NaN(), math.Inf(-1), 1e300} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	got := make([]float32, 4)
	if bad := Decode(got, b, Float64, binary.LittleEndian, Scale{Slope: 2, Inter: 1}); bad != 3 || fmt.Sprint(got) != "[3 0 0 0]" {
		t.Errorf("%d not finite, %v", bad, got)
	}
}

func TestLayoutBoundsMemory(t *testing.T) {
	for _, c := range []struct {
		l    Layout
		want error
	}{
		{Layout{Size: [3]int{1 << 15, 1 << 15, 1}, Frames: 1, Number: Uint8}, ErrTooLarge},
		{Layout{Size: [3]int{math.MaxInt, math.MaxInt, math.MaxInt}, Frames: math.MaxInt, Number: Uint8}, ErrTooLarge},
		{Layout{Size: [3]int{0, 1, 1}, Frames: 1, Number: Uint8}, ErrFormat},
		{Layout{Size: [3]int{100, 100, 100}, Frames: 2, Number: Float64}, nil},
	} {
		if n, err := c.l.Bytes(); !errors.Is(err, c.want) || err == nil && n != 16e6 {
			t.Errorf("%v: %d, %v; want %v", c.l, n, err, c.want)
		}
	}
	l := Layout{Size: [3]int{1000, 1000, 100}, Frames: 1, Number: Uint8, Order: binary.LittleEndian, Scale: Identity}
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, _, err := l.ReadFrames(Source{R: strings.NewReader("short"), Stored: 5, Compressed: true}); !errors.Is(err, ErrTruncated) {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 1<<16 {
		t.Errorf("%d bytes taken for a file of 5", allocated)
	}
}

func TestStreamTellsGzipByContent(t *testing.T) {
	for _, c := range []struct {
		raw  string
		gzip bool
		err  error
	}{{"", false, nil}, {"\x1f", false, nil}, {"plain", false, nil}, {"\x1f\x8bdamage", false, ErrFormat}} {
		s, err := NewStream(strings.NewReader(c.raw), int64(len(c.raw)))
		if !errors.Is(err, c.err) || err == nil && s.Gzip != c.gzip {
			t.Errorf("%q: %+v, %v", c.raw, s, err)
		}
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Open(dir); !errors.Is(err, ErrFormat) {
		t.Errorf("folder: %v", err)
	}
	if _, _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
	if _, _, err := Open(os.DevNull); !errors.Is(err, ErrFormat) {
		t.Errorf("device: %v", err)
	}
}
