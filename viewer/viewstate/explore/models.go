package explore

import (
	"context"
	"slices"

	"bayeslice/inference"
	"bayeslice/internal/geom"
	"bayeslice/internal/modelcard"
	"bayeslice/viewer/viewstate"
)

// Candidate is a model that can be compared.
type Candidate struct {
	ID      string
	Title   string // short: the loss of a bundled model, else its name
	Task    modelcard.Task
	Loss    string // "CE", "BCE", "FL", "DB"; "" where the model does not say
	Bundled bool
}

// losses are compared in the order of the paper's Figure 3.
var losses = [...]string{"CE", "BCE", "FL", "DB"}

// SetCandidates lists the models. Slots that a person has not filled get the bundled models, by loss.
func (x *Explore) SetCandidates(all []Candidate) {
	x.candidates = all
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		chosen := x.choice[task]
		for i := range chosen {
			if x.find(chosen[i]) == nil {
				chosen[i] = ""
			}
		}
		if chosen == ([Slots]string{}) {
			chosen = x.usual(task)
		}
		x.choice[task] = chosen
	}
	x.fill()
}

// usual returns the bundled model of each loss, or, where there are none, the first models of the task.
func (x *Explore) usual(task modelcard.Task) [Slots]string {
	var out [Slots]string
	for i, loss := range losses {
		for _, c := range x.candidates {
			if c.Task == task && c.Bundled && c.Loss == loss && out[i] == "" {
				out[i] = c.ID
			}
		}
	}
	if out == ([Slots]string{}) {
		for i, c := range x.Candidates(task) {
			if i < Slots {
				out[i] = c.ID
			}
		}
	}
	return out
}

// Candidates lists the models of a task.
func (x *Explore) Candidates(task modelcard.Task) []Candidate {
	return slices.DeleteFunc(slices.Clone(x.candidates), func(c Candidate) bool { return c.Task != task })
}

func (x *Explore) find(id string) *Candidate {
	for i := range x.candidates {
		if x.candidates[i].ID == id {
			return &x.candidates[i]
		}
	}
	return nil
}

// Task returns the task of the selected class, whose models are compared.
func (x *Explore) Task() modelcard.Task { return x.s.Class().Task() }

// Chosen returns the model in a slot of the selected class's task; nil for none.
func (x *Explore) Chosen(slot int) *Candidate { return x.find(x.choice[x.Task()][slot]) }

// Choose puts a model of the selected class's task into a slot; "" empties it. A result of another model is dropped.
func (x *Explore) Choose(slot int, id string) {
	task := x.Task()
	c := x.find(id)
	if slot < 0 || slot >= Slots || id != "" && (c == nil || c.Task != task) || x.choice[task][slot] == id {
		return
	}
	all := x.choice[task]
	all[slot] = id
	x.choice[task] = all
	x.fill()
}

// fill brings the state's slots in line with the choice; results of models that stay are kept.
func (x *Explore) fill() {
	x.s.Update(func() {
		for task, ids := range x.choice {
			for slot, id := range ids {
				want := viewstate.Compared{}
				if c := x.find(id); c != nil {
					want = viewstate.Compared{ID: id, Title: c.Title}
				}
				if have := x.s.ComparedOf(task, slot); have.ID != want.ID || have.Title != want.Title && have.Prediction == nil {
					x.s.SetCompared(task, slot, want)
				}
			}
		}
	})
	x.tell()
}

// fillLater fills the slots after the listeners of a change have been called.
func (x *Explore) fillLater() {
	x.worker.Submit("fill", func(context.Context) func() { return x.fill })
}

// Wanted lists the slots whose models have to run for a comparison of n samples with a seed, with images moved as given
// (see prep.Options): those chosen that have no finished result of that kind.
func (x *Explore) Wanted(n int, seed uint64, moves map[string]geom.Vec3) []int {
	var out []int
	for slot := range Slots {
		if x.Chosen(slot) == nil {
			continue
		}
		p := x.s.Compared(slot).Prediction
		if p == nil || p.Stop != inference.Completed || p.Seed != seed || p.Requested != n && len(p.Card.Noise) > 0 ||
			!slices.Equal(p.Moved, p.Card.Recipe.Moved(x.s.Exam(), moves)) {
			out = append(out, slot)
		}
	}
	return out
}
