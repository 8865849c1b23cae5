package viewer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"

	"bayeslice/inference"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// bundled returns a bundled model that was trained on phantoms.
func bundled(task modelcard.Task, loss string, preferred bool) Model {
	m := model(task, true)
	m.ID, m.Bundled, m.Preferred = string(task)+"-"+strings.ToLower(loss), true, preferred
	m.Card.Name, m.Card.Loss = "Compact "+loss, loss
	m.Card.Training = &modelcard.TrainingFacts{Data: modelcard.DataFacts{Synthetic: true}}
	return m
}

// collection is what a program with bundled models offers.
func collection() []Model {
	return []Model{bundled(modelcard.Anatomy, "CE", false), bundled(modelcard.Anatomy, "FL", true), model(modelcard.Diagnosis, true)}
}

func TestPickersListModelsByLossAndSayWhereTheyComeFrom(t *testing.T) {
	h := newHarness(t, &fakeEngine{models: collection()}, Options{})
	zones, lesions := h.run.pickers[modelcard.Anatomy], h.run.pickers[modelcard.Diagnosis]
	if want := []string{"CE · bundled · phantoms only", "FL · bundled · phantoms only", noModel.String(), openModel.String()}; !slices.Equal(zones.Options, want) {
		t.Errorf("options %q, want %q", zones.Options, want)
	}
	if zones.Selected != "FL · bundled · phantoms only" || lesions.Selected != "Test diagnosis" {
		t.Errorf("chosen %q and %q", zones.Selected, lesions.Selected)
	}
	if want := "Zones: trained on generated phantoms only"; h.run.notice.Text != want || !h.run.notice.Visible() {
		t.Errorf("notice %q, want %q", h.run.notice.Text, want)
	}
	zones.SetSelected(noModel.String())
	if h.run.notice.Visible() {
		t.Errorf("a notice without a model that needs one: %q", h.run.notice.Text)
	}
	jobs, err := h.run.jobs()
	if err != nil || len(jobs) != 1 || jobs[0].Model.Card.Task != modelcard.Diagnosis {
		t.Errorf("jobs %+v, %v", jobs, err)
	}
	h.run.setModels(collection()) // as when a training has ended
	if zones.Selected != noModel.String() {
		t.Errorf("a new list changed the user's choice to %q", zones.Selected)
	}
	zones.SetSelected("CE · bundled · phantoms only")
	h.run.setModels(append([]Model{bundled(modelcard.Anatomy, "BCE", false)}, collection()...))
	if zones.Selected != "CE · bundled · phantoms only" || zones.model().ID != "anatomy-ce" {
		t.Errorf("a longer list changed the user's choice to %q", zones.Selected)
	}
}

func TestEqualNamesAreToldApart(t *testing.T) {
	a, b := model(modelcard.Anatomy, false), model(modelcard.Anatomy, false)
	b.ID = "other.onnx"
	if got := modelLabels([]Model{a, b, a}); !slices.Equal(got, []string{"Test anatomy · untrained", "Test anatomy · untrained (2)", "Test anatomy · untrained (3)"}) {
		t.Errorf("%q", got)
	}
}

func TestAModelFileIsOpenedCheckedAndChosen(t *testing.T) {
	f := &fakeEngine{models: collection()}
	f.model = func(path string) (Model, error) {
		if path != "/mine.onnx" {
			return Model{}, fmt.Errorf("%w: its input is of another size", inference.ErrModel)
		}
		m := model(modelcard.Diagnosis, true)
		m.ID, m.Card.Name = path, "Mine"
		return m, nil
	}
	h := newHarness(t, f, Options{})
	lesions := h.run.pickers[modelcard.Diagnosis]
	h.dropped(fyne.Position{}, []fyne.URI{storage.NewFileURI("/mine.onnx")})
	h.until("the model", func() bool { return lesions.Selected == "Mine" })
	if want := []string{"Mine", "Test diagnosis", noModel.String(), openModel.String()}; !slices.Equal(lesions.Options, want) {
		t.Errorf("options %q, want %q", lesions.Options, want)
	}
	h.openModel("/mine.onnx")
	h.openModel("/other.ONNX")
	h.until("the refusal", func() bool { return h.overlayText() != "" })
	for _, want := range []string{"The model file cannot be used", "another size"} {
		if got := h.overlayText(); !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	if lesions.Selected != "Mine" || len(lesions.Options) != 4 {
		t.Errorf("chosen %q of %q", lesions.Selected, lesions.Options)
	}
}

func TestTheLineForAFileIsNoChoice(t *testing.T) {
	asked := 0
	p := newModelPicker(func() { asked++ }, func() {})
	p.set(collection()[:2])
	p.SetSelected(openModel.String())
	if asked != 1 || p.Selected != "FL · bundled · phantoms only" || p.model().ID != "anatomy-fl" {
		t.Errorf("asked %d times, chosen %q", asked, p.Selected)
	}
}

func TestTheToolBarFitsTheSmallestWindow(t *testing.T) {
	device := strings.Repeat("A device of a long name ", 4) + "(ONNX Runtime 1.27.0)"
	f := &fakeEngine{models: []Model{bundled(modelcard.Anatomy, "BCE", true), bundled(modelcard.Diagnosis, "FL", true)}}
	f.predict = func(_ context.Context, job Job, _ func(*inference.Prediction)) (*inference.Prediction, Device, error) {
		p := predictionOf(t, job, job.Samples, inference.Completed)
		p.Device = device
		return p, Device{Name: device}, nil
	}
	h := newHarness(t, f, Options{Trainer: struct{ viewstate.Trainer }{}}) // its page is not opened
	h.bar.setTraining(true, 1)
	h.openDemo() // a synthetic exam
	h.until("the exam", func() bool { return h.state.Exam() != nil })
	for _, d := range []struct{ device, want string }{
		{"CPU (ONNX Runtime 1.27.0)", "Compact BCE + Compact FL on CPU"}, {"GPU", "Compact BCE + Compact FL on GPU"}, {device, "…"},
	} {
		device = d.device
		h.startRun()
		h.until("the end", func() bool { return h.running == nil })
		h.settle()
		got := h.bar.device.text.Text
		if !strings.Contains(got, d.want) {
			t.Errorf("on %q the tool bar says %q, want %q in it", d.device, got, d.want)
		}
		if min := h.win.Content().MinSize(); min.Width > 1280 {
			t.Errorf("with %q the window needs %v, 1280 × 800 must do", got, min)
		}
	}
}

func TestResultsOfPhantomModelsSaySo(t *testing.T) {
	h := newHarness(t, &fakeEngine{models: collection()[:2]}, Options{})
	h.openExam()
	if strings.Contains(texts(h.bar.content), "PHANTOMS") {
		t.Error("the tool bar speaks of a model before there is a result")
	}
	h.startRun()
	h.until("the end", func() bool { return h.running == nil })
	h.settle()
	if got := texts(h.bar.content); !strings.Contains(got, "TRAINED ON PHANTOMS") || strings.Contains(got, "UNTRAINED") {
		t.Errorf("tool bar says %q", got)
	}
	if got := texts(h.views[0]); !strings.Contains(got, "TRAINED ON PHANTOMS") {
		t.Errorf("viewport says %q", got)
	}
	if got := texts(h.layers.content); !strings.Contains(got, "generated phantoms only") || strings.Contains(got, "Untrained") {
		t.Errorf("results say %q", got)
	}
	if min := h.win.Content().MinSize(); min.Width > 1280 || min.Height > 800 {
		t.Errorf("the window needs %v, 1280 × 800 must do", min)
	}
}
