package viewstate

import (
	"strings"
	"testing"

	"bayeslice/internal/exam"
)

func TestPrivateModeNamesNobody(t *testing.T) {
	s := New()
	if s.ExamName() != "" || s.PatientText() != "" {
		t.Error("an empty window names somebody")
	}
	e := *testExam(t)
	e.Key, e.Name = "4f2a0011", "Doe_John"
	e.Identity = exam.Identity{PatientName: "Doe^John^^Dr", PatientID: "12345", BirthDate: "19500131", Path: "/data/Doe"}
	s.SetExam(&e)
	if got := s.PatientText(); got != "Doe John Dr · 12345 · 1950-01-31" || s.ExamName() != "Doe_John" {
		t.Errorf("%q, %q", s.ExamName(), got)
	}
	changed := Change(0)
	s.Listen(func(c Change) { changed |= c })
	s.SetPrivate(true)
	if !changed.Has(ChangedTexts) || !changed.Has(ChangedExam) {
		t.Error("nobody is told")
	}
	if got := s.ExamName() + s.PatientText(); strings.Contains(got, "Doe") || s.ExamName() != "Study 4F2A" || s.PatientText() != "" {
		t.Error(got)
	}
}

func TestPatientTextOfScarceFiles(t *testing.T) {
	for want, i := range map[string]exam.Identity{
		"":           {},
		"P1":         {PatientName: "P1", PatientID: "P1"},
		"Doe":        {PatientName: "Doe^", BirthDate: "unknown"},
		"1950-01-31": {BirthDate: "1950-01-31"},
		"A B · 7":    {PatientName: "A  B", PatientID: "7"},
	} {
		if got := patientText(i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
