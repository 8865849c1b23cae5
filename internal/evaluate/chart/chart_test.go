package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"bayeslice/internal/colorvision"
)

// wellFormed fails unless text is XML with these words in it.
func wellFormed(t *testing.T, text string, words ...string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %.300s", err, text)
		}
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("the figure lacks %q", w)
		}
	}
}

func TestCurves(t *testing.T) {
	svg, err := Curves(Frame{Title: "e   ROC <of> patients", X: "1 − specificity", Y: "sensitivity", Description: `a "curve"`, XMax: 1, YMax: 1, Diagonal: true, Shade: [2]float64{0.1, 0.5}},
		[]Series{
			{Name: "CE", X: []float64{0, 0.2, 1}, Y: []float64{0, 0.7, 1}, BandX: []float64{0, 0.5, 1}, Low: []float64{0, 0.5, 0.9}, High: []float64{0.1, 0.9, 1}},
			{},
			{Name: "FL", X: []float64{0, 1}, Y: []float64{0, 1}, Markers: true},
		})
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg, `role="img"`, "&lt;of&gt;", "&#34;curve&#34;", "1 − specificity", "sensitivity", "#0072B2", "#009E73", "stroke-dasharray", "Arial")
	if strings.Contains(svg, "<?xml") || strings.Contains(svg, "#D55E00") {
		t.Error("the figure holds a prolog, or the colour of a series that has no points")
	}
	again, err := Curves(Frame{Title: "x", XMax: 1, YMax: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, again)
}

func TestBoxes(t *testing.T) {
	svg, err := Boxes(Frame{Title: "c   soft Dice", Y: "Dice", YMax: 1},
		[]Group{
			{"WG", []Box{{0, []float64{0.7, 0.8, 0.9, 0.2}, 0.65, 0.4, 0.9}, {1, []float64{0.5}, 0.5, 0.5, 0.5}}},
			{"TZ & PZ", []Box{{}, {1, []float64{0.5, 0.5}, 0.5, 0.5, 0.5}}},
		})
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, svg, "WG", "TZ &amp; PZ", "#0072B2", "#D55E00", ">0.2<", ">0.8<")
	one, err := Boxes(Frame{Title: "a"}, []Group{{"CE", []Box{{0, []float64{3, 3, 3}, 3, 3, 3}}}}) // an axis of one value
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, one, "CE")
}

func TestFiguresRefuse(t *testing.T) {
	for name, s := range map[string]Series{
		"lengths": {X: []float64{1}, Y: []float64{1, 2}},
		"band":    {X: []float64{1}, Y: []float64{1}, BandX: []float64{1}, Low: []float64{1}},
		"NaN":     {X: []float64{0, math.NaN()}, Y: []float64{0, 1}},
		"Inf":     {X: []float64{0, 1}, Y: []float64{0, math.Inf(1)}},
	} {
		if _, err := Curves(Frame{}, []Series{s}); !errors.Is(err, ErrChart) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Boxes(Frame{}, []Group{{"x", []Box{{Values: []float64{math.NaN()}}}}}); !errors.Is(err, ErrChart) {
		t.Error(err)
	}
	if _, err := Boxes(Frame{}, []Group{{"x", []Box{{Values: []float64{1}, Mean: 1, Low: math.NaN(), High: 1}}}}); !errors.Is(err, ErrChart) {
		t.Error(err)
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"}, {0, 0.35, "0.00 0.05 0.10 0.15 0.20 0.25 0.30 0.35"}, {0, 3, "0.0 0.5 1.0 1.5 2.0 2.5 3.0"},
		{-2, 3, "−2 −1 0 1 2 3"}, {0, 40, "0 5 10 15 20 25 30 35 40"}, {0.4, 1.005, "0.4 0.5 0.6 0.7 0.8 0.9 1.0"}, {1, 1, ""},
	} {
		var labels []string
		for _, k := range ticks(c.low, c.high) {
			labels = append(labels, k.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}

// The first six colours stay apart for every kind of colour vision, and every line has a kind of its own.
func TestColoursStayApart(t *testing.T) {
	for i := range 6 {
		for j := range i {
			for _, d := range colorvision.Deficiencies {
				if diff := colorvision.Difference(okabeIto[i], okabeIto[j], d); diff < 8 {
					t.Errorf("colours %d and %d are %.1f apart with %v", i, j, diff, d)
				}
			}
		}
	}
	if len(dashes) != len(okabeIto) {
		t.Error("colours and kinds of lines are not equally many")
	}
	wellFormed(t, Swatch(1), Color(1), "6 2.5")
	wellFormed(t, Swatch(8))
}
