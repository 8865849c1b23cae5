// Package papertest reads back, for tests, what package paper writes. It understands the PDF files
// of that package only.
package papertest

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
)

var (
	streamStart = regexp.MustCompile(`<<([^>]*)>>\s*stream\r?\n`)
	pageObject  = regexp.MustCompile(`/Type /Page\b`)
	shown       = regexp.MustCompile(`(?s)BT (-?[\d.]+) (-?[\d.]+) Td \(((?:\\.|[^\\)])*)\) Tj ET`)
)

// Pages counts the pages of a file.
func Pages(pdf []byte) int { return len(pageObject.FindAll(pdf, -1)) }

// Lines returns the lines of text of a file in the order of writing.
func Lines(pdf []byte) ([]string, error) {
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.Contains(pdf[max(0, len(pdf)-32):], []byte("%%EOF")) {
		return nil, errors.New("papertest: not a whole PDF")
	}
	var out []string
	for _, at := range streamStart.FindAllSubmatchIndex(pdf, -1) {
		if !bytes.Contains(pdf[at[2]:at[3]], []byte("FlateDecode")) || bytes.Contains(pdf[at[2]:at[3]], []byte("/Image")) {
			continue
		}
		z, err := zlib.NewReader(bytes.NewReader(pdf[at[1]:]))
		if err != nil {
			return nil, fmt.Errorf("papertest: stream: %w", err)
		}
		content, err := io.ReadAll(z)
		if err != nil {
			return nil, fmt.Errorf("papertest: stream: %w", err)
		}
		for _, m := range shown.FindAllSubmatch(content, -1) {
			out = append(out, decode(m[3]))
		}
	}
	return out, nil
}

// decode undoes the escapes of a PDF string and reads it as UTF-16, high byte first.
func decode(escaped []byte) string {
	text := strings.NewReplacer(`\\`, `\`, `\(`, `(`, `\)`, `)`, `\r`, "\r").Replace(string(escaped))
	units := make([]uint16, 0, len(text)/2)
	for i := 0; i+1 < len(text); i += 2 {
		units = append(units, uint16(text[i])<<8|uint16(text[i+1]))
	}
	return string(utf16.Decode(units))
}
