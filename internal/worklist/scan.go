package worklist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// labelsFolder holds the labels that users save; it is no exam.
const labelsFolder = "bayeslice-labels"

// scan returns the places in a folder that hold exams, relative to it: sub-folders and ZIP files, without hidden ones and
// the folder of labels; or, where there are none but other files, "." for the folder itself.
func scan(folder string) ([]string, error) {
	items, err := os.ReadDir(folder)
	if err != nil {
		return nil, folderError(folder, err)
	}
	var places []string
	files := 0
	for _, item := range items {
		name := item.Name()
		if strings.HasPrefix(name, ".") || name == labelsFolder {
			continue
		}
		info, err := os.Stat(filepath.Join(folder, name)) // follows links
		switch {
		case err != nil:
			places = append(places, name) // a broken link or no permission: said when it is opened
		case info.IsDir(), strings.EqualFold(filepath.Ext(name), ".zip"):
			places = append(places, name)
		case name != FileName:
			files++
		}
	}
	if len(places) == 0 && files > 0 {
		return []string{"."}, nil
	}
	return places, nil
}

// folderError says why a folder of exams cannot be read, without its path.
func folderError(folder string, err error) error {
	if info, e := os.Stat(folder); e == nil && !info.IsDir() {
		return fmt.Errorf("%w: this is a file; choose the folder whose sub-folders are the exams", ErrFolder)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%w: %w; choose the folder whose sub-folders are the exams", ErrFolder, err)
}

// stamp is a digest of the names, sizes and times of all files of a place, which changes when any of them does. It reads no
// contents. also is mixed in.
func stamp(ctx context.Context, place, also string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "bayeslice stamp 1\n%q\n", also)
	err := filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(place, path)
		fmt.Fprintf(h, "%q %d %d\n", filepath.ToSlash(name), info.Size(), info.ModTime().UnixNano())
		return err
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// merge brings entries in line with the places that are there: new ones are added, and those that are gone are dropped, or
// kept as missing where they hold anything of the user's.
func merge(entries []Entry, places []string) []Entry {
	there, known := map[string]bool{}, map[string]bool{}
	for _, p := range places {
		there[filepath.ToSlash(p)] = true
	}
	var out []Entry
	for _, e := range entries {
		if e.Missing = !there[e.Path]; e.Missing && !e.touched() {
			continue
		}
		known[e.Path] = true
		out = append(out, e)
	}
	for _, p := range places {
		if path := filepath.ToSlash(p); !known[path] {
			out = append(out, Entry{Path: path, State: NotStarted})
		}
	}
	return out
}
