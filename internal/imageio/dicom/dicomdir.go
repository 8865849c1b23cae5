package dicom

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Directory reads a DICOMDIR (PS3.3 F.3) and returns the files it references that exist beside or
// below it, by their names in fsys, and the last component of those that do not. File IDs that
// would leave the folder are refused with [ErrMalformed]. Media written as ISO 9660 may show names
// in lower case or with a version (";1"); both are found.
func Directory(fsys fs.FS, name string) (names, absent []string, err error) {
	s, err := sieveFile(fsys, name, wanted)
	if err != nil {
		return nil, nil, err
	}
	a, err := decode(s)
	if err != nil {
		return nil, nil, err
	}
	if a[tagRecords] == nil {
		return nil, nil, fmt.Errorf("%w: it has no directory records", ErrMalformed)
	}
	d := directory{fsys: fsys, folder: path.Dir(name), entries: map[string]map[string]string{}}
	seen := map[string]bool{}
	for _, record := range a.items(tagRecords) {
		id := record.texts(tagFileID)
		if len(id) == 0 {
			continue
		}
		if err := checkFileID(id); err != nil {
			return nil, nil, err
		}
		found, ok := d.resolve(id)
		switch {
		case !ok:
			absent = append(absent, id[len(id)-1])
		case !seen[found]:
			seen[found] = true
			names = append(names, found)
		}
	}
	return names, absent, nil
}

// checkFileID refuses components that are no plain names.
func checkFileID(id []string) error {
	for _, c := range id {
		if c == "" || c == "." || c == ".." || strings.ContainsAny(c, "/\\\x00:") {
			return fmt.Errorf("%w: a file ID of it leads outside its folder", ErrMalformed)
		}
	}
	return nil
}

// directory resolves file IDs without regard to case; it lists each folder once.
type directory struct {
	fsys    fs.FS
	folder  string
	entries map[string]map[string]string // folder → folded name → name
}

func (d *directory) resolve(id []string) (string, bool) {
	at := d.folder
	for _, c := range id {
		actual, ok := d.list(at)[fold(c)]
		if !ok {
			return "", false
		}
		at = path.Join(at, actual)
	}
	info, err := fs.Stat(d.fsys, at)
	return at, err == nil && info.Mode().IsRegular()
}

func (d *directory) list(folder string) map[string]string {
	if known, ok := d.entries[folder]; ok {
		return known
	}
	listed := map[string]string{}
	entries, err := fs.ReadDir(d.fsys, folder)
	if err == nil { // else nothing is found in it, which the caller reports
		for _, e := range entries {
			listed[fold(e.Name())] = e.Name()
		}
	}
	d.entries[folder] = listed
	return listed
}

// fold brings a name to the form of a file ID: upper case, no version, no empty extension.
func fold(name string) string {
	name = strings.ToUpper(name)
	name, _, _ = strings.Cut(name, ";")
	return strings.TrimSuffix(name, ".")
}
