package dicom

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// headerWorkers is how many files are read at once: enough to hide a disk's latency.
const headerWorkers = 4

// Failure is a DICOM file that could not be used, and why.
type Failure struct {
	Name string // within the file system
	Err  error
}

// Index is what a list of files holds.
type Index struct {
	Series    []*Series      // ordered by number, then instance UID
	NotDICOM  []string       // files that are something else
	NotImages map[string]int // DICOM files without an image to read, by kind ("SR", "SEG", "DICOMDIR", …)
	// Segmentations are the names of DICOM SEG objects, which NotImages counts too.
	Segmentations []string
	Failures      []Failure // DICOM files that are damaged or not supported, by name
}

// Scan reads the headers of the named files, several at a time, and sorts them into series. each
// (nil: none) is called after every file, one call at a time. A file that cannot be read is
// reported in the index; only ctx's error stops the scan.
func Scan(ctx context.Context, fsys fs.FS, names []string, each func()) (*Index, error) {
	index := &Index{NotImages: map[string]int{}}
	bySeries := map[string][]*Header{}
	var mu sync.Mutex
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(headerWorkers)
	for _, name := range names {
		if gctx.Err() != nil {
			break
		}
		group.Go(func() error {
			h, err := ReadHeader(fsys, name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				key := h.Study + "\x00" + h.Series
				bySeries[key] = append(bySeries[key], h)
			case errors.Is(err, ErrNotDICOM):
				index.NotDICOM = append(index.NotDICOM, name)
			case errors.Is(err, ErrNotImage):
				kind := notImageKind(h)
				index.NotImages[kind]++
				if kind == "SEG" {
					index.Segmentations = append(index.Segmentations, name)
				}
			default:
				index.Failures = append(index.Failures, Failure{name, err})
			}
			if each != nil {
				each()
			}
			return gctx.Err()
		})
	}
	if err := errors.Join(group.Wait(), ctx.Err()); err != nil {
		return nil, ctx.Err()
	}
	for _, key := range slices.Sorted(maps.Keys(bySeries)) {
		index.Series = append(index.Series, newSeries(bySeries[key]))
	}
	slices.SortStableFunc(index.Series, func(a, b *Series) int {
		return cmp.Or(cmp.Compare(a.Header.SeriesNumber, b.Header.SeriesNumber), cmp.Compare(a.Header.Series, b.Header.Series))
	})
	slices.Sort(index.NotDICOM)
	slices.Sort(index.Segmentations)
	slices.SortFunc(index.Failures, func(a, b Failure) int { return cmp.Compare(a.Name, b.Name) })
	return index, nil
}

// notImageKind names a DICOM file that holds no image to read.
func notImageKind(h *Header) string {
	switch {
	case h != nil && h.Directory:
		return "DICOMDIR"
	case h == nil || h.Modality == "":
		return "other"
	}
	return h.Modality
}
