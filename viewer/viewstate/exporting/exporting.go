// Package exporting is the state of what leaves the program, without a toolkit: which files can be
// written of what is open, which of them the user chose, where and under which name, and what the
// window shows as a picture for others. The files themselves are written by package report, off the
// window's goroutine; all methods here run on it unless they say otherwise.
package exporting

import (
	"slices"
	"strings"
	"time"

	"bayeslice/inference"
	"bayeslice/internal/exam"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report"
	"bayeslice/internal/volume"
	"bayeslice/render"
	"bayeslice/viewer/viewstate"
)

// Source adds what another part of the window has to an export: contours, measurements, key images. It is
// called on the window's goroutine with an exam open, and must not keep the export.
type Source func(x *report.Export)

// Entry is one kind of file in the dialog.
type Entry struct {
	Item report.Item
	Name string // what it is, in the user's language
	Hint string // one sentence more
	Why  string // why it cannot be chosen, or ""
	On   bool
}

// Group is a heading with entries under it.
type Group struct {
	Name    string
	Entries []Entry
}

// Choice is what a user chose the last time: it is kept while the program runs. The zero value is a good start.
type Choice struct {
	Known  bool // the rest was chosen by the user
	Items  []report.Item
	Format report.Format
	Folder string
}

// Form is the state of the export dialog. Make it with [New].
type Form struct {
	base     report.Export // what is there, without the user's choices
	why      map[report.Item]string
	on       map[report.Item]bool
	format   report.Format
	folder   string
	name     string
	identity bool
}

// New returns the form for what a state shows, with what sources add and the choices of the last time. program is the name and
// version; renderer draws the report's slices.
func New(s *viewstate.State, program string, renderer render.Renderer, last Choice, sources ...Source) *Form {
	f := &Form{why: map[report.Item]string{}, on: map[report.Item]bool{}, format: report.NIfTI, folder: last.Folder}
	f.base = report.Export{Exam: s.Exam(), Program: program}
	f.base.Page.Renderer = renderer
	if r := s.Reference(); r != nil && !s.ReferenceHidden() {
		f.base.Page.References = map[modelcard.Task]*volume.Mask{modelcard.Anatomy: r.Zones, modelcard.Diagnosis: r.Lesions}
	}
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		if p := s.Prediction(task); p != nil && p.Samples > 0 {
			f.base.Predictions = append(f.base.Predictions, p)
		}
	}
	if f.base.Exam != nil {
		for _, add := range sources {
			add(&f.base)
		}
	}
	for _, i := range report.Items {
		f.why[i] = f.missing(i, s)
	}
	f.choose(last)
	if f.base.Exam != nil {
		f.name = report.AnonymousName(f.base.Exam)
	}
	return f
}

// choose takes up the choices of the last time, as far as they can be met.
func (f *Form) choose(last Choice) {
	items := []report.Item{report.Zones, report.Lesions, report.EditedLabels, report.PagePDF}
	if last.Known {
		items = last.Items
		if slices.Contains(report.Formats[:], last.Format) {
			f.format = last.Format
		}
	}
	for _, i := range items {
		f.on[i] = true
	}
}

// missing says why an item cannot be written, or "".
func (f *Form) missing(i report.Item, s *viewstate.State) string {
	anatomy, diagnosis := s.Prediction(modelcard.Anatomy) != nil, s.Prediction(modelcard.Diagnosis) != nil
	noResult := lang.T("No model was run on this exam.")
	switch {
	case s.Exam() == nil:
		return lang.T("No exam is open.")
	case i == report.ViewPNG:
		return ""
	case s.Exam().Chosen(exam.T2W) == nil:
		return lang.T("The exam has no T2W image, on whose grid files are written.")
	case i == report.EditedLabels && len(f.base.Labels) == 0:
		return lang.T("No contours were drawn or corrected.")
	case i == report.EditedLabels, i == report.Contours && len(f.base.Labels) > 0:
		return ""
	case i == report.Lesions && !diagnosis:
		return lang.T("No model for lesions was run on this exam.")
	case !anatomy && !diagnosis || len(f.base.Predictions) == 0:
		return noResult
	}
	return ""
}

// entryNames are the items as the dialog names them.
var entryNames = map[report.Item][2]lang.Text{
	report.Zones:        {lang.Mark("Most probable class"), lang.Mark("Masks of the zones, and of csPCa.")},
	report.Lesions:      {lang.Mark("Lesion candidates"), lang.Mark("One mask; each candidate has its number as its label.")},
	report.EditedLabels: {lang.Mark("My contours"), lang.Mark("What you drew or corrected.")},
	report.Means:        {lang.Mark("Mean probability"), lang.Mark("One map for each class.")},
	report.Deviations:   {lang.Mark("Standard deviation"), lang.Mark("How much the samples disagree, for each class.")},
	report.Entropies:    {lang.Mark("Entropy"), lang.Mark("Total uncertainty, in nats.")},
	report.Aleatoric:    {lang.Mark("Expected entropy"), lang.Mark("What the image leaves open, in nats.")},
	report.Epistemic:    {lang.Mark("Mutual information"), lang.Mark("What the model does not know, in nats.")},
	report.Computed:     {lang.Mark("Region of the model"), lang.Mark("1 where the model computed.")},
	report.Contours:     {lang.Mark("Contours (RTSTRUCT)"), lang.Mark("A DICOM structure set of zones, candidates and what you drew.")},
	report.PagePDF:      {lang.Mark("Report (PDF)"), lang.Mark("One page with key images, volumes, lesions and how they came about.")},
	report.PagePNG:      {lang.Mark("Report (PNG)"), lang.Mark("The same page as a picture.")},
	report.ViewPNG:      {lang.Mark("This view (PNG)"), lang.Mark("The images as they are on screen, without names.")},
}

// groups are the headings of the dialog.
var groups = []struct {
	name  lang.Text
	items []report.Item
}{
	{lang.Mark("Masks"), []report.Item{report.Zones, report.Lesions, report.EditedLabels, report.Contours, report.Computed}},
	{lang.Mark("Maps"), []report.Item{report.Means, report.Deviations, report.Entropies, report.Aleatoric, report.Epistemic}},
	{lang.Mark("For people"), []report.Item{report.PagePDF, report.PagePNG, report.ViewPNG}},
}

// Groups lists what the dialog offers.
func (f *Form) Groups() []Group {
	var out []Group
	for _, g := range groups {
		group := Group{Name: g.name.String()}
		for _, i := range g.items {
			names := entryNames[i]
			group.Entries = append(group.Entries, Entry{Item: i, Name: names[0].String(), Hint: names[1].String(), Why: f.Why(i), On: f.has(i)})
		}
		out = append(out, group)
	}
	return out
}

// Why says why an item cannot be written, in the chosen format, or "".
func (f *Form) Why(i report.Item) string {
	if f.why[i] == "" && !f.format.Holds(i) {
		return lang.T("Only as NIfTI or MHA.")
	}
	return f.why[i]
}

// has reports whether an item is chosen and can be written.
func (f *Form) has(i report.Item) bool { return f.on[i] && f.Why(i) == "" }

// Set chooses an item or leaves it out.
func (f *Form) Set(i report.Item, on bool) { f.on[i] = on }

// Format returns the format of masks and maps.
func (f *Form) Format() report.Format { return f.format }

// SetFormat chooses the format of masks and maps.
func (f *Form) SetFormat(v report.Format) { f.format = v }

// FormatName names a format for a choice.
func FormatName(v report.Format) string {
	switch v {
	case report.MHA:
		return "MHA (.mha)"
	case report.DICOM:
		return "DICOM SEG (.dcm)"
	}
	return "NIfTI (.nii.gz)"
}

// Folder returns where the files go, "" where that is not chosen yet.
func (f *Form) Folder() string { return f.folder }

// SetFolder chooses where the files go.
func (f *Form) SetFolder(path string) { f.folder = path }

// Name returns how the names of the files begin. At first it is made of a hash, and names nobody.
func (f *Form) Name() string { return f.name }

// SetName chooses how the names of the files begin.
func (f *Form) SetName(name string) { f.name = strings.TrimSpace(name) }

// Identity reports whether the report and DICOM objects name the patient.
func (f *Form) Identity() bool { return f.identity }

// SetIdentity makes the report and DICOM objects name the patient, or not.
func (f *Form) SetIdentity(on bool) { f.identity = on }

// HasReport reports whether a report is chosen.
func (f *Form) HasReport() bool { return f.has(report.PagePDF) || f.has(report.PagePNG) }

// HasObjects reports whether DICOM objects are chosen.
func (f *Form) HasObjects() bool {
	return f.has(report.Contours) || f.format == report.DICOM && slices.ContainsFunc(report.Items[:], func(i report.Item) bool { return f.has(i) && !pictured(i) })
}

// CanName reports whether anything chosen can name the patient, so that [Form.Identity] means anything.
func (f *Form) CanName() bool { return f.HasReport() || f.HasObjects() }

// HasMaps reports whether masks or maps are chosen, so that [Form.Format] means anything. Those that are chosen but not in the format count.
func (f *Form) HasMaps() bool {
	return slices.ContainsFunc(report.Items[:], func(i report.Item) bool {
		return f.on[i] && f.why[i] == "" && i != report.Contours && !pictured(i)
	})
}

// pictured reports whether an item is for people.
func pictured(i report.Item) bool {
	return i == report.PagePDF || i == report.PagePNG || i == report.ViewPNG
}

// Note says what a user must know of the DICOM objects that are chosen, or "".
func (f *Form) Note() string {
	if !f.HasObjects() || f.base.Exam == nil {
		return ""
	}
	if t2w := f.base.Exam.Chosen(exam.T2W); t2w == nil || t2w.Source() == nil {
		return lang.T("The images were no DICOM: the objects get a study of their own, and no archive lays them over the images.")
	}
	return ""
}

// HasView reports whether the picture of the view is chosen.
func (f *Form) HasView() bool { return f.has(report.ViewPNG) }

// Problem says in one sentence what is missing before anything can be written, or "".
func (f *Form) Problem() string {
	switch {
	case f.base.Exam == nil:
		return lang.T("No exam is open.")
	case !slices.ContainsFunc(report.Items[:], f.has):
		return lang.T("Choose at least one kind of file.")
	case f.folder == "":
		return lang.T("Choose a folder.")
	case f.name == "":
		return lang.T("Type how the names of the files begin.")
	}
	return ""
}

// Choice returns what to remember for the next time.
func (f *Form) Choice() Choice {
	c := Choice{Known: true, Format: f.format, Folder: f.folder}
	for _, i := range report.Items {
		if f.on[i] {
			c.Items = append(c.Items, i)
		}
	}
	return c
}

// Export returns what is to be written. The view, where it is chosen, is added by whoever draws it. created stands on the report.
func (f *Form) Export(created time.Time) report.Export {
	x := f.base
	x.Dir, x.Name, x.Format = f.folder, f.name, f.format
	for _, i := range report.Items {
		if f.has(i) {
			x.Items = append(x.Items, i)
		}
	}
	x.Page.Exam, x.Page.Predictions, x.Page.Created = x.Exam, x.Predictions, created
	x.DICOM = report.DICOMOptions{Identity: f.identity, Created: created}
	if f.identity {
		x.Page.Identity = &x.Exam.Identity
	}
	return x
}

// ResultText says what was written.
func ResultText(written []string, measured bool) string {
	text := lang.N(len(written), "%d file was written.", "%d files were written.")
	if measured {
		text += " " + lang.T("Each was read back and compared.")
	}
	return text
}

// Facts are the lines under a picture of the view: which models made what is shown.
func Facts(predictions []*inference.Prediction) []string {
	var out []string
	for _, p := range predictions {
		line := lang.T("Model %s, sha256 %s, %d samples, seed %d", p.Card.Name, p.ModelSHA[:min(12, len(p.ModelSHA))], p.Samples, p.Seed)
		if n := p.Card.Notice(); n != "" {
			line += " · " + n
		}
		out = append(out, line)
	}
	return out
}
