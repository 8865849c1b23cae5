package viewstate

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bayeslice/internal/exam"
	"bayeslice/internal/geom"
	"bayeslice/render"
)

// saved returns the section of a state as the session file has it.
func saved(t *testing.T, s *State) string {
	t.Helper()
	v, err := s.SessionSection().SaveSection()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// wander does random things to a state.
func wander(s *State, r *rand.Rand) {
	for range 60 {
		switch v := r.IntN(ViewportCount); r.IntN(8) {
		case 0:
			s.SetCursor(geom.Vec3{r.NormFloat64() * 20, r.NormFloat64() * 20, r.NormFloat64() * 20})
		case 1:
			s.Pin(s.Cursor())
		case 2:
			s.Zoom(v, 0.5+r.Float64(), 40*r.Float64(), 40*r.Float64())
		case 3:
			s.SetWindow(v, render.Window{Level: 100 * r.Float64(), Width: 1 + 500*r.Float64()})
		case 4:
			s.SetOffset("c", geom.Vec3{r.Float64(), 0, 3})
		case 5:
			s.SetLinkCameras(r.IntN(2) == 0)
		default:
			commands := Commands()
			s.Apply(commands[r.IntN(len(commands))])
		}
	}
}

func TestASessionRestoresTheStateExactly(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 9))
		a, b := opened(t), opened(t)
		b.SetExam(a.Exam())
		wander(a, r)
		text := saved(t, a)
		wander(b, r)
		if err := b.SessionSection().RestoreSection([]byte(text)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got := saved(t, b); got != text {
			t.Fatalf("seed %d:\n%s\n%s", seed, text, got)
		}
		for v := range ViewportCount {
			if a.Camera(v) != b.Camera(v) || !slices.Equal(a.SliceTexts(v), b.SliceTexts(v)) || a.Title(v) != b.Title(v) || a.FrameNote(v) != b.FrameNote(v) {
				t.Fatalf("seed %d, view %d: %v %q, then %v %q", seed, v, a.Camera(v), a.SliceTexts(v), b.Camera(v), b.SliceTexts(v))
			}
		}
		if a.AllHidden() != b.AllHidden() || a.Mode() != b.Mode() || a.Cursor() != b.Cursor() {
			t.Fatalf("seed %d: something hidden, the mode or the cursor differs", seed)
		}
		a.Apply(HideAll)
		b.Apply(HideAll)
		a.SwapTools()
		b.SwapTools()
		if saved(t, a) != saved(t, b) {
			t.Fatalf("seed %d: what was hidden, or the tool before, is lost", seed)
		}
	}
}

func TestDamagedViewsLeaveTheStateAsItIs(t *testing.T) {
	s := opened(t)
	before := saved(t, s)
	var fields map[string]any
	if err := json.Unmarshal([]byte(before), &fields); err != nil {
		t.Fatal(err)
	}
	for field, value := range map[string]any{
		"layout": "spiral", "layer": "x", "contours": "x", "class": "liver", "tool": "axe", "lastTool": "", "opacity": 2, "threshold": -1,
		"views": []any{}, "maximised": 4, "focus": -1, "cursor": "here", "overlays": map[string]any{"texts": "loud"},
		"windows": map[string]any{"a": []float64{1, 0}},
	} {
		bad := map[string]any{}
		for k, v := range fields {
			bad[k] = v
		}
		bad[field] = value
		data, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SessionSection().RestoreSection(data); err == nil || !strings.HasPrefix(err.Error(), "viewstate: ") {
			t.Errorf("%s = %v: %v", field, value, err)
		}
		if got := saved(t, s); got != before {
			t.Errorf("%s = %v changed the state:\n%s\n%s", field, value, before, got)
		}
	}
}

func TestSeriesThatAreGoneAreTold(t *testing.T) {
	s := opened(t)
	s.SetOffset("gone", geom.Vec3{1, 2, 3})
	text := saved(t, s)
	other := opened(t)
	err := other.SessionSection().RestoreSection([]byte(text))
	if err == nil || !strings.Contains(err.Error(), "1 series of the session") {
		t.Error(err)
	}
	if strings.Contains(saved(t, other), "gone") {
		t.Error("a series that is not there has an offset")
	}
	if v, err := New().SessionSection().SaveSection(); v != nil || err != nil {
		t.Error("an empty window remembers something:", v, err)
	}
	if err := New().SessionSection().RestoreSection([]byte(text)); err == nil {
		t.Error("views were restored without an exam")
	}
}

func TestRolesOfASession(t *testing.T) {
	s := opened(t)
	roles, err := SavedRoles([]byte(saved(t, s)))
	if err != nil || len(roles) == 0 {
		t.Fatal(roles, err)
	}
	for role, id := range roles {
		if s.Exam().Chosen(role).ID != id {
			t.Errorf("%v is %s", role, id)
		}
	}
	if _, err := SavedRoles([]byte(`5`)); err == nil {
		t.Error("a number has roles")
	}
	if r, err := SavedRoles([]byte(`{"roles":{"other":"x"}}`)); err != nil || len(r) != 0 {
		t.Error(r, err)
	}
}

func TestNothingOfTheStateNamesThePatient(t *testing.T) {
	s := opened(t)
	e := *s.Exam()
	e.Identity = exam.Identity{PatientName: "Doe^John", PatientID: "12345", Path: "/data/Doe"}
	s.SetExam(&e)
	for _, secret := range []string{"Doe", "12345"} {
		if strings.Contains(saved(t, s), secret) {
			t.Errorf("%s is in the session", secret)
		}
	}
}
