package viewer

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// examPanel shows which series has which role and why, lets the user choose another, and lists what
// must be known about the data.
type examPanel struct {
	state   *viewstate.State
	told    int // issues that are listed
	content *fyne.Container
	name    *widget.Label
	about   *widget.Label
	roles   *fyne.Container
	issues  *fyne.Container
	choose  func(role exam.Role, seriesID string)
}

func newExamPanel(s *viewstate.State, choose func(exam.Role, string)) *examPanel {
	p := &examPanel{state: s, name: heading(""), about: caption(""), roles: snug(), issues: snug(), choose: choose}
	p.name.SizeName = theme.SizeNameSubHeadingText
	p.content = snug(p.name, p.about, p.roles, gapDown(6), widget.NewSeparator(), p.issues)
	return p
}

func (p *examPanel) object() fyne.CanvasObject { return p.content }

func (p *examPanel) update(c viewstate.Change) {
	if c.Has(viewstate.ChangedExam) || c.Has(viewstate.ChangedPrediction) && len(p.state.Issues()) != p.told {
		p.refresh()
	}
}

// refresh shows the open exam, or that there is none.
func (p *examPanel) refresh() {
	e, issues := p.state.Exam(), p.state.Issues()
	p.told = len(issues)
	p.roles.RemoveAll()
	p.issues.RemoveAll()
	if e == nil {
		p.name.SetText(lang.T("No exam open"))
		p.about.SetText(lang.T("Open a DICOM folder, a ZIP, a DICOMDIR, or NIfTI or MHA files, or drop them on the window."))
		return
	}
	p.name.SetText(p.state.ExamName())
	p.about.SetText(about(e))
	if who := p.state.PatientText(); who != "" {
		p.about.SetText(who + "\n" + about(e))
	}
	for _, role := range exam.ReadingRoles {
		p.roles.Add(p.roleRow(e, role))
	}
	p.issues.Add(heading(issueTitle(len(issues))))
	for _, i := range issues {
		p.issues.Add(issueRow(i))
	}
}

// about says how much was opened, without identity.
func about(e *exam.Exam) string {
	images := 0
	for _, s := range e.Series {
		images += s.Images
	}
	text := lang.T("%d series, %d images", len(e.Series), images)
	if e.Synthetic {
		text += " · " + lang.T("synthetic phantom")
	}
	return text
}

func issueTitle(n int) string {
	switch n {
	case 0:
		return lang.T("No issues found in the data")
	}
	return lang.N(n, "%d issue to know about", "%d issues to know about")
}

// roleRow is the picker of one role with the reason of the present choice.
func (p *examPanel) roleRow(e *exam.Exam, role exam.Role) fyne.CanvasObject {
	choice := e.Roles[role]
	series := candidates(e, role)
	labels, ids, chosen := make([]string, len(series)), make([]string, len(series)), ""
	for i, s := range series {
		labels[i], ids[i] = seriesLabel(role, s), s.ID
		if slices.Contains(labels[:i], labels[i]) { // a picker tells its lines apart by their text
			labels[i] += " · " + s.ID
		}
	}
	pick := widget.NewSelect(labels, nil)
	pick.PlaceHolder = lang.T("no series found: choose one")
	for i, s := range series {
		if s == choice.Series {
			chosen = s.ID
			pick.SetSelectedIndex(i)
		}
	}
	pick.OnChanged = func(string) { // holds no series: the toolkit keeps a picker for minutes after it has gone, and the images with it
		if i := pick.SelectedIndex(); i >= 0 && ids[i] != chosen {
			p.choose(role, ids[i])
		}
	}
	reason := choice.Reason
	switch {
	case choice.Series == nil:
		reason = lang.T("No series fits this role. Models that need it cannot run.")
	case choice.Overridden:
		reason = lang.T("Chosen by you. %s", reason)
	}
	return snug(heading(capital(role.String())), inset(pick), caption(capital(reason)))
}

// candidates lists the series for a role: the choice, the alternatives, then every other image.
func candidates(e *exam.Exam, role exam.Role) []*exam.Series {
	choice := e.Roles[role]
	var out []*exam.Series
	seen := map[*exam.Series]bool{nil: true}
	add := func(s *exam.Series) {
		if !seen[s] && s.Volume != nil {
			seen[s] = true
			out = append(out, s)
		}
	}
	add(choice.Series)
	for _, a := range choice.Alternatives {
		add(a.Series)
	}
	for _, s := range e.Series {
		add(s)
	}
	return out
}

// seriesLabel is one line of a picker.
func seriesLabel(role exam.Role, s *exam.Series) string {
	size := s.Volume.Grid().Size
	title := viewstate.SeriesTitle(role, s)
	if title == role.String() || title == "" {
		title = s.Description
	}
	return fmt.Sprintf("%d · %s · %d×%d×%d", s.Number, title, size[0], size[1], size[2])
}

// issueRow shows one issue with its severity as icon and word, not by colour alone.
func issueRow(i exam.Issue) fyne.CanvasObject {
	icon, word := theme.InfoIcon(), lang.T("Note")
	switch i.Severity {
	case exam.Warning:
		icon, word = theme.NewWarningThemedResource(theme.WarningIcon()), lang.T("Warning")
	case exam.Severe:
		icon, word = theme.NewErrorThemedResource(theme.ErrorIcon()), lang.T("Severe")
	}
	text := widget.NewLabel(word + ": " + i.Text)
	text.Wrapping = fyne.TextWrapWord
	text.SizeName = theme.SizeNameCaptionText
	image := container.New(layout.NewCustomPaddedLayout(5, 0, 4, 0), container.NewVBox(widget.NewIcon(icon)))
	return container.NewBorder(nil, nil, image, nil, text)
}
