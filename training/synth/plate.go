package synth

import (
	"context"
	"fmt"
	"math"

	"bayeslice/internal/geom"
	"bayeslice/internal/phantom"
)

// layout is the version of the lattice and of its bytes.
const layout = 1

// The lattice on which an anatomy is laid: axes of the patient, the gland's centroid in the middle.
var (
	latticeSize = [3]int{108, 108, 46}
	latticeMM   = geom.Vec3{1.1, 1.1, 2.2}
)

const latticePoints = 108 * 108 * 46

// plate is one anatomy on the lattice, x fastest. Immutable.
type plate struct {
	first         []uint8 // tissue in the lower five bits, zone in the upper three
	second        []uint8 // tissue in the lower five bits, its share in steps of 1/14 in the upper three
	tone          []uint8 // 128 + 127 · ln(factor on T2), cut at e^±1
	glandML, tzML float64
}

// plateBytes is the length of a plate in a file.
const plateBytes = 3*latticePoints + 16

// drawPlate makes an anatomy and lays it out.
func drawPlate(ctx context.Context, seed uint64, which purpose, n uint64) (*plate, error) {
	a, err := drawAnatomy(ctx, seed, which, n)
	if err != nil {
		return nil, err
	}
	return layOut(ctx, a)
}

// medianML is the median volume of the gland.
const medianML = 44

// drawAnatomy draws an anatomy: most with the variety of patients, some with the demonstration exam's proportions.
func drawAnatomy(ctx context.Context, seed uint64, which purpose, n uint64) (*phantom.Anatomy, error) {
	r := stream(seed, which, n)
	c := phantom.DefaultConfig(r.Uint64())
	c.Lesions, c.Mimics = 0, false
	volume := clamp(medianML*math.Exp(0.46*r.NormFloat64()), 18, 115)
	c.VolumeML = phantom.Range{Min: volume, Max: volume}
	c.TiltDegrees = phantom.Range{Min: 0, Max: 22}
	c.WarpMM = uniform(r, 2, 8)
	c.Texture = uniform(r, 0.7, 1.3)
	if chance(r, 0.85) {
		c.Variety = uniform(r, 0.5, 1)
	}
	a, err := phantom.NewAnatomy(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("synth: anatomy %d: %w", n, err)
	}
	return a, nil
}

// layOut reads an anatomy at the lattice's points.
func layOut(ctx context.Context, a *phantom.Anatomy) (*plate, error) {
	p := newPlate()
	p.glandML, p.tzML = a.GlandML(), a.TransitionML()
	origin := a.Centre()
	for i := range origin {
		origin[i] -= float64(latticeSize[i]-1) / 2 * latticeMM[i]
	}
	at := 0
	for k := range latticeSize[2] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for j := range latticeSize[1] {
			for i := range latticeSize[0] {
				m, zone := a.Matter(origin.Add(geom.Vec3{float64(i) * latticeMM[0], float64(j) * latticeMM[1], float64(k) * latticeMM[2]}))
				p.first[at] = uint8(m.First) | zone<<5
				p.second[at] = uint8(m.Second) | uint8(math.Round(14*m.Share))<<5
				p.tone[at] = uint8(math.Round(128 + 127*clamp(math.Log(m.Tone), -1, 1)))
				at++
			}
		}
	}
	return p, nil
}

func newPlate() *plate {
	return &plate{first: make([]uint8, latticePoints), second: make([]uint8, latticePoints), tone: make([]uint8, latticePoints)}
}

// zone returns the zone label at a lattice point.
func (p *plate) zone(at int) uint8 { return p.first[at] >> 5 }

// index returns the offset of a lattice point.
func index(i, j, k int) int { return (k*latticeSize[1]+j)*latticeSize[0] + i }
