package findings

import (
	"math"

	"bayeslice/internal/metrics"
)

// Verdict says what became of a claim.
type Verdict string

// Verdicts.
const (
	Repeats       Verdict = "repeats"
	DoesNotRepeat Verdict = "does not repeat"
	Opposite      Verdict = "opposite"
	Undecided     Verdict = "undecided"
	NotTested     Verdict = "not tested" // a loss, a task or a figure is missing
)

// Kind is what a claim says of a difference.
type Kind uint8

// Kinds of claims.
const (
	// Below and Above: the difference has a sign. The whole band on that side of 0 repeats it, on the other is the
	// opposite; a band that holds 0 and lies within the margin shows that there is none that matters, and does not repeat
	// it; else it is undecided.
	Below Kind = iota
	Above
	// Similar: the whole band within the margin on both sides of 0 repeats it, the whole band beyond it on one side
	// does not; else it is undecided. A band that excludes 0 may be similar: small is what is claimed, not none.
	Similar
	// BarelyBelow: the whole band above minus the margin repeats it, unless all of it is above 0, which is the opposite;
	// the whole band below minus the margin does not repeat it; else it is undecided.
	BarelyBelow
)

// Rule is a kind of claim with the size of difference that counts as none.
type Rule struct {
	Kind     Kind
	Margin   float64 // in the figure's unit, or as a share
	Relative bool    // Margin is a share of the figure's mean over the losses that are subtracted
}

// Judge turns a band into a verdict; margin is the rule's in the figure's unit. A band without numbers is undecided.
func (r Rule) Judge(b metrics.Band, margin float64) Verdict {
	if math.IsNaN(b.Low+b.High+margin) || b.Rounds == 0 {
		return Undecided
	}
	b.Low, b.High = unround(b.Low), unround(b.High)
	switch r.Kind {
	case Below, Above:
		low, high := b.Low, b.High
		if r.Kind == Above {
			low, high = -high, -low
		}
		switch {
		case high < 0:
			return Repeats
		case low > 0:
			return Opposite
		}
		return decided(within(b, margin), DoesNotRepeat)
	case Similar:
		if b.Low > margin || b.High < -margin {
			return DoesNotRepeat
		}
		return decided(within(b, margin), Repeats)
	}
	switch {
	case b.Low > 0:
		return Opposite
	case b.High < -margin:
		return DoesNotRepeat
	}
	return decided(b.Low > -margin, Repeats)
}

// unround is 0 for what differs from it by the rounding of sums alone: losses that are alike have no sign.
func unround(v float64) float64 {
	if math.Abs(v) < 1e-12 {
		return 0
	}
	return v
}

func within(b metrics.Band, margin float64) bool { return b.Low >= -margin && b.High <= margin }

func decided(is bool, v Verdict) Verdict {
	if is {
		return v
	}
	return Undecided
}

// Words say in short what the band of a difference must do for the claim to repeat.
func (r Rule) Words() string {
	switch r.Kind {
	case Below:
		return "below 0"
	case Above:
		return "above 0"
	case Similar:
		return "within the margin"
	}
	return "at most the margin below 0"
}

// together is the verdict on a claim of several parts: it repeats where all parts do, is the opposite where all tested ones
// are, does not repeat where one does not or is the opposite, and is undecided else. What was not tested keeps a claim from
// repeating, and a claim of which nothing was tested is not tested.
func together(parts []Part) Verdict {
	n := map[Verdict]int{}
	for _, p := range parts {
		n[p.Verdict]++
	}
	tested := len(parts) - n[NotTested]
	switch {
	case tested == 0:
		return NotTested
	case n[Repeats] == len(parts):
		return Repeats
	case n[Opposite] == tested:
		return Opposite
	case n[DoesNotRepeat]+n[Opposite] > 0:
		return DoesNotRepeat
	}
	return Undecided
}
