package viewstate

import "testing"

// The toolkit takes any two fast clicks in a viewport for a double click, also those that set corners of a polygon.
func TestFastClicksInDifferentPlacesAreNoDoubleClick(t *testing.T) {
	s := opened(t)
	click := func(v int, x, y float64) {
		s.Press(v, Left, 0, false, x, y)
		s.Release(x, y)
	}
	alone := func() int {
		_, v := s.Layout()
		return v
	}
	click(1, 20, 20)
	click(1, 60, 25)
	if s.DoubleClick(1, 0, 60, 25); alone() >= 0 {
		t.Error("two clicks 40 pixels apart enlarge the view")
	}
	click(2, 60, 25)
	if s.DoubleClick(2, 0, 60, 25); alone() >= 0 {
		t.Error("clicks in two views enlarge one")
	}
	click(2, 62, 27)
	if s.DoubleClick(2, 0, 62, 27); alone() != 2 {
		t.Errorf("a double click enlarges %d, want 2", alone())
	}
}
