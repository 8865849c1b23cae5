package openjpeg

import (
	"context"
	"errors"
	"os"
	"testing"
)

// value is pixel (x, y) of the pictures that testdata/pictures.py compressed.
func value(x, y int) int32 {
	v := 37*x + 91*y + 13*x*y
	if x > 8 {
		v += 500
	}
	return int32(v % 4096)
}

func picture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReversiblePicturesAreExact(t *testing.T) {
	for _, name := range []string{"reversible.j2k", "reversible.jp2", "tiles.j2k", "modes.j2k"} {
		got, err := Decode(context.Background(), picture(t, name), 40, 30)
		if err != nil || got.Bits != 12 || got.Signed {
			t.Errorf("%s: %d bits, signed %v, %v", name, got.Bits, got.Signed, err)
			continue
		}
		for i, v := range got.Samples {
			if want := value(i%40, i/40); v != want {
				t.Errorf("%s: pixel (%d, %d) is %d, want %d", name, i%40, i/40, v, want)
				break
			}
		}
	}
}

// Series are read by several goroutines at once.
func TestConcurrentDecoding(t *testing.T) {
	data := picture(t, "reversible.j2k")
	results := make(chan error, 8)
	for range cap(results) {
		go func() {
			got, err := Decode(context.Background(), data, 40, 30)
			if err == nil && got.Samples[41] != value(1, 1) {
				err = errors.New("other values than alone")
			}
			results <- err
		}()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	good := picture(t, "reversible.j2k")
	for name, c := range map[string]struct {
		data          []byte
		width, height int
		want          error
	}{
		"another size": {good, 41, 30, ErrSize},
		"no size":      {good, 0, 30, ErrSize},
		"vast":         {good, 1 << 20, 1 << 20, ErrTooLarge},
		"colour":       {picture(t, "colour.j2k"), 40, 30, ErrComponents},
		"text":         {[]byte("no codestream at all"), 40, 30, ErrCodestream},
		"nothing":      {nil, 40, 30, ErrCodestream},
		"header alone": {good[:60], 40, 30, ErrCodestream},
	} {
		if _, err := Decode(context.Background(), c.data, c.width, c.height); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Decode(ctx, good, 40, 30); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Whatever bytes are changed, decoding ends without harm.
func TestDamageStaysInTheSandbox(t *testing.T) {
	good := picture(t, "tiles.j2k")
	for at := 0; at < len(good); at += 7 {
		bad := append([]byte(nil), good...)
		bad[at] ^= 0x5A
		if _, err := Decode(context.Background(), bad, 40, 30); err != nil && !errors.Is(err, ErrCodestream) && !errors.Is(err, ErrSize) && !errors.Is(err, ErrComponents) {
			t.Fatalf("byte %d of %d: %v", at, len(good), err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	data := picture(b, "slice.j2k")
	for b.Loop() {
		if _, err := Decode(context.Background(), data, 128, 128); err != nil {
			b.Fatal(err)
		}
	}
}
