package viewer

import (
	"bayeslice/internal/annotate"
	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/edit"
)

// modeBadge says at the foot of the window whether keys and mouse view or edit, since digits and the right
// button mean something else then.
type modeBadge struct {
	*badge
	s *viewstate.State
	e *edit.Editor
}

func newModeBadge(s *viewstate.State, e *edit.Editor) *modeBadge {
	return &modeBadge{newBadge(lang.T("VIEW"), colorInput, colorText), s, e}
}

// update brings the badge up to date.
func (b *modeBadge) update(c viewstate.Change) {
	if !c.Has(viewstate.ChangedTool | viewstate.ChangedLabels | viewstate.ChangedExam) {
		return
	}
	text, ground := lang.T("VIEW"), colorInput
	if b.s.Mode() == viewstate.EditMode {
		text, ground = lang.T("EDIT"), colorAccent
		if b.e.Open() {
			text = lang.T("EDIT %s", labelText(b.e.Label()))
		}
	}
	if text != b.text.Text {
		b.set(text, ground)
	}
}

// labelText names a structure on screen.
func labelText(l annotate.Label) string { return l.String() }
