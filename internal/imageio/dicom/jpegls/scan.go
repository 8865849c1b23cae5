package jpegls

import "math/bits"

// context is one of the 365 states of regular mode (T.87 A.2).
type context struct{ a, b, c, n int }

// runContext is one of the two states of a run's end (T.87 A.7.2).
type runContext struct{ a, n, negative int }

// runOrder is J of T.87 A.2.1: the logarithms of run lengths.
var runOrder = [32]int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// decoder decodes one scan of one component.
type decoder struct {
	frame
	span, bitsOf, limit int // RANGE, qbpp, LIMIT
	contexts            [365]context
	runs                [2]runContext
	runIndex            int

	data []byte
	at   int
	bits uint64 // the next count bits, lowest last
	left int
	seen byte // the byte before, 0xFF where the next one carries seven bits
	over int  // bits invented behind the end
}

func newDecoder(f frame, scan []byte) *decoder {
	d := &decoder{frame: f, data: scan}
	d.span = (f.maximum+2*f.near)/(2*f.near+1) + 1
	d.bitsOf = bits.Len(uint(d.span - 1))
	most := max(2, bits.Len(uint(f.maximum)))
	d.limit = 2 * (most + max(8, most))
	start := max(2, (d.span+32)/64)
	for i := range d.contexts {
		d.contexts[i] = context{a: start, n: 1}
	}
	d.runs = [2]runContext{{a: start, n: 1}, {a: start, n: 1}}
	return d
}

// fill brings at least 32 bits into the reservoir. Behind the end or a marker there are zeros, which are counted.
func (d *decoder) fill() {
	for d.left <= 56-8 {
		b, n := byte(0), 8
		switch {
		case d.at >= len(d.data), d.seen == 0xFF && d.data[d.at] >= 0x80: // a marker
			d.over += 8
		default:
			b = d.data[d.at]
			d.at++
			if d.seen == 0xFF {
				n = 7
			}
			d.seen = b
		}
		d.bits = d.bits<<n | uint64(b)
		d.left += n
	}
}

// take returns n ≤ 32 bits.
func (d *decoder) take(n int) int {
	if d.left < n {
		d.fill()
	}
	d.left -= n
	return int(d.bits >> d.left & (1<<n - 1))
}

// ended reports whether more bits were taken than there are.
func (d *decoder) ended() bool { return d.over > d.left }

// golomb decodes a number with parameter k and a limit (T.87 A.5.3); false where no code can be that long.
func (d *decoder) golomb(k, limit int) (int, bool) {
	zeros, most := 0, limit-d.bitsOf-1
	for d.take(1) == 0 {
		if zeros++; zeros > most {
			return 0, false
		}
	}
	if zeros < most {
		return zeros<<k | d.take(k), true
	}
	return d.take(d.bitsOf) + 1, true
}

// image decodes all samples. Lines are kept with one more sample at either end for the neighbours beyond the edges.
func (d *decoder) image(samples []uint16) error {
	above, line := make([]int, d.width+2), make([]int, d.width+2)
	for y := range d.height {
		above[d.width+1] = above[d.width]
		line[0] = above[1]
		ok := d.line(above, line)
		switch {
		case d.ended():
			return ErrTruncated
		case !ok:
			return ErrDamaged
		}
		for x, v := range line[1 : d.width+1] {
			samples[y*d.width+x] = uint16(v)
		}
		above, line = line, above
	}
	return nil
}

// line decodes one line; false where it cannot be one. Index x of both slices is sample x−1.
func (d *decoder) line(above, line []int) bool {
	for x := 1; x <= d.width; {
		a, b, c, e := line[x-1], above[x], above[x-1], above[x+1]
		q1, q2, q3 := d.quantize(e-b), d.quantize(b-c), d.quantize(c-a)
		if q1 == 0 && q2 == 0 && q3 == 0 {
			n, ok := d.run(above, line, x)
			if !ok {
				return false
			}
			x += n
			continue
		}
		v, ok := d.regular(81*q1+9*q2+q3, predict(a, b, c))
		if !ok {
			return false
		}
		line[x] = v
		x++
	}
	return true
}

// quantize is T.87 A.3.3.
func (d *decoder) quantize(g int) int {
	sign := 1
	if g < 0 {
		g, sign = -g, -1
	}
	switch {
	case g <= d.near:
		return 0
	case g < d.thresholds[0]:
		return sign
	case g < d.thresholds[1]:
		return 2 * sign
	case g < d.thresholds[2]:
		return 3 * sign
	}
	return 4 * sign
}

// predict is the median edge detector (T.87 A.4.1).
func predict(a, b, c int) int {
	switch {
	case c >= max(a, b):
		return min(a, b)
	case c <= min(a, b):
		return max(a, b)
	}
	return a + b - c
}

// regular decodes one sample (T.87 A.4 to A.6).
func (d *decoder) regular(q, p int) (int, bool) {
	sign := 1
	if q < 0 {
		q, sign = -q, -1
	}
	s := &d.contexts[q]
	p = min(max(p+sign*s.c, 0), d.maximum)
	k := 0
	for s.n<<k < s.a {
		k++
	}
	m, ok := d.golomb(k, d.limit)
	if !ok || k > 24 {
		return 0, false
	}
	e := m >> 1
	if m&1 == 1 {
		e = -e - 1
	}
	if d.near == 0 && k == 0 && 2*s.b <= -s.n {
		e = -e - 1
	}
	s.update(e, 2*d.near+1, d.reset)
	return d.rebuild(p, sign*e), true
}

// update is T.87 A.6.
func (s *context) update(e, step, reset int) {
	s.b += e * step
	s.a += max(e, -e)
	if s.n == reset {
		s.a >>= 1
		s.b >>= 1
		s.n >>= 1
	}
	s.n++
	switch {
	case s.b <= -s.n:
		s.b = max(s.b+s.n, 1-s.n)
		s.c = max(s.c-1, -128)
	case s.b > 0:
		s.b = min(s.b-s.n, 0)
		s.c = min(s.c+1, 127)
	}
}

// rebuild adds an error to a prediction, modulo the range (T.87 A.4.5, A.5).
func (d *decoder) rebuild(p, e int) int {
	step := 2*d.near + 1
	v := p + e*step
	switch {
	case v < -d.near:
		v += d.span * step
	case v > d.maximum+d.near:
		v -= d.span * step
	}
	return min(max(v, 0), d.maximum)
}

// run decodes a run from x on and the sample that ends it, and returns how many samples that were (T.87 A.7).
func (d *decoder) run(above, line []int, x int) (int, bool) {
	a, from := line[x-1], x
	for d.take(1) == 1 {
		n := 1 << runOrder[d.runIndex]
		m := min(n, d.width+1-x)
		for i := range m {
			line[x+i] = a
		}
		x += m
		if m == n && d.runIndex < 31 {
			d.runIndex++
		}
		if x > d.width {
			return x - from, true
		}
	}
	n := d.take(runOrder[d.runIndex])
	if x+n > d.width { // there must be a sample that ends it
		return 0, false
	}
	for i := range n {
		line[x+i] = a
	}
	x += n
	v, ok := d.runEnd(a, above[x])
	line[x] = v
	d.runIndex = max(d.runIndex-1, 0)
	return x + 1 - from, ok
}

// runEnd decodes the sample that ends a run of a, below b (T.87 A.7.2).
func (d *decoder) runEnd(a, b int) (int, bool) {
	kind, p, sign := 0, b, 1
	switch {
	case max(a-b, b-a) <= d.near:
		kind, p = 1, a
	case a > b:
		sign = -1
	}
	s := &d.runs[kind]
	t := s.a + kind*(s.n>>1)
	k := 0
	for s.n<<k < t {
		k++
	}
	m, ok := d.golomb(k, d.limit-runOrder[d.runIndex]-1)
	if !ok || k > 24 {
		return 0, false
	}
	odd := (m + kind) & 1
	e := (m + kind + odd) / 2
	if (k != 0 || 2*s.negative >= s.n) == (odd == 1) {
		e = -e
	}
	if e < 0 {
		s.negative++
	}
	s.a += (m + 1 - kind) >> 1
	if s.n == d.reset {
		s.a >>= 1
		s.n >>= 1
		s.negative >>= 1
	}
	s.n++
	return d.rebuild(p, sign*e), true
}
