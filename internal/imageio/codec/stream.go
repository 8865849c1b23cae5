package codec

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Stream is the bytes of one file, decompressed where the file begins as gzip does.
type Stream struct {
	io.Reader
	Size int64 // bytes of the file itself, before decompression
	Gzip bool
}

// NewStream looks at the first bytes of a file of size bytes and decompresses gzip, by content, not
// by name.
func NewStream(r io.Reader, size int64) (*Stream, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	magic, err := b.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	if len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b {
		return &Stream{Reader: b, Size: size}, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("its gzip header is damaged (%w); copy it again from its source: %w", err, ErrFormat)
	}
	return &Stream{Reader: z, Size: size, Gzip: true}, nil
}

// CheckEnd fails with [ErrFormat] where the voxels have just been read to the end of a gzip stream
// whose checksum does not agree. Bytes that follow the voxels are nobody's business.
func (s *Stream) CheckEnd() error {
	if !s.Gzip {
		return nil
	}
	var one [1]byte
	if _, err := s.Read(one[:]); errors.Is(err, gzip.ErrChecksum) {
		return fmt.Errorf("its checksum does not agree with its voxels; copy it again from its source: %w", ErrFormat)
	}
	return nil
}
