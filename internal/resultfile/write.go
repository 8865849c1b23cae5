package resultfile

import (
	"archive/zip"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"bayeslice/inference"
	"bayeslice/internal/imageio/codec"
	"bayeslice/internal/volume"
)

// Write writes predictions to a file that only its owner can read, whole or not at all, in the place of one that is
// there. It takes a second or so for a hundred megabytes and ends early when ctx does. It fails with [ErrResults].
func Write(ctx context.Context, path string, all []Kept) error {
	err := codec.WritePrivateFile(path, func(w io.Writer) error { return write(ctx, w, all) })
	if err != nil {
		return fmt.Errorf("%w: %w", ErrResults, err)
	}
	return nil
}

func write(ctx context.Context, to io.Writer, all []Kept) error {
	w := zip.NewWriter(to)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestSpeed) })
	x := index{Version: version, Results: make([]record, len(all))}
	for i, k := range all {
		x.Results[i] = recordOf(k)
	}
	f, err := w.Create(indexName)
	if err == nil {
		err = json.NewEncoder(f).Encode(x)
	}
	for i, k := range all {
		if err == nil {
			err = writeMaps(ctx, w, i, k.Prediction)
		}
	}
	if err != nil {
		return err
	}
	return w.Close()
}

// indexName is the entry with everything but maps and samples.
const indexName = "index.json"

// Names of the entries of prediction i: float32 maps, the most probable classes, and samples as bytes.
func mapsName(i int) string    { return fmt.Sprintf("%d/maps.f32", i) }
func hardName(i int) string    { return fmt.Sprintf("%d/hard.u8", i) }
func samplesName(i int) string { return fmt.Sprintf("%d/samples.u8", i) }

func recordOf(k Kept) record {
	p := k.Prediction
	r := record{Key: k.Key(), Card: p.Card, Requested: p.Requested, Stop: p.Stop, StopNote: p.StopNote, Stability: p.Stability,
		Device: p.Device, SecondsPerSample: p.SecondsPerSample, Grid: p.Grid, Volumes: p.Volumes, Issues: p.Issues, Moved: p.Moved, Changes: p.Changes, Fallbacks: p.Fallbacks}
	for _, l := range p.Lesions {
		r.Lesions = append(r.Lesions, lesion{l, l.Voxels})
	}
	if p.Store != nil {
		r.Store = &box{p.Store.Lo, p.Store.Hi, p.Store.Len()}
	}
	return r
}

// maps lists the maps of a prediction in the order in which they are stored.
func maps(p *inference.Prediction) []*volume.Volume {
	var out []*volume.Volume
	out = append(append(out, p.Mean...), p.SD...)
	return append(out, p.Entropy, p.ExpectedEntropy, p.MutualInformation)
}

func writeMaps(ctx context.Context, w *zip.Writer, i int, p *inference.Prediction) error {
	f, err := w.Create(mapsName(i))
	if err != nil {
		return err
	}
	for _, m := range maps(p) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := codec.WriteValues(f, m.Data(), codec.Float32); err != nil {
			return err
		}
	}
	if f, err = w.Create(hardName(i)); err != nil {
		return err
	}
	if _, err = f.Write(p.Hard.Data()); err != nil || p.Store == nil {
		return err
	}
	if f, err = w.Create(samplesName(i)); err != nil {
		return err
	}
	for n := range p.Store.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := f.Write(p.Store.Sample(n)); err != nil {
			return err
		}
	}
	return nil
}
