package viewer

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/viewer/viewstate"
)

// researchText is what the user accepts once; researchVersion goes up when it changes, and it is shown again.
const (
	researchVersion               = 1
	researchTitle       lang.Text = "For research only"
	researchText        lang.Text = "Bayeslice is research software. It is not a medical device and must not be used for diagnosis or for decisions about treatment."
	researchUncertainty lang.Text = "What the models mark may be wrong. The uncertainty shown is the model's own estimate: it can be sure and wrong."
	researchScope       lang.Text = "The models that come with the program were trained on synthetic phantoms only. Exams after treatment, with a hip prosthesis or with an endorectal coil are outside of what they learnt."
	researchPrivacy     lang.Text = "Nothing is sent anywhere. Files with results carry no patient's name. %s hides names and paths on screen."
)

// greet tells what could not be read and, the first time, what the program is for. It does nothing where
// nobody is there to answer.
func (w *Window) greet() {
	if w.opt.Unattended || w.kept.store == nil {
		return
	}
	if w.kept.prefs.Acknowledged < researchVersion {
		w.askResearchUse(w.tellFaults)
		return
	}
	w.tellFaults()
}

// tellFaults tells what of the kept things could not be read.
func (w *Window) tellFaults() {
	faults := w.kept.faults
	w.kept.faults = nil
	for _, f := range faults {
		w.showError(f.title, f.err)
	}
}

// askResearchUse shows the research-use text and then calls next; whoever does not accept it leaves.
func (w *Window) askResearchUse(next func()) {
	body := container.NewVBox()
	key := w.state.Keys().Text(viewstate.HideIdentity)
	for i, text := range []string{researchText.String(), researchUncertainty.String(), researchScope.String(), researchPrivacy.Format(key)} {
		l := widget.NewLabel(text)
		l.Wrapping = fyne.TextWrapWord
		l.TextStyle.Bold = i == 0
		body.Add(l)
	}
	content := container.New(fixedWidth{520}, body)
	d := dialog.NewCustomConfirm(researchTitle.String(), lang.T("I understand"), lang.T("Quit"), content, func(ok bool) {
		if !ok {
			w.Close()
			return
		}
		w.kept.prefs.Acknowledged = researchVersion
		w.keepPrefs()
		next()
	}, w.win)
	d.Show()
}
