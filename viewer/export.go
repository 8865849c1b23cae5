package viewer

import (
	"context"
	"errors"
	"image"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/inference"
	"bayeslice/internal/lang"
	"bayeslice/internal/modelcard"
	"bayeslice/internal/report"
	"bayeslice/viewer/viewstate"
	"bayeslice/viewer/viewstate/exporting"
)

// exporter is everything that leaves the window: exported files, and pictures of the view. Its methods
// run on the UI goroutine.
type exporter struct {
	w       *Window
	last    exporting.Choice // of this session; where files went is not kept beyond it
	sources []exporting.Source
	dialog  *exportDialog // that is shown, or nil
	open    func(*url.URL) error
}

// newExporter makes the window export; sources add what other parts of it have.
func newExporter(w *Window, sources ...exporting.Source) *exporter {
	x := &exporter{w: w, sources: sources, open: w.app.OpenURL}
	w.handle(viewstate.Export, x.show)
	w.handle(viewstate.CopyView, x.saveView)
	w.addMenu(menuItem{}, menuItem{lang.T("Export …"), viewstate.Export}, menuItem{lang.T("Save this view …"), viewstate.CopyView})
	w.state.Listen(func(c viewstate.Change) {
		if x.dialog != nil && c.Has(viewstate.ChangedTexts) {
			x.dialog.showPlace()
		}
	})
	return x
}

// form is the state of a new dialog.
func (x *exporter) form() *exporting.Form {
	return exporting.New(x.w.state, x.w.programVersion(), x.w.opt.Renderer, x.last, x.sources...)
}

// programVersion is the name and version that files carry.
func (w *Window) programVersion() string {
	if v := w.app.Metadata().Version; v != "" {
		return program + " " + v
	}
	return program
}

// show asks what to export, and exports it.
func (x *exporter) show() {
	switch {
	case x.dialog != nil:
	case x.w.state.Exam() == nil:
		x.w.showSentence(lang.T("Nothing to export"), lang.T("No exam is open."), lang.T("Open an exam first."), "")
	default:
		x.dialog = newExportDialog(x, x.form())
		x.dialog.show()
	}
}

// view returns what the window shows now, for a picture.
func (x *exporter) view() report.View {
	var panes []exporting.Viewport
	scale := 1.0
	for i, v := range x.w.views {
		if !v.Visible() {
			continue
		}
		size, s := x.w.state.Size(i)
		if size.W < 1 || size.H < 1 {
			continue
		}
		scale = s
		at := image.Pt(int(float64(v.Position().X)*s+0.5), int(float64(v.Position().Y)*s+0.5))
		panes = append(panes, exporting.Viewport{Index: i, At: image.Rectangle{Min: at, Max: at.Add(image.Pt(size.W, size.H))}})
	}
	return exporting.View(x.w.state, panes, scale, func(l viewstate.Legend) (what, low, high string) {
		return legendTitle(l), tickText(l.Low, l.High), tickText(l.High, l.High)
	})
}

// stampFacts are the lines under a picture of the view.
func (x *exporter) stampFacts() []string {
	facts := []string{lang.T("Exam %s", report.AnonymousName(x.w.state.Exam()))}
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		for i := range x.w.views {
			if p := x.w.state.Shown(i, task); p != nil && x.w.views[i].Visible() {
				for _, f := range exporting.Facts([]*inference.Prediction{p}) {
					if !slices.Contains(facts, f) {
						facts = append(facts, f)
					}
				}
			}
		}
	}
	return facts
}

// stamped draws a view with the research-use line. It runs on a worker.
func (x *exporter) stamped(ctx context.Context, v report.View, facts []string) (*image.RGBA, error) {
	img, err := v.Draw(ctx, x.w.opt.Renderer)
	if err != nil {
		return nil, err
	}
	return report.Stamp(img, x.w.programVersion(), 12*v.Scale, facts...)
}

// saveView asks where, and writes what the window shows as a picture without names.
func (x *exporter) saveView() {
	w := x.w
	if w.state.Exam() == nil {
		w.showSentence(textViewUnsaved.String(), lang.T("No exam is open."), lang.T("Open an exam first."), "")
		return
	}
	v, facts := x.view(), x.stampFacts() // as it is now, not as it is when a place was chosen
	w.pickPath(pickPictureSave, func(path string) {
		if !strings.EqualFold(filepath.Ext(path), "."+pictureExtension) {
			path += "." + pictureExtension
		}
		x.saveViewTo(path, v, facts)
	})
}

// pictureExtension is that of pictures, without its dot.
const pictureExtension = "png"

// pictureName proposes a name for a picture of the view, without what may name the patient.
func (w *Window) pictureName() string {
	if w.state.Exam() == nil {
		return program + "." + pictureExtension
	}
	return report.AnonymousName(w.state.Exam()) + "_view." + pictureExtension
}

const textViewUnsaved lang.Text = "The picture was not saved"

// saveViewTo draws and writes a picture off the UI goroutine.
func (x *exporter) saveViewTo(path string, v report.View, facts []string) {
	w := x.w
	w.run.tell(lang.T("Saving the picture …"), "")
	w.work.Go(func() {
		img, err := x.stamped(w.ctx, v, facts)
		if err == nil {
			err = report.WritePicture(path, img)
		}
		w.do(func() {
			switch {
			case w.closing || errors.Is(err, context.Canceled):
			case err != nil:
				w.run.tell("", "")
				w.showError(textViewUnsaved.String(), err)
			default:
				w.run.tell(lang.T("The picture is saved, without names."), "")
			}
		})
	})
}

// showFolder shows a folder in the system's file manager.
func (x *exporter) showFolder(path string) {
	full, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(full)
	}
	if err == nil {
		err = x.open(&url.URL{Scheme: "file", Path: filepath.ToSlash(full)})
	}
	if err != nil {
		x.w.showError(lang.T("The folder cannot be shown"), err)
	}
}
