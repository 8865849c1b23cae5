package resultfile

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/volume"
)

// Read reads the predictions of a file that are wanted, in the order of the file. What can be read is returned beside
// the errors of what cannot: [ErrResults], [io/fs.ErrNotExist] where there is no file, or ctx's error.
func Read(ctx context.Context, path string, want func(Key) bool) ([]Kept, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrResults, path, err)
	}
	defer z.Close() //nolint:errcheck // it was only read
	x, err := readIndex(&z.Reader)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrResults, path, err)
	}
	var out []Kept
	var errs []error
	for i, r := range x.Results {
		if err := ctx.Err(); err != nil {
			return out, errors.Join(append(errs, err)...)
		}
		if !want(r.Key) {
			continue
		}
		p, err := r.prediction(&z.Reader, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: %s: result %d: %w", ErrResults, path, i+1, err))
			continue
		}
		out = append(out, Kept{r.Inputs, p})
	}
	return out, errors.Join(errs...)
}

// maxIndex bounds index.json, bytes: the voxels of large candidates of many results are a few megabytes.
const maxIndex = 64 << 20

var (
	errOther = errors.New("it is no file of results of this version of the program")
	errShape = errors.New("its parts do not fit each other")
)

func readIndex(z *zip.Reader) (index, error) {
	f, err := z.Open(indexName)
	if err != nil {
		return index{}, errOther
	}
	defer f.Close() //nolint:errcheck // it was only read
	var x index
	text, err := io.ReadAll(io.LimitReader(f, maxIndex)) // to the end, where the checksum is compared
	if err != nil {
		return index{}, err
	}
	if err := json.Unmarshal(text, &x); err != nil {
		return index{}, err
	}
	if x.Version != version {
		return index{}, fmt.Errorf("%w: it has version %d, this program reads %d", errOther, x.Version, version)
	}
	return x, nil
}

// prediction reads the maps and samples that belong to a record.
func (r record) prediction(z *zip.Reader, i int) (*inference.Prediction, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	p := &inference.Prediction{Card: r.Card, ModelSHA: r.Model, Seed: r.Seed, Samples: r.Samples, Requested: r.Requested, Stop: r.Stop,
		StopNote: r.StopNote, Stability: r.Stability, Device: r.Device, SecondsPerSample: r.SecondsPerSample, Grid: r.Grid,
		Volumes: r.Volumes, Issues: r.Issues, Moved: r.Moved, Changes: r.Changes, Fallbacks: r.Fallbacks}
	for _, l := range r.Lesions {
		l.Lesion.Voxels = l.Voxels
		p.Lesions = append(p.Lesions, l.Lesion)
	}
	if err := r.readMaps(z, i, p); err != nil {
		return nil, err
	}
	if r.Store == nil {
		return p, nil
	}
	size := len(r.Card.Classes) * r.Store.voxels()
	data, err := entry(z, samplesName(i), size*r.Store.Samples)
	if err != nil {
		return nil, err
	}
	samples := make([][]uint8, r.Store.Samples)
	for n := range samples {
		samples[n] = data[n*size : (n+1)*size : (n+1)*size]
	}
	p.Store, err = inference.NewSampleStore(r.Store.Lo, r.Store.Hi, len(r.Card.Classes), samples)
	return p, err
}

// readMaps fills in the maps of a prediction.
func (r record) readMaps(z *zip.Reader, i int, p *inference.Prediction) error {
	k, n := len(r.Card.Classes), r.Grid.Voxels()
	count := 2*k + 3
	data, err := entry(z, mapsName(i), 4*n*count)
	if err != nil {
		return err
	}
	all := make([]*volume.Volume, count)
	for m := range all {
		values := make([]float32, n)
		if codec.Decode(values, data[4*n*m:4*n*(m+1)], codec.Float32, binary.LittleEndian, codec.Identity) > 0 {
			return fmt.Errorf("%w: a map holds values that are no numbers", errShape)
		}
		unit := "probability"
		if m >= 2*k {
			unit = "nats"
		}
		if all[m], err = volume.New(r.Grid, values, unit); err != nil {
			return err
		}
	}
	p.Mean, p.SD = all[:k:k], all[k:2*k:2*k]
	p.Entropy, p.ExpectedEntropy, p.MutualInformation = all[2*k], all[2*k+1], all[2*k+2]
	hard, err := entry(z, hardName(i), n)
	if err != nil {
		return err
	}
	if slices.Max(hard) >= uint8(k) {
		return fmt.Errorf("%w: a label of no class", errShape)
	}
	p.Hard, err = volume.NewMask(r.Grid, hard)
	return err
}

// check refuses a record whose parts contradict each other.
func (r record) check() error {
	g, err := geom.NewGrid(r.Grid.Size, r.Grid.Origin, r.Grid.Spacing, r.Grid.Dir)
	switch {
	case err != nil:
		return err
	case !g.SameAs(r.Grid, 1e-6):
		return fmt.Errorf("%w: the axes of the grid are not of length one", errShape)
	case len(r.Card.Classes) < 2 || len(r.Card.Classes) > 255 || r.Card.Task != modelcard.Anatomy && r.Card.Task != modelcard.Diagnosis:
		return fmt.Errorf("%w: task %q with %d classes", errShape, r.Card.Task, len(r.Card.Classes))
	case r.Samples < 1:
		return fmt.Errorf("%w: %d samples", errShape, r.Samples)
	}
	if err := r.Card.Recipe.Validate(); err != nil {
		return err
	}
	if b := r.Store; b != nil && (b.Samples < 0 || b.Samples > min(r.Samples, maxStored) || !within(b.Lo, b.Hi, r.Grid.Size)) {
		return fmt.Errorf("%w: %d samples of voxels %v to %v", errShape, b.Samples, b.Lo, b.Hi)
	}
	for _, l := range r.Lesions {
		if !r.Grid.Contains(l.PeakVoxel[0], l.PeakVoxel[1], l.PeakVoxel[2]) || !l.PeakWorld.Finite() {
			return fmt.Errorf("%w: a candidate off the grid", errShape)
		}
		for _, v := range l.Voxels {
			if v < 0 || int(v) >= r.Grid.Voxels() {
				return fmt.Errorf("%w: a candidate off the grid", errShape)
			}
		}
	}
	return nil
}

// maxStored bounds the number of stored samples, so that sizes computed from it stay numbers.
const maxStored = 1 << 20

// within reports whether a box holds voxels and lies on a grid of a size.
func within(lo, hi, size [3]int) bool {
	for a := range 3 {
		if lo[a] < 0 || hi[a] <= lo[a] || hi[a] > size[a] {
			return false
		}
	}
	return true
}

// densest is more than Deflate can compress anything by, so that a small file cannot ask for much memory.
const densest = 1100

// entry reads an entry that must have a size.
func entry(z *zip.Reader, name string, size int) ([]byte, error) {
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("%w: %s is missing", errShape, name)
	}
	f := z.File[i]
	if f.UncompressedSize64 != uint64(size) || f.CompressedSize64 < uint64(size)/densest {
		return nil, fmt.Errorf("%w: %s has %d bytes instead of %d", errShape, name, f.UncompressedSize64, size)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // it was only read
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// The checksum is compared at the end of the entry.
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}
