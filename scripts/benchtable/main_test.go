package main

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	in := "goos: linux\npeer: {\"Row\":\"a sample\",\"Peer\":\"PyTorch\",\"Unit\":\"s\",\"Turns\":3,\"Mine\":1.25,\"Theirs\":5,\"Ratio\":0.25,\"Low\":0.2,\"High\":0.3,\"Note\":\"equal\"}\n" +
		"peer: {\"Row\":\"reading\",\"Peer\":\"dcm2niix\",\"Missing\":\"peer not installed: Debian's dcm2niix\",\"Unit\":\"s\",\"Mine\":0.5}\nok  \tbayeslice/x\t1s\n"
	var table, progress strings.Builder
	failed, err := run(strings.NewReader(in), &table, &progress)
	if failed || err != nil {
		t.Fatal(failed, err)
	}
	for _, want := range []string{"| a sample | 1.25 s | PyTorch | 5 s | **0.25** | 3: 0.20–0.30 | equal |\n",
		"| reading | 0.5 s | dcm2niix | peer not installed: Debian's dcm2niix | | | |\n"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
	if !strings.Contains(progress.String(), "bayeslice/x") {
		t.Errorf("progress is %q", progress.String())
	}
	if failed, _ := run(strings.NewReader("--- FAIL: BenchmarkX\n"), &table, &progress); !failed {
		t.Error("a failed benchmark passes")
	}
	if _, err := run(strings.NewReader("peer: {\n"), &table, &progress); err == nil {
		t.Error("a damaged row passes")
	}
}
