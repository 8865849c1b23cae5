package machine

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestSignatureChangesWithTheDriver(t *testing.T) {
	first := Signature()
	if len(first) == 0 || !slices.Equal(first, Signature()) || !slices.IsSorted(first) {
		t.Fatalf("signature %q", first)
	}
	if runtime.GOOS != "linux" {
		return
	}
	manifest := filepath.Join(t.TempDir(), "driver.json")
	if err := os.WriteFile(manifest, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VK_DRIVER_FILES", manifest+string(os.PathListSeparator)+"/missing.json")
	if got := VulkanDrivers(); !slices.Equal(got, []string{manifest}) {
		t.Errorf("drivers %q", got)
	}
	with := Signature()
	if slices.Equal(with, first) {
		t.Error("another driver leaves the signature as it was")
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(manifest, later, later); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(with, Signature()) {
		t.Error("an update of the driver leaves the signature as it was")
	}
	t.Setenv("VK_DRIVER_FILES", filepath.Dir(manifest))
	if got := VulkanDrivers(); !slices.Equal(got, []string{manifest}) {
		t.Errorf("drivers of a folder: %q", got)
	}
	t.Setenv("VK_DRIVER_FILES", "/missing.json")
	if got := VulkanDrivers(); len(got) != 0 {
		t.Errorf("drivers %q", got)
	}
}
