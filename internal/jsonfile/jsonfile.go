// Package jsonfile keeps one versioned JSON object in a file: written whole or not at all, refused where
// a newer program wrote it, and with the fields that this program does not know left as they are.
package jsonfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"bayeslice/internal/imageio/codec"
)

// versionField is the field with the version of the file's form.
const versionField = "version"

// maxBytes bounds what is read: these files are small, and a wrong one must not fill the memory.
const maxBytes = 64 << 20

// File is one file. Make it with [Open]. Not safe for concurrent use.
type File struct {
	path    string
	version int
	found   bool
	shared  bool                       // others may read it
	raw     map[string]json.RawMessage // everything in the file, fields of other versions included
}

// Open reads the file at path into v, a pointer to a struct whose fields have names for JSON. A file that
// is missing leaves v as it is. It fails, with a sentence that says what to do, where the file cannot be
// read, is no JSON object of v's form, or has a higher version than this program knows; the file stays
// as it is.
func Open(path string, version int, v any) (*File, error) {
	f := &File{path: path, version: version, raw: map[string]json.RawMessage{}}
	data, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return nil, err
	}
	f.found = true
	var head struct {
		Version int `json:"version"`
	}
	if err := errors.Join(json.Unmarshal(data, &f.raw), json.Unmarshal(data, &head)); err != nil {
		return nil, fmt.Errorf("%s is not valid JSON (%w); correct it, or move it away to start afresh", path, err)
	}
	if head.Version > version {
		return nil, fmt.Errorf("%s has version %d, this program knows %d; update the program, or move the file away", path, head.Version, version)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return nil, fmt.Errorf("%s is not valid JSON (%w); correct it, or move it away to start afresh", path, err)
	}
	return f, nil
}

// read returns what is in a file of a sensible size.
func read(path string) ([]byte, error) {
	data, err := codec.ReadSmall(path, maxBytes)
	if errors.Is(err, codec.ErrTooLarge) {
		return nil, fmt.Errorf("%s has more than %d MB, far more than this program writes; move it away to start afresh", path, maxBytes>>20)
	}
	return data, err
}

// Path is where the file is.
func (f *File) Path() string { return f.path }

// Found reports whether there was a file when it was opened, or it was saved since.
func (f *File) Found() bool { return f.found }

// Share makes [File.Save] write a file that others may read as far as the umask lets them, and not the user alone: for files
// that people share.
func (f *File) Share() { f.shared = true }

// Save writes v, whose form is that given to [Open], beside the fields that v does not know. The folder
// is made where it is missing, and is readable by the user alone, as is the file (but see [File.Share]).
func (f *File) Save(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	all := maps.Clone(f.raw)
	for _, name := range known(v) { // one that became empty and is left out must not live on
		delete(all, name)
	}
	maps.Copy(all, fields)
	all[versionField] = json.RawMessage(fmt.Sprint(f.version))
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	put := codec.WritePrivateFile
	if f.shared {
		put = codec.WriteFile
	}
	err = put(f.path, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err })
	if err != nil {
		return err
	}
	f.raw, f.found = all, true
	return nil
}

// Remove deletes the file; one that is missing is no error.
func (f *File) Remove() error {
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.raw, f.found = map[string]json.RawMessage{}, false
	return nil
}

// known returns the names that v's fields have in JSON.
func known(v any) []string {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
