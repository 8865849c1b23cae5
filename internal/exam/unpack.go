package exam

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"bayeslice/internal/imageio"
	"bayeslice/internal/scratch"
	"bayeslice/internal/volume"
)

// onDisk returns the folder that a place's names are relative to. For a ZIP that is a private
// temporary folder with its NIfTI, MetaImage and NRRD files, since those are opened by path; done removes it.
func (op *opener) onDisk(p *place) (dir string, done func(), err error) {
	if !p.zipped {
		return p.root, func() {}, nil
	}
	temp, err := scratch.New()
	if err != nil {
		return "", nil, &refusal{ErrUnreadable, "no room to unpack the ZIP: " + systemText(err), err}
	}
	dir, p.temp = temp.Path(), temp.Path()
	done = func() { _ = temp.Remove() } // best effort: the next start of the program sweeps what stays
	for _, name := range p.names {
		if !isImageFile(name) && !isCompanion(name) {
			continue
		}
		if err := unpack(p.fsys, name, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			done()
			return "", nil, &refusal{ErrUnreadable, "a file of the ZIP cannot be unpacked: " + systemText(err), err}
		}
	}
	return dir, done, nil
}

// zippedMask reads one label image of a ZIP, by way of a temporary folder.
func zippedMask(file, name string) (*volume.Mask, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, refuseSystem(file, err)
	}
	defer z.Close() //nolint:errcheck // read only
	p := place{fsys: newArchive(&z.Reader), root: file, zipped: true}
	for other := range newArchive(&z.Reader) { // a header names its voxels' file
		if path.Dir(other) == path.Dir(name) && (other == name || isCompanion(other)) {
			p.names = append(p.names, other)
		}
	}
	dir, done, err := (&opener{}).onDisk(&p)
	if err != nil {
		return nil, err
	}
	defer done()
	return imageio.OpenMask(filepath.Join(dir, filepath.FromSlash(name)))
}

// maskParts lists the masks in a DICOM segmentation of the place. In a ZIP it is unpacked for the moment, and again whenever one
// is read.
func (p place) maskParts(name string) ([]imageio.MaskPart, error) {
	if !p.zipped {
		return imageio.MaskParts(filepath.Join(p.root, filepath.FromSlash(name)))
	}
	var parts []imageio.MaskPart
	err := lend(p.fsys, name, func(file string) (err error) {
		parts, err = imageio.MaskParts(file)
		return err
	})
	for i := range parts {
		parts[i].Read = func() (*volume.Mask, error) { return zippedPart(p.root, name, i) }
	}
	return parts, err
}

// zippedPart reads one mask of a DICOM segmentation in a ZIP, by its place among those of [imageio.MaskParts].
func zippedPart(file, name string, part int) (m *volume.Mask, err error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, refuseSystem(file, err)
	}
	defer z.Close() //nolint:errcheck // read only
	err = lend(newArchive(&z.Reader), name, func(path string) error {
		parts, err := imageio.MaskParts(path)
		if err == nil && part >= len(parts) {
			err = &refusal{ErrUnreadable, "the ZIP has changed since it was opened; open it again", nil}
		}
		if err == nil {
			m, err = parts[part].Read()
		}
		return err
	})
	return m, err
}

// lend unpacks one file of a ZIP for as long as use takes.
func lend(fsys fs.FS, name string, use func(file string) error) error {
	temp, err := scratch.New()
	if err != nil {
		return &refusal{ErrUnreadable, "no room to unpack the ZIP: " + systemText(err), err}
	}
	defer temp.Remove() //nolint:errcheck // the next start of the program sweeps what stays
	file := filepath.Join(temp.Path(), path.Base(name))
	if err := unpack(fsys, name, file); err != nil {
		return &refusal{ErrUnreadable, "a file of the ZIP cannot be unpacked: " + systemText(err), err}
	}
	return use(file)
}

// unpack copies one file of fsys to a new file, and no more of it than its size says. Names of an
// [fs.FS] have no "..", so the copy stays inside the folder.
func unpack(fsys fs.FS, name, to string) (err error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return &refusal{ErrUnreadable, "an entry would leave its folder; unpack it with another program, and open the folder", nil}
	}
	from, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // read only
	info, err := from.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, from, info.Size())
	return errors.Join(err, out.Close())
}
