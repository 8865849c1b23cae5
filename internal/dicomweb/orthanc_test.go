package dicomweb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bayeslice/internal/imageio/dicomseg"
	"bayeslice/internal/testenv"
)

// orthanc starts a server with DICOMweb on a free port of this machine, for a user "reader" with password "secret". It ends with the test.
func orthanc(t *testing.T) Server {
	t.Helper()
	program, err := exec.LookPath("Orthanc")
	plugin := "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
	if _, missing := os.Stat(plugin); err != nil || missing != nil {
		testenv.SkipOrFail(t, "orthanc", "Orthanc with DICOMweb (Debian packages orthanc, orthanc-dicomweb) is not on this machine")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config, err := json.Marshal(map[string]any{"Name": "test", "HttpPort": port, "DicomServerEnabled": false, "RemoteAccessAllowed": false, "AuthenticationEnabled": true,
		"RegisteredUsers": map[string]string{"reader": "secret"}, "StorageDirectory": dir, "IndexDirectory": dir, "Plugins": []string{plugin},
		"DicomWeb": map[string]any{"Enable": true, "Root": "/dicom-web/"}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "orthanc.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, file)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // killed
		if t.Failed() {
			t.Log(log.String())
		}
	})
	s := Server{URL: fmt.Sprintf("http://127.0.0.1:%d/dicom-web", port), User: "reader", Password: "secret"}
	c := client(t, s)
	for range 200 {
		if _, err := c.Find(t.Context(), Query{Limit: 1}); err == nil {
			return s
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("Orthanc does not answer")
	return s
}

func client(t *testing.T, s Server) *Client {
	t.Helper()
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// A series and its segmentation are sent to a real Orthanc, found there, fetched, and are the same.
func TestSendFindAndFetchWithOrthanc(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Data(t, "autoradiomics", "QIN-PROSTATE_PCAMPMRI-00001"), "*", "*.dcm"))
	if err != nil || len(files) != 21 {
		t.Fatal(files, err)
	}
	s := orthanc(t)
	c := client(t, s)
	objects, err := Look(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	if err := c.Send(t.Context(), objects, func(done, of int) { steps = append(steps, done) }); err != nil {
		t.Fatal(err)
	}
	if len(steps) != len(files)+1 || steps[len(files)] != len(files) {
		t.Errorf("progress %v", steps)
	}
	if err := c.Send(t.Context(), objects[:1], nil); err != nil {
		t.Errorf("sent twice: %v", err)
	}
	studies, err := c.Find(t.Context(), Query{Modality: "SEG"})
	if err != nil || len(studies) != 1 || studies[0].Instances != 21 || studies[0].Series != 2 || studies[0].Patient == "" {
		t.Fatalf("%+v, %v", studies, err)
	}
	if none, err := c.Find(t.Context(), Query{Patient: "nobody"}); err != nil || len(none) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
	dir := filepath.Join(t.TempDir(), "new", "study")
	last := 0
	n, err := c.Fetch(t.Context(), studies[0].UID, dir, func(n int) { last = n })
	if err != nil || n != 21 || last != 21 {
		t.Fatalf("%d objects, %v", n, err)
	}
	found := 0
	fetched, err := filepath.Glob(filepath.Join(dir, "*.dcm"))
	if err != nil || len(fetched) != 21 {
		t.Fatal(fetched, err)
	}
	for _, path := range fetched {
		if dicomseg.Is(path) {
			f, err := dicomseg.Open(path)
			if err != nil || len(f.Segments) != 4 || len(f.Sources) != 20 {
				t.Errorf("%v", err)
			}
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d segmentations", found)
	}
	if _, err := c.Fetch(t.Context(), studies[0].UID, dir, nil); !errors.Is(err, ErrFolder) {
		t.Errorf("into a folder with files: %v", err)
	}
	if _, err := c.Fetch(t.Context(), "1.2.3", filepath.Join(t.TempDir(), "a"), nil); !errors.Is(err, ErrServer) && !errors.Is(err, ErrAnswer) {
		t.Errorf("no such study: %v", err)
	}
	s.Password = "wrong"
	for _, user := range []string{"reader", ""} {
		s.User = user
		if _, err := client(t, s).Find(t.Context(), Query{}); !errors.Is(err, ErrAuth) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("user %q: %v", user, err)
		}
	}
	stopped, cancel := context.WithCancel(t.Context())
	err = c.Send(stopped, objects, func(done, _ int) {
		if done == 2 {
			cancel()
		}
	})
	var partial *SendError
	if !errors.As(err, &partial) || partial.Sent != 2 || !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
