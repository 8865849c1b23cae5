package phantom

import (
	"math"

	"bayeslice/internal/geom"
)

// sampler reads the anatomy at several points inside each voxel of one stack. The points lie alike
// in every voxel, so that the deformation's sines follow from those at the voxel centre by the
// addition theorem, exactly and without another sine.
type sampler struct {
	anatomy *Anatomy
	offset  []geom.Vec3  // of the points from the voxel centre, along the shape axes before the deformation, mm
	turn    [][]rotation // by point and wave: the phase that the offset adds
	buffer  []props      // one per point, reused
	centre  geom.Vec3    // shape position of the centre of the last voxel
	level   float64      // gland level at it
	waves   []rotation   // sine and cosine of every wave at the centre, reused
}

// rotation is a sine and a cosine.
type rotation struct{ sin, cos float64 }

// newSampler prepares n points per voxel of a grid; a sampler serves one goroutine.
func newSampler(a *Anatomy, g geom.Grid, n int) *sampler {
	sm := &sampler{anatomy: a, buffer: make([]props, n), waves: make([]rotation, len(a.frame.warp))}
	for _, v := range subVoxel(n) {
		var world geom.Vec3
		for i := range 3 {
			world = world.Add(g.Dir[i].Scale(v[i] * g.Spacing[i]))
		}
		d := a.frame.turned(world)
		turn := make([]rotation, len(a.frame.warp))
		for i := range turn {
			turn[i].sin, turn[i].cos = math.Sincos(a.frame.warp[i].k.Dot(d))
		}
		sm.offset, sm.turn = append(sm.offset, d), append(sm.turn, turn)
	}
	return sm
}

// voxel returns the materials at the points of the voxel about a world position; the slice is valid until the next call.
func (sm *sampler) voxel(world geom.Vec3) []props {
	a := sm.anatomy
	f := &a.frame
	s := f.turned(world.Sub(f.origin))
	sm.centre = s
	for i := range f.warp {
		w := &f.warp[i]
		sin, cos := math.Sincos(w.k.Dot(s) + w.phase)
		sm.waves[i] = rotation{sin, cos}
		for x := range sm.centre {
			sm.centre[x] += sin * w.shift[x]
		}
	}
	sm.level = a.gland.level(sm.centre)
	var grain *local
	for n, d := range sm.offset {
		p, turn := s.Add(d), sm.turn[n]
		for i := range turn {
			sin, shift := sm.waves[i].sin*turn[i].cos+sm.waves[i].cos*turn[i].sin, &f.warp[i].shift
			p[0] += sin * shift[0]
			p[1] += sin * shift[1]
			p[2] += sin * shift[2]
		}
		level := a.gland.level(p)
		if level < 1 {
			sm.buffer[n] = a.inGland(p, level)
			continue
		}
		if grain == nil {
			l := a.local(p)
			grain = &l
		}
		sm.buffer[n] = a.outOfGland(p, level, grain)
	}
	return sm.buffer
}

// local is texture that is the same over a voxel outside the gland.
type local struct {
	shift        geom.Vec3 // mm by which structures are bent, so that no outline is a perfect curve
	coarse, fine float64   // about −1…1
	streak       float64   // 0…1 on fibres and septa
}

// local returns the texture about a point of shape space.
func (a *Anatomy) local(s geom.Vec3) local {
	l := local{fine: a.texture * a.fields[1].at(s, 2.6), coarse: a.texture * a.fields[0].at(s, 9)}
	for i := range l.shift {
		l.shift[i] = 3*a.fields[i].at(s, 27) + 0.5*l.coarse
	}
	along := geom.Vec3{s[0] + 0.4*s[1] + l.shift[1], 0.5*s[1] + l.shift[2], 0.4 * s[2]}
	l.streak = a.texture * a.fields[2].ridge(along, 8, 0.1) * step(-0.3, 0.3, l.coarse)
	return l
}
