package worklist

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"bayeslice/internal/exam"
	"bayeslice/internal/imageio/codec"
)

// DigestFile is a digest of a small file, such as that of the user's choices of series, for [Sampling.Choices]; "" where
// it cannot be read.
func DigestFile(path string) string {
	text, err := codec.ReadSmall(path, 64<<20)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// ContentKey is a digest of what an exam is read from: voxels and grids of the series in the reading roles. Two
// openings of the same images have the same key, whatever their folder is called; another choice of series, or one
// changed voxel, gives another.
func ContentKey(e *exam.Exam) string {
	h := sha256.New()
	fmt.Fprintln(h, "bayeslice content 1")
	buf := make([]byte, 0, 1<<16)
	for _, role := range exam.ReadingRoles {
		s := e.Chosen(role)
		if s == nil || s.Volume == nil {
			fmt.Fprintf(h, "%s none\n", role)
			continue
		}
		g := s.Volume.Grid()
		fmt.Fprintf(h, "%s %q %v %v\n", role, s.Volume.Unit(), g.Size, g.Affine())
		for data := s.Volume.Data(); len(data) > 0; {
			n := min(len(data), cap(buf)/4)
			buf = buf[:0]
			for _, x := range data[:n] {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
			}
			_, _ = h.Write(buf) // a hash takes everything
			data = data[n:]
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
