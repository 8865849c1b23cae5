package dataset

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/tensor"
	"bayeslice/training"
)

// preparation is the version of what this program makes of an exam and a recipe; cached files of another
// version are not found.
const preparation = 1

const (
	cacheMagic = "bayeslice example 1\n"
	maxAbout   = 1 << 20 // bytes
)

// errDamaged marks a cached file that is not what was written.
var errDamaged = errors.New("dataset: damaged cached exam")

// prints identify an exam by the SHA-256, hex, of bytes; names of folders are no part of them.
type prints struct {
	key    string // everything that determines the example: recipe, task, meaning of mask values, all files
	images string // the files besides the mask, whatever they are called: copies of one exam have the same
}

// prints reads the files of an exam and identifies them.
func (o *Options) prints(ctx context.Context, s *source) (prints, error) {
	recipe, err := json.Marshal(o.Recipe)
	if err != nil {
		return prints{}, fmt.Errorf("dataset: %w", err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "preparation %d\n%s\n%s\n%x\n%s\n", preparation, o.Task, recipe, s.table.class, s.extra)
	images := []string{s.extra}
	for _, f := range s.files {
		if err := ctx.Err(); err != nil {
			return prints{}, err
		}
		sum, err := hashFile(f)
		if err != nil {
			return prints{}, bad(s.name, fmt.Errorf("%s cannot be read (%w); restore it", filepath.Base(f), pathCause(err)))
		}
		fmt.Fprintf(h, "%q %v %x\n", filepath.Base(f), f == s.mask, sum)
		if f != s.mask {
			images = append(images, hex.EncodeToString(sum))
		}
	}
	slices.Sort(images)
	all := sha256.Sum256([]byte(strings.Join(images, "\n")))
	return prints{key: hex.EncodeToString(h.Sum(nil)), images: hex.EncodeToString(all[:])}, nil
}

// hashFile returns the SHA-256 of a file's bytes.
func hashFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// patientHash stands for a patient's ID where it is kept: the same ID gives the same hash, which does not
// show it.
func patientHash(id string) string {
	if id == "" {
		return ""
	}
	m := hmac.New(sha256.New, []byte("bayeslice patient of a dataset v1"))
	m.Write([]byte(id))
	return hex.EncodeToString(m.Sum(nil))[:16]
}

// file returns the path of a cached exam.
func (d *Dataset) file(e *entry) string {
	return filepath.Join(d.options.Cache, e.key[:32]+".example")
}

// write stores an example: magic, length and JSON of what is known about it, image, label, and the SHA-256
// of all that. Numbers are little-endian.
func (d *Dataset) write(e *entry, x *training.Example) error {
	head, err := json.Marshal(e.about)
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	return codec.WritePrivateFile(d.file(e), func(w io.Writer) error {
		h := sha256.New()
		out := io.MultiWriter(w, h)
		lead := binary.LittleEndian.AppendUint32([]byte(cacheMagic+e.key), uint32(len(head)))
		if _, err := out.Write(append(lead, head...)); err != nil {
			return err
		}
		if err := codec.WriteValues(out, x.Image.F32, codec.Float32); err != nil {
			return err
		}
		if _, err := out.Write(x.Label); err != nil {
			return err
		}
		_, err := w.Write(h.Sum(nil))
		return err
	})
}

// read reads a cached exam. It fails with [fs.ErrNotExist], or errDamaged for anything that was not written
// like that.
func (d *Dataset) read(e *entry) (*training.Example, about, error) {
	voxels := d.shape.Size[0] * d.shape.Size[1] * d.shape.Size[2]
	lead := len(cacheMagic) + len(e.key) + 4
	payload := 4*d.shape.Channels*voxels + voxels
	data, err := codec.ReadSmall(d.file(e), int64(lead+maxAbout+payload+sha256.Size))
	if errors.Is(err, codec.ErrTooLarge) {
		return nil, about{}, errDamaged
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, about{}, err
	}
	if err != nil || len(data) < lead+payload+sha256.Size {
		return nil, about{}, errDamaged
	}
	body, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) || !bytes.HasPrefix(body, []byte(cacheMagic+e.key)) {
		return nil, about{}, errDamaged
	}
	head := int64(binary.LittleEndian.Uint32(body[lead-4:]))
	if int64(len(body)) != int64(lead)+head+int64(payload) {
		return nil, about{}, errDamaged
	}
	var a about
	if err := json.Unmarshal(body[lead:int64(lead)+head], &a); err != nil || len(a.Voxels) != d.shape.Classes {
		return nil, about{}, errDamaged
	}
	x := d.decode(e.source.name, body[int64(lead)+head:], voxels)
	if x.Check(d.shape) != nil {
		return nil, about{}, errDamaged
	}
	return x, a, nil
}

// decode makes an example of its bytes.
func (d *Dataset) decode(name string, data []byte, voxels int) *training.Example {
	s := d.shape
	x := &training.Example{Exam: name, Image: tensor.NewFloat32(1, s.Channels, s.Size[0], s.Size[1], s.Size[2])}
	for i := range x.Image.F32 {
		x.Image.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	x.Label = bytes.Clone(data[len(data)-voxels:]) // a part would keep the whole file in memory
	return x
}
