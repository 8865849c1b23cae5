package annotate

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// patch is what changed in one layer: a box of voxels and, for each of them, i fastest, what it was and
// what it became, as runs. A run is a byte, old value in the high and new one in the low half, 0 for
// unchanged voxels, and a length as unsigned varint.
type patch struct {
	layer    Layer
	min, max [3]int // Min inclusive, Max exclusive
	runs     []byte
}

// voxels is the number of voxels of the box.
func (p *patch) voxels() int {
	return (p.max[0] - p.min[0]) * (p.max[1] - p.min[1]) * (p.max[2] - p.min[2])
}

// diff returns what differs between two states of a layer, or nil. Slices that share their memory are equal.
func diff(layer Layer, size [3]int, before, after [][]uint8) *patch {
	p := &patch{layer: layer}
	var r rect
	from, to := -1, -1
	for k := range before {
		if &before[k][0] == &after[k][0] {
			continue
		}
		if d := differing(before[k], after[k], size[0]); !d.empty() {
			if from < 0 {
				from = k
			}
			r, to = r.union(d), k+1
		}
	}
	if from < 0 {
		return nil
	}
	p.min, p.max = [3]int{r.minI, r.minJ, from}, [3]int{r.maxI, r.maxJ, to}
	p.encode(size[0], before, after)
	return p
}

// differing returns the range of pixels in which two slices differ.
func differing(a, b []uint8, width int) rect {
	var r rect
	for j := 0; j*width < len(a); j++ {
		x, y := a[j*width:(j+1)*width], b[j*width:(j+1)*width]
		if bytes.Equal(x, y) {
			continue
		}
		first, last := 0, width-1
		for x[first] == y[first] {
			first++
		}
		for x[last] == y[last] {
			last--
		}
		r = r.union(rect{first, j, last + 1, j + 1})
	}
	return r
}

func (p *patch) encode(width int, before, after [][]uint8) {
	code, length := byte(0), uint64(0)
	flush := func() {
		if length > 0 {
			p.runs = binary.AppendUvarint(append(p.runs, code), length)
		}
	}
	for k := p.min[2]; k < p.max[2]; k++ {
		for j := p.min[1]; j < p.max[1]; j++ {
			for at := j*width + p.min[0]; at < j*width+p.max[0]; at++ {
				c := byte(0)
				if old, now := before[k][at], after[k][at]; old != now {
					c = old<<4 | now
				}
				if c != code {
					flush()
					code, length = c, 0
				}
				length++
			}
		}
	}
	flush()
	p.runs = bytes.Clone(p.runs) // without spare capacity, since history keeps it
}

// apply carries the change out (forward) or takes it back. The layer must be in the state that the
// change starts from; a patch from a file is checked with [patch.check] first.
func (p *patch) apply(s *sheets, forward bool) {
	i, j, k := p.min[0], p.min[1], p.min[2]
	for at := 0; at < len(p.runs); {
		code := p.runs[at]
		length, n := binary.Uvarint(p.runs[at+1:])
		at += 1 + n
		value := code >> 4
		if forward {
			value = code & 0xf
		}
		for left := int(length); left > 0; {
			step := min(left, p.max[0]-i)
			if code != 0 {
				row := s.writable(k)[j*s.size[0]+i:]
				for x := range step {
					row[x] = value
				}
			}
			left -= step
			if i += step; i == p.max[0] {
				i = p.min[0]
				if j++; j == p.max[1] {
					j, k = p.min[1], k+1
				}
			}
		}
	}
}

// check reports what is wrong with a patch read from a file, for a layer in the state s.
func (p *patch) check(s *sheets) error {
	if p.layer >= layerCount {
		return fmt.Errorf("layer %d", p.layer)
	}
	for a := range 3 {
		if p.min[a] < 0 || p.max[a] > s.size[a] || p.min[a] >= p.max[a] {
			return fmt.Errorf("box %v to %v on a grid of %v", p.min, p.max, s.size)
		}
	}
	left := uint64(p.voxels())
	offset := 0
	for at := 0; at < len(p.runs); {
		code := p.runs[at]
		length, n := binary.Uvarint(p.runs[at+1:])
		if n <= 0 || length == 0 || length > left {
			return fmt.Errorf("a run of %d of %d voxels", length, left)
		}
		if high := p.layer.highest(); code>>4 > high || code&0xf > high {
			return fmt.Errorf("a label over %d", high)
		}
		if code != 0 && !p.stands(s, offset, int(length), code>>4) {
			return fmt.Errorf("labels that do not follow from the step before")
		}
		at, left, offset = at+1+n, left-length, offset+int(length)
	}
	if left != 0 {
		return fmt.Errorf("%d voxels missing", left)
	}
	return nil
}

// stands reports whether voxels of the box, from an offset in it, have a value.
func (p *patch) stands(s *sheets, offset, length int, value uint8) bool {
	w, h := p.max[0]-p.min[0], p.max[1]-p.min[1]
	for x := offset; x < offset+length; x++ {
		i, j, k := p.min[0]+x%w, p.min[1]+x/w%h, p.min[2]+x/(w*h)
		if s.slice[k][j*s.size[0]+i] != value {
			return false
		}
	}
	return true
}

// append encodes the patch for a journal.
func (p *patch) append(b []byte) []byte {
	b = append(b, byte(p.layer))
	for a := range 3 {
		b = binary.AppendUvarint(b, uint64(p.min[a]))
		b = binary.AppendUvarint(b, uint64(p.max[a]-p.min[a]))
	}
	b = binary.AppendUvarint(b, uint64(len(p.runs)))
	return append(b, p.runs...)
}

// patchFrom decodes what append wrote and returns the rest of b; ok is false where it is no patch.
func patchFrom(b []byte) (p *patch, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, nil, false
	}
	p = &patch{layer: Layer(b[0])}
	b = b[1:]
	var numbers [7]int
	for n := range numbers {
		v, used := binary.Uvarint(b)
		if used <= 0 || v > 1<<31 {
			return nil, nil, false
		}
		numbers[n], b = int(v), b[used:]
	}
	for a := range 3 {
		p.min[a], p.max[a] = numbers[2*a], numbers[2*a]+numbers[2*a+1]
	}
	if numbers[6] > len(b) {
		return nil, nil, false
	}
	p.runs = bytes.Clone(b[:numbers[6]])
	return p, b[numbers[6]:], true
}
