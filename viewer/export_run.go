package viewer

import (
	"context"
	"errors"
	"image"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"bayeslice/internal/lang"
	"bayeslice/internal/report"
)

// emptyView stands for the picture of the view where only the names of files are asked for.
var emptyView image.Image = image.NewRGBA(image.Rect(0, 0, 1, 1))

// export writes what was chosen, on a worker.
func (d *exportDialog) export() {
	if d.stop != nil || d.form.Problem() != "" {
		return
	}
	x := d.form.Export(now())
	d.x.last = d.form.Choice()
	var view *report.View
	if d.form.HasView() {
		v := d.x.view()
		view = &v
	}
	d.write(x, view)
}

// write writes an export; where files are in the way it asks and begins again.
func (d *exportDialog) write(x report.Export, view *report.View) {
	w := d.x.w
	ctx, cancel := context.WithCancel(w.ctx)
	d.stop = cancel
	d.wait()
	facts := d.x.stampFacts()
	x.Progress = func(done, of int, file string) {
		w.do(func() {
			if d.stop != nil {
				d.progress(done, of, file)
			}
		})
	}
	w.work.Go(func() {
		defer cancel()
		existing, written, err := d.run(ctx, x, view, facts)
		w.do(func() {
			if w.closing {
				return
			}
			d.stop = nil
			d.ended(x, view, existing, written, err)
		})
	})
}

// run completes the export and writes it. It runs on a worker.
func (d *exportDialog) run(ctx context.Context, x report.Export, view *report.View, facts []string) (existing, written []string, err error) {
	if view != nil {
		if x.View, err = d.x.stamped(ctx, *view, facts); err != nil {
			return nil, nil, err
		}
	}
	if !x.Overwrite {
		if _, existing, err = x.Names(); err != nil || len(existing) > 0 {
			return existing, nil, err
		}
	}
	if slices.Contains(x.Items, report.PagePDF) || slices.Contains(x.Items, report.PagePNG) {
		if err := x.Page.AddSectors(); err != nil {
			return nil, nil, err
		}
		if x.Page.Alignment == "" {
			if err := x.Page.AddAlignment(ctx, nil); err != nil {
				return nil, nil, err
			}
		}
	}
	written, err = x.Run(ctx)
	return nil, written, err
}

// ended shows what came of writing.
func (d *exportDialog) ended(x report.Export, view *report.View, existing, written []string, err error) {
	switch {
	case d.x.dialog != d: // it was closed meanwhile
	case errors.Is(err, context.Canceled):
		d.back()
		d.told.SetText(lang.T("Stopped; nothing was written."))
	case err != nil:
		d.back()
		d.x.w.showError(lang.T("The export failed"), err)
	case len(existing) > 0:
		d.back()
		d.x.w.askReplace(existing, func() {
			x.Overwrite = true
			d.write(x, view)
		})
	default:
		d.finished(x.Dir, written)
	}
}

// wait shows the page with the progress.
func (d *exportDialog) wait() {
	d.doing.SetText(lang.T("Preparing …"))
	d.bar.set(0)
	d.page(d.pages.wait)
	d.dialog.SetButtons([]fyne.CanvasObject{widget.NewButton(lang.T("Stop"), func() {
		if d.stop != nil {
			d.stop()
			d.doing.SetText(lang.T("Stopping …"))
		}
	})})
}

// progress shows how far writing is.
func (d *exportDialog) progress(done, of int, file string) {
	d.bar.set(float64(done) / float64(max(of, 1)))
	if file != "" {
		d.doing.SetText(lang.T("Writing %d of %d: %s", done+1, of, file))
	}
}

// back shows the choices again.
func (d *exportDialog) back() {
	d.page(d.pages.choose)
	d.dialog.SetButtons([]fyne.CanvasObject{widget.NewButton(lang.T("Cancel"), d.dialog.Hide), d.start})
	d.update()
}
