package exam

import (
	"errors"
	"fmt"
	"strings"

	"bayeslice/internal/imageio/dicom"
)

// notes turns what was seen in assembly into issues.
func (s *Series) notes(stack *dicom.Stack) {
	add := func(code string, severity Severity, format string, args ...any) {
		s.found = append(s.found, Issue{Code: code, Severity: severity, Text: s.label() + " " + fmt.Sprintf(format, args...)})
	}
	if s.Problem != "" {
		add(NotAVolume, Warning, "(%s) cannot be used: %s", plural(s.Images, "image"), s.Problem)
		return
	}
	if n := len(stack.Missing); n > 0 {
		add(MissingSlice, Severe, "lacks %s of %d slices (%s, counted from the %s); what is shown there is interpolated from the neighbours, not measured",
			oneOr(n), stack.Grid.Size[2], slicesText(stack.Missing), lowEnd(stack))
	}
	if stack.Uneven {
		add(UnevenGap, Warning, "has uneven gaps between its slices, up to %s off; it was interpolated to an even spacing of %s", mm(stack.MaxShiftMM), mm(stack.Grid.Spacing[2]))
	}
	if stack.Duplicates > 0 {
		add(DuplicateSlice, Warning, "has %d more images at positions that have one already; the first of each was used", stack.Duplicates)
	}
	h := stack.Frames[0].Header
	if unit, _ := realWorldUnit(stack, s.Kind); h.Photometric == "MONOCHROME1" && s.Kind != ADC && unit.Value == "" {
		add(Inverted, Note, "is stored for inverted display (MONOCHROME1); its values were mirrored so that bright means bright")
	}
	if h.Lossy {
		add(Lossy, Warning, "was once compressed with loss, so its values are not the scanner's")
	}
}

// lowEnd names the end of the patient from which slices are counted.
func lowEnd(stack *dicom.Stack) string {
	n := stack.Grid.Normal()
	names := [3][2]string{{"left", "right"}, {"back", "front"}, {"head", "feet"}}
	axis := 0
	for a := range 3 {
		if n[a]*n[a] > n[axis]*n[axis] {
			axis = a
		}
	}
	if n[axis] > 0 { // counting along +L, +P, +H starts at the other end
		return names[axis][1] + " end"
	}
	return names[axis][0] + " end"
}

func oneOr(n int) string {
	if n == 1 {
		return "one"
	}
	return fmt.Sprint(n)
}

// slicesText lists slice numbers, counted from 1.
func slicesText(ks []int) string {
	word := "slice "
	if len(ks) > 1 {
		word = "slices "
	}
	parts := make([]string, len(ks))
	for i, k := range ks {
		parts[i] = fmt.Sprint(k + 1)
	}
	return word + strings.Join(parts, ", ")
}

// placeIssues reports files that are no images or could not be read, by number.
func (r *dicomReader) placeIssues() []Issue {
	var out []Issue
	if n := len(r.index.Failures); n > 0 {
		first := plain(r.index.Failures[0].Err)
		out = append(out, Issue{Code: Unreadable, Severity: Warning, Text: fmt.Sprintf(
			"%s could not be read and %s left out (%s)", plural(n, "DICOM file"), wasWere(n), first)})
	}
	other := len(r.index.NotDICOM)
	for _, n := range r.index.NotImages {
		other += n
	}
	if other > 0 {
		text := fmt.Sprintf("%s beside the images %s none and %s left aside", plural(other, "file"), isAre(other), wasWere(other))
		if kinds := r.objects(); len(kinds) > 0 {
			text += " (among them DICOM objects: " + strings.Join(kinds, ", ") + ")"
		}
		out = append(out, Issue{Code: NonImage, Severity: Note, Text: text})
	}
	return out
}

// plain turns an error of package dicom into text without the package's name or a file's.
func plain(err error) string {
	if f := (*dicom.FileError)(nil); errors.As(err, &f) {
		err = f.Err
	}
	if systemic(err) {
		return systemText(err)
	}
	text := err.Error()
	if where, ok := strings.CutPrefix(text, dicom.ErrTruncated.Error()+": "); ok { // what to do comes last
		return "the file is cut short (" + where + "); copy it again from its source"
	}
	for _, sentinel := range []error{dicom.ErrGeometry, dicom.ErrUnsupported, dicom.ErrNotImage} {
		text = strings.TrimPrefix(text, sentinel.Error()+": ")
	}
	text = strings.NewReplacer(": jpegls: ", ": ", ": openjpeg: ", ": ").Replace(text)
	return strings.TrimPrefix(text, "dicom: ")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func wasWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func itThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
