package exam

import (
	"archive/zip"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
)

// folder is a folder on disk as an [fs.FS]. Unlike [os.DirFS] it opens files whose names are not
// UTF-8, as old media and archives have them.
type folder string

// Open implements [fs.FS]. It fails with [fs.ErrInvalid] for a name that leads out of the folder.
func (f folder) Open(name string) (fs.File, error) {
	local := filepath.FromSlash(name)
	if !filepath.IsLocal(local) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return os.Open(filepath.Join(string(f), local))
}

// archive is the regular files of a ZIP by name, also such names as [zip.Reader] refuses to open.
type archive map[string]*zip.File

// newArchive indexes a ZIP. Names that lead out of it lose the part that does; of entries with one
// name the first counts.
func newArchive(z *zip.Reader) archive {
	a := archive{}
	for _, f := range z.File {
		name := path.Clean("/" + strings.ReplaceAll(f.Name, `\`, "/"))[1:]
		if f.Mode().IsRegular() && a[name] == nil {
			a[name] = f
		}
	}
	return a
}

// Open implements [fs.FS].
func (a archive) Open(name string) (fs.File, error) {
	f, ok := a[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	return archived{r, f.FileInfo()}, nil
}

// archived is an opened entry of an [archive].
type archived struct {
	io.ReadCloser
	info fs.FileInfo
}

// Stat implements [fs.File].
func (f archived) Stat() (fs.FileInfo, error) { return f.info, nil }

// printable makes a text with file names in it fit for a sentence of one line: bytes that are not
// UTF-8 and control characters become the replacement character.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
}

// printableError is an error whose text is printable.
type printableError struct{ error }

func (e printableError) Error() string { return printable(e.error.Error()) }

// Unwrap returns the error as it was.
func (e printableError) Unwrap() error { return e.error }

// inPrint returns err with a text that can be printed.
func inPrint(err error) error {
	if err == nil || printable(err.Error()) == err.Error() {
		return err
	}
	return printableError{err}
}
