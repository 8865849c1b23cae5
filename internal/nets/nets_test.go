package nets_test

import (
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/tensor"
)

func TestParameterCounts(t *testing.T) {
	for _, task := range []modelcard.Task{modelcard.Anatomy, modelcard.Diagnosis} {
		c := nets.PaperM1(task)
		g, noise, err := nets.Inference(c)
		if err != nil {
			t.Fatal(err)
		}
		tr, _, err := nets.Training(c)
		if err != nil {
			t.Fatal(err)
		}
		n, m, k := 0, 0, 0
		for _, p := range g.Params() {
			n += tensor.Count(p.Shape())
		}
		for _, p := range tr.Params() {
			m += tensor.Count(p.Shape())
		}
		for _, p := range noise {
			k += tensor.Count(p.Shape)
		}
		t.Log(task, n, m, k, len(g.Nodes()))
	}
}
