package viewstate

import (
	"slices"
	"strings"

	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
)

// Private reports whether everything that names the patient is hidden.
func (s *State) Private() bool { return s.private }

// SetPrivate hides everything that names the patient, or shows it again.
func (s *State) SetPrivate(on bool) {
	if s.private != on {
		s.private = on
		s.mark(ChangedTexts | ChangedExam)
	}
}

// ExamName returns what the exam is called on screen: its name, which may be that of a file or folder,
// and in private mode "Study 4F2A", after its key; "" where no exam is open.
func (s *State) ExamName() string {
	switch e := s.exam; {
	case e == nil:
		return ""
	case s.private:
		return lang.T("Study %s", strings.ToUpper(e.Key[:min(4, len(e.Key))]))
	default:
		return e.Name
	}
}

// PatientText returns who the patient is, so that two are not taken for each other: name, number and
// birth date as far as the files tell; "" in private mode and where they tell nothing.
func (s *State) PatientText() string {
	if s.exam == nil || s.private {
		return ""
	}
	return patientText(s.exam.Identity)
}

// patientText joins what is known about a patient.
func patientText(i exam.Identity) string {
	var parts []string
	for _, p := range []string{strings.Join(strings.FieldsFunc(i.PatientName, func(r rune) bool { return r == '^' || r == ' ' }), " "), i.PatientID, birth(i.BirthDate)} {
		if p != "" && !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " · ")
}

// birth writes a DICOM date as 1950-01-31, or "" where it is none.
func birth(date string) string {
	d := strings.ReplaceAll(date, "-", "")
	if len(d) != 8 || strings.Trim(d, "0123456789") != "" {
		return ""
	}
	return d[:4] + "-" + d[4:6] + "-" + d[6:]
}
