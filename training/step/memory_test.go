package step_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"bayeslice/internal/modelcard"
	"bayeslice/internal/nets"
	"bayeslice/internal/ort"
	"bayeslice/internal/testenv"
	"bayeslice/training/loss"
	"bayeslice/training/step"
)

// memoryChild asks the test binary to make one step in a process of its own.
const memoryChild = "BAYESLICE_TEST_STEP_MEMORY"

// TestMemoryIsAboutWhatIsUsed holds the estimate against the peak memory that the system counted for a
// process which made steps of the compact network.
func TestMemoryIsAboutWhatIsUsed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the system's count of memory is read from /proc")
	}
	p, err := nets.FindPreset("compact", modelcard.Diagnosis)
	if err != nil {
		t.Fatal(err)
	}
	c := step.Config{Net: p.Config, Loss: loss.Options{Kind: loss.FL, Alpha: []float64{0.75, 0.25}, Gamma: 2}, Beta: 1}
	s, err := step.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv(memoryChild) != "" {
		session, in := open(t, s), inputs(t, c, s)
		for range 2 {
			if _, err := session.Run(context.Background(), in); err != nil {
				t.Fatal(err)
			}
		}
		peak, err := peakMemory()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("peak %.0f\n", peak)
		return
	}
	if _, err := ort.Open(ort.Options{}); err != nil {
		testenv.SkipOrFail(t, "ort", err.Error())
	}
	child := exec.Command(os.Args[0], "-test.run=^TestMemoryIsAboutWhatIsUsed$")
	child.Env = append(os.Environ(), memoryChild+"=1")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var peak float64
	_, line, _ := strings.Cut(string(out), "peak ")
	if _, err := fmt.Sscan(line, &peak); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	if ratio := float64(s.Memory()) / peak; ratio < 0.7 || ratio > 1.4 {
		t.Errorf("the estimate is %.0f MB, the process took %.0f MB", float64(s.Memory())/1e6, peak/1e6)
	} else {
		t.Logf("estimated %.0f MB, taken %.0f MB", float64(s.Memory())/1e6, peak/1e6)
	}
}

// The full network's step took 5.45 GB (docs/benchmarks.md).
func TestMemoryOfTheFullNetwork(t *testing.T) {
	c := step.Config{Net: nets.PaperM1(modelcard.Diagnosis), Loss: loss.Options{Kind: loss.FL, Alpha: []float64{0.75, 0.25}, Gamma: 2}, Beta: 1}
	s, err := step.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if gb := float64(s.Memory()) / 1e9; gb < 4.5 || gb > 6.5 {
		t.Errorf("the estimate for the full network is %.2f GB; a step was measured to take 5.45 GB", gb)
	} else {
		t.Logf("%.2f GB", gb)
	}
}
