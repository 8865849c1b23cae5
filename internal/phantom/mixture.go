package phantom

import "bayeslice/internal/geom"

// Mixture is what lies at a point in terms of tissues rather than of signal, for images whose contrast is
// not that of a pulse sequence. Where the anatomy blends more than two tissues, it names the two with the
// largest shares.
type Mixture struct {
	First, Second Tissue  // equal where there is only one
	Share         float64 // of Second, 0…0.5
	Tone          float64 // factor on T2 by local texture; 1 is the typical value of the tissue
}

// mixed blends two mixtures; w is the share of b.
func mixed(a, b Mixture, w float64) Mixture {
	kinds := [4]Tissue{a.First, a.Second, b.First, b.Second}
	parts := [4]float64{(1 - w) * (1 - a.Share), (1 - w) * a.Share, w * (1 - b.Share), w * b.Share}
	for i := range kinds {
		for j := range i {
			if kinds[i] == kinds[j] {
				parts[j] += parts[i]
				parts[i] = 0
				break
			}
		}
	}
	first, second := -1, -1
	for i, p := range parts {
		switch {
		case p == 0:
		case first < 0 || p > parts[first]:
			first, second = i, first
		case second < 0 || p > parts[second]:
			second = i
		}
	}
	out := Mixture{First: kinds[first], Second: kinds[first], Tone: lerp(a.Tone, b.Tone, w)}
	if second >= 0 {
		out.Second, out.Share = kinds[second], parts[second]/(parts[first]+parts[second])
	}
	return out
}

// Matter returns what lies at a world position, LPS mm, and the zone label there (0, [LabelTZ] or
// [LabelPZ]); csPCa lesions count as [TissueLesion].
func (a *Anatomy) Matter(world geom.Vec3) (Mixture, uint8) {
	s := a.frame.shape(world)
	level := a.gland.level(s)
	if level < 1 {
		return a.inGland(s, level).mix, a.gland.zone(s, level)
	}
	l := a.local(s)
	return a.outOfGland(s, level, &l).mix, 0
}
