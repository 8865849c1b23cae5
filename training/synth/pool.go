package synth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/phantom"
)

// fill makes or reads the pool.
func (g *Generator) fill(ctx context.Context) error {
	c := &g.config
	if c.Cache != "" {
		if err := os.MkdirAll(c.Cache, 0o700); err != nil {
			return fmt.Errorf("synth: folder for the anatomies: %w", err)
		}
	}
	g.pool = make([]*plate, c.Anatomies)
	grp, ctx := errgroup.WithContext(ctx)
	grp.SetLimit(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	done := 0
	notes := make([]string, c.Anatomies)
	for i := range g.pool {
		grp.Go(func() error {
			p, note, err := cached(ctx, c.Cache, c.Seed, forPool, uint64(i))
			if err != nil {
				return err
			}
			g.pool[i], notes[i] = p, note
			mu.Lock()
			defer mu.Unlock()
			done++
			if c.Progress != nil {
				c.Progress(done, c.Anatomies)
			}
			return nil
		})
	}
	if err := grp.Wait(); err != nil {
		return err
	}
	for _, n := range notes {
		if n != "" {
			g.notes = append(g.notes, n)
		}
	}
	return nil
}

// cached returns an anatomy from the folder, or makes it and puts it there. note says what was wrong with
// a file that could not be used.
func cached(ctx context.Context, folder string, seed uint64, which purpose, n uint64) (p *plate, note string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	if folder == "" {
		p, err = drawPlate(ctx, seed, which, n)
		return p, "", err
	}
	key := plateKey(seed, which, n)
	path := filepath.Join(folder, key[:20]+".anatomy")
	p, err = readPlate(path, key)
	if err == nil {
		return p, "", nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		note = fmt.Sprintf("The kept anatomy %s could not be used (%v); it was made anew.", filepath.Base(path), err)
	}
	if p, err = drawPlate(ctx, seed, which, n); err != nil {
		return nil, "", err
	}
	if err := codec.WritePrivateFile(path, func(w io.Writer) error { return p.write(w, key) }); err != nil {
		return nil, "", fmt.Errorf("synth: keep an anatomy: %w", err)
	}
	return p, note, nil
}

// plateKey names everything that determines an anatomy on the lattice.
func plateKey(seed uint64, which purpose, n uint64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "layout %d phantom %d seed %d purpose %d number %d", layout, phantom.Generation, seed, which, n))
	return hex.EncodeToString(sum[:])
}

// A file of one anatomy is its key, the plate's bytes, and the SHA-256 of all before.
const keyBytes = 2 * sha256.Size

// bytes returns the plate as one block.
func (p *plate) bytes() []byte {
	b := make([]byte, 0, plateBytes)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.glandML))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p.tzML))
	b = append(b, p.first...)
	b = append(b, p.second...)
	return append(b, p.tone...)
}

func (p *plate) write(w io.Writer, key string) error {
	b := append([]byte(key), p.bytes()...)
	sum := sha256.Sum256(b)
	_, err := w.Write(append(b, sum[:]...))
	return err
}

// errDamaged says why a file is not the anatomy it should be.
var errDamaged = errors.New("its contents are damaged")

func readPlate(path, key string) (*plate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) != keyBytes+plateBytes+sha256.Size {
		return nil, errDamaged
	}
	body, want := b[:keyBytes+plateBytes], b[keyBytes+plateBytes:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], want) || string(body[:keyBytes]) != key {
		return nil, errDamaged
	}
	body = body[keyBytes:]
	p := &plate{
		glandML: math.Float64frombits(binary.LittleEndian.Uint64(body)),
		tzML:    math.Float64frombits(binary.LittleEndian.Uint64(body[8:])),
	}
	body = body[16:]
	p.first, p.second, p.tone = body[:latticePoints:latticePoints], body[latticePoints:2*latticePoints:2*latticePoints], body[2*latticePoints:]
	return p, nil
}
