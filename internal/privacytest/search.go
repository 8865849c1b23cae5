package privacytest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// depth bounds how far [Search] looks into what is packed in packed data.
const depth = 3

// unpackedMost bounds what is unpacked of one stream, bytes.
const unpackedMost = 256 << 20

// Search looks for marks in the names and the contents of all files below root: as plain text in any case, as UTF-16,
// and in what gzip, zlib or a ZIP has packed, which covers NIfTI, PNG, PDF and office files. It returns a line for each
// file and mark, "path: mark", relative to root, in order.
func Search(root string, marks []string) ([]string, error) {
	var found []string
	patterns := encodings(marks)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		hits := map[string]bool{}
		search([]byte(filepath.Base(name)), patterns, 0, hits)
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			search(data, patterns, depth, hits)
		}
		for mark := range hits {
			found = append(found, filepath.ToSlash(name)+": "+mark)
		}
		return nil
	})
	slices.Sort(found)
	return found, err
}

// pattern is a mark as bytes.
type pattern struct {
	mark  string
	bytes []byte
}

// encodings returns marks in lower case as UTF-8 and UTF-16 of either order.
func encodings(marks []string) (out []pattern) {
	for _, m := range marks {
		low := strings.ToLower(m)
		var little, big []byte
		for _, u := range utf16.Encode([]rune(low)) {
			little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
		}
		out = append(out, pattern{m, []byte(low)}, pattern{m, little}, pattern{m, big})
	}
	return out
}

// search notes the marks in data and in what is packed in it.
func search(data []byte, patterns []pattern, deep int, hits map[string]bool) {
	low := bytes.ToLower(data)
	for _, p := range patterns {
		if hits[p.mark] {
			continue
		}
		for at := 0; ; {
			i := bytes.Index(low[at:], p.bytes)
			if i < 0 {
				break
			}
			if at += i; meant(low, at, p.bytes) {
				hits[p.mark] = true
				break
			}
			at++
		}
	}
	if deep == 0 {
		return
	}
	for _, start := range packed(data) {
		if plain := start.open(); len(plain) > 0 {
			search(plain, patterns, deep-1, hits)
		}
	}
}

// meant tells a mark from chance: digits must not be part of a longer number, such as a value of a map.
func meant(low []byte, at int, mark []byte) bool {
	if mark[0] < '0' || mark[0] > '9' || len(mark) > len("20030519") {
		return true
	}
	digit := func(i int) bool { return i >= 0 && i < len(low) && low[i] >= '0' && low[i] <= '9' }
	return !digit(at-1) && !digit(at+len(mark)) && (at == 0 || low[at-1] != '.')
}

// stream is packed data within others.
type stream struct {
	data []byte
	open func() []byte
}

// packed finds where gzip, zlib and ZIP entries begin.
func packed(data []byte) (out []stream) {
	add := func(from []byte, reader func(io.Reader) (io.ReadCloser, error)) {
		out = append(out, stream{from, func() []byte {
			r, err := reader(bytes.NewReader(from))
			if err != nil {
				return nil
			}
			plain, _ := io.ReadAll(io.LimitReader(r, unpackedMost)) // what is before a fault counts
			_ = r.Close()
			return plain
		}})
	}
	for i := 0; i+30 < len(data); i++ {
		switch {
		case data[i] == 0x1f && data[i+1] == 0x8b && data[i+2] == 8:
			add(data[i:], func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) })
		case data[i] == 0x78 && (data[i+1] == 0x01 || data[i+1] == 0x5e || data[i+1] == 0x9c || data[i+1] == 0xda):
			add(data[i:], func(r io.Reader) (io.ReadCloser, error) { return zlib.NewReader(r) })
		case bytes.HasPrefix(data[i:], []byte("PK\x03\x04")) && data[i+8] == 8:
			skip := 30 + int(data[i+26]) + int(data[i+27])<<8 + int(data[i+28]) + int(data[i+29])<<8
			if i+skip < len(data) {
				add(data[i+skip:], func(r io.Reader) (io.ReadCloser, error) { return flate.NewReader(r), nil })
			}
		}
	}
	return out
}

// Exposed lists, relative to root, the folders and files from root on that others than their owner may read or write.
func Exposed(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if name, _ := filepath.Rel(root, path); info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSymlink == 0 {
			out = append(out, fmt.Sprintf("%s %v", filepath.ToSlash(name), info.Mode()))
		}
		return nil
	})
	return out, err
}
