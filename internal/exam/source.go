package exam

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// maxFiles bounds a search: more files than any exam, and a sign that a whole disk was chosen.
const maxFiles = 100_000

// progress hands [Progress] to the caller, one call at a time. Its methods work on nil.
type progress struct {
	mu   sync.Mutex
	now  Progress
	tell func(Progress)
}

// stage begins a stage of n files.
func (p *progress) stage(name string, n int) {
	if p == nil || p.tell == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = Progress{Stage: name, Total: n}
	p.tell(p.now)
}

// step counts one file.
func (p *progress) step() {
	if p == nil || p.tell == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Done++
	p.tell(p.now)
}

// found tells how many files were found so far, of a number that nobody knows yet.
func (p *progress) found(n int) {
	if p == nil || p.tell == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Done = n
	p.tell(p.now)
}

// walker lists regular files in depth. Linked folders are followed, each real folder once, so that
// links in a circle end.
type walker struct {
	ctx      context.Context //nolint:containedctx // lives for one walk
	progress *progress
	root     string
	seen     map[string]bool // real paths of folders
	names    []string        // slash-separated, relative to root
}

// listFiles returns the regular files under root, sorted.
func listFiles(ctx context.Context, root string, p *progress) ([]string, error) {
	p.stage("looking for files", 0)
	w := &walker{ctx: ctx, progress: p, root: root, seen: map[string]bool{}}
	if err := w.folder("."); err != nil {
		return nil, err
	}
	slices.Sort(w.names)
	return w.names, nil
}

func (w *walker) folder(name string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	dir := filepath.Join(w.root, filepath.FromSlash(name))
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || w.seen[real] {
		return nil //nolint:nilerr // a link to nowhere holds no images
	}
	w.seen[real] = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		if name == "." {
			return err
		}
		return nil // a folder that may not be entered is as good as absent
	}
	for _, entry := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		inner := entry.Name()
		if name != "." {
			inner = name + "/" + inner
		}
		switch mode := w.kind(entry, inner); {
		case mode.IsDir():
			if err := w.folder(inner); err != nil {
				return err
			}
		case mode.IsRegular():
			w.add(inner)
		}
		if len(w.names) > maxFiles {
			return fmt.Errorf("%w: more than %d files; open the folder of one exam", ErrTooLarge, maxFiles)
		}
	}
	return nil
}

// kind returns the type of what an entry leads to. Only links are looked up, since to ask for every file takes long on a network; one to
// nowhere is called irregular.
func (w *walker) kind(entry fs.DirEntry, name string) fs.FileMode {
	mode := entry.Type()
	if mode&(fs.ModeSymlink|fs.ModeIrregular) == 0 {
		return mode
	}
	info, err := os.Stat(filepath.Join(w.root, filepath.FromSlash(name)))
	if err != nil {
		return fs.ModeIrregular
	}
	return info.Mode().Type()
}

// add notes a file, and tells now and then how many there are.
func (w *walker) add(name string) {
	const every = 500
	if w.names = append(w.names, name); len(w.names)%every == 0 {
		w.progress.found(len(w.names))
	}
}
