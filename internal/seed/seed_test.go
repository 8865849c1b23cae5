package seed_test

import (
	"testing"

	"bayeslice/internal/seed"
)

// The first outputs of the reference SplitMix64 from the states 0 and 1234567, which other implementations
// publish as their test values.
func TestMixIsSplitMix64(t *testing.T) {
	for state, want := range map[uint64]uint64{0: 0xE220A8397B1DCDAF, 1234567: 6457827717110365317} {
		if got := seed.Mix(state); got != want {
			t.Errorf("Mix(%d) = %#x, want %#x", state, got, want)
		}
	}
}

func TestStreamsDependOnEveryPart(t *testing.T) {
	first := seed.Stream(1, 2, 3).Uint64()
	if again := seed.Stream(1, 2, 3).Uint64(); again != first {
		t.Error("the same stream began otherwise")
	}
	for _, other := range [][3]uint64{{2, 2, 3}, {1, 3, 3}, {1, 2, 4}} {
		if seed.Stream(other[0], other[1], other[2]).Uint64() == first {
			t.Errorf("stream %v begins like 1, 2, 3", other)
		}
	}
}
