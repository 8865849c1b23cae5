package viewer

import "bayeslice/internal/lang"

// program is the name in the title bar.
const program = "Bayeslice"

// showTitle writes the title bar: the exam and, unless names are hidden, the patient.
func (w *Window) showTitle() {
	title := program
	if name := w.state.ExamName(); name != "" {
		title += " · " + name
	}
	if who := w.state.PatientText(); who != "" {
		title += " · " + who
	}
	if title != w.win.Title() {
		w.win.SetTitle(title)
	}
}

// togglePrivacy hides everything that names the patient or shows it again: overlays, title bar, tabs,
// lists, and the dialogs that list files.
func (w *Window) togglePrivacy() { w.setPrivate(!w.state.Private()) }

func (w *Window) setPrivate(on bool) {
	w.state.SetPrivate(on)
	w.showTitle()
	w.showRecents()
	if on {
		w.hideFileDialog()
	}
}

// hideFileDialog closes the dialog that lists files, with the names in it.
func (w *Window) hideFileDialog() {
	if w.files != nil {
		w.files.Hide()
		w.files = nil
	}
}

// discreet returns the details of an error, which may name files, or in private mode that they are hidden.
func (w *Window) discreet(details string) string {
	if details != "" && w.state.Private() {
		return lang.T("hidden, since they may name files; show names again to read them")
	}
	return details
}

// privacyLabel says what the privacy key would do now.
func (w *Window) privacyLabel() string {
	if w.state.Private() {
		return lang.T("Show names and paths")
	}
	return lang.T("Hide names and paths")
}
