package viewer

import "bayeslice/internal/session"

// addSection makes a part of the window remember itself in session files. Sections are saved and restored
// in the order in which they were added, with the exam they belong to open.
func (w *Window) addSection(s session.Section) { w.sections = append(w.sections, s) }
