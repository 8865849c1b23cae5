package dicomweb

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAddressesThatAreNone(t *testing.T) {
	for _, u := range []string{"", "pacs.example", "ftp://pacs.example", "https://", "https://me:secret@pacs.example", "https://pacs.example/?a=b", "://"} {
		if _, err := New(Server{URL: u}); !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := New(Server{URL: "https://pacs.example", Authorities: []byte("none")}); !errors.Is(err, ErrTLS) {
		t.Errorf("no certificate: %v", err)
	}
	if s := fmt.Sprint(Server{Password: "secret"}); strings.Contains(s, "secret") {
		t.Error(s)
	}
	for u, want := range map[string]bool{"https://pacs.example": true, "http://pacs.example": false, "http://127.0.0.1:80": true, "http://localhost/x": true, "http://[::1]": true} {
		if c := client(t, Server{URL: u}); c.Encrypted() != want {
			t.Errorf("%s: encrypted %v", u, c.Encrypted())
		}
	}
}

// Whatever the network and the server do, the user reads a sentence, and nothing of what was asked for is in it.
func TestWhatGoesWrongIsASentence(t *testing.T) {
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	find := func(c *Client) error {
		_, err := c.Find(t.Context(), Query{Patient: "PID-4711"})
		return err
	}
	dir := t.TempDir()
	fetch := func(c *Client) error {
		_, err := c.Fetch(t.Context(), "1.2.3", filepath.Join(dir, "x"), nil)
		return err
	}
	file := filepath.Join(dir, "object.dcm")
	if err := os.WriteFile(file, []byte("anything"), 0o600); err != nil {
		t.Fatal(err)
	}
	send := func(c *Client) error { return c.Send(t.Context(), []Object{{Path: file}}, nil) }
	for name, x := range map[string]struct {
		handler http.HandlerFunc
		call    func(*Client) error
		want    error
		word    string
	}{
		"unauthorised":    {answer(401, "text/plain", "who is PID-4711"), find, ErrAuth, "--user"},
		"forbidden":       {answer(403, "", ""), find, ErrAuth, "may not"},
		"elsewhere":       {answer(302, "", ""), find, ErrServer, "another address"},
		"no such service": {answer(404, "", ""), find, ErrServer, "/dicom-web"},
		"broken server":   {answer(500, "", "PID-4711"), send, ErrServer, "try again later"},
		"full server":     {answer(507, "", ""), send, ErrServer, "no room"},
		"conflict":        {answer(409, "", ""), send, ErrServer, "does not take the object object.dcm"},
		"failed objects":  {answer(200, "application/dicom+json", `{"00081198":{"vr":"SQ","Value":[{"00081197":{"vr":"US","Value":[272]}}]}}`), send, ErrServer, "reason 272"},
		"says nothing":    {answer(200, "application/dicom+json", `{}`), send, ErrAnswer, "look there"},
		"a web page":      {answer(200, "text/html", "<html>"), find, ErrAnswer, "no DICOM JSON"},
		"no objects":      {answer(200, "text/html", "<html>"), fetch, ErrAnswer, "no DICOM objects"},
		"empty study":     {answer(200, `multipart/related; boundary=x`, "--x--\r\n"), fetch, ErrAnswer, "nothing of this study"},
		"half an answer":  {answer(200, `multipart/related; boundary=x`, "--x\r\nContent-Type: application/dicom\r\n\r\nabc"), fetch, ErrUnreachable, "none is kept"},
	} {
		server := httptest.NewServer(x.handler)
		server.Config.ErrorLog = quiet
		err := x.call(client(t, Server{URL: server.URL}))
		if !errors.Is(err, x.want) || !strings.Contains(err.Error(), x.word) || strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: %v, want %q", name, err, x.word)
		}
		server.Close()
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestConnectionsThatFail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") }))
	defer secure.Close()
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for url, want := range map[string]struct {
		err  error
		word string
	}{
		"http://" + free: {ErrUnreachable, "nothing listens"},
		"http://no-such-computer.invalid/dicom-web": {ErrUnreachable, "no computer called"},
		secure.URL: {ErrTLS, "--ca"},
		strings.Replace(plain.URL, "http://", "https://", 1): {ErrTLS, "does not speak TLS"},
	} {
		_, err := client(t, Server{URL: url, User: "me", Password: "secret"}).Find(t.Context(), Query{Patient: "PID-4711"})
		if !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.word) || strings.Contains(err.Error(), "4711") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", url, err, want.word)
		}
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if _, err := client(t, Server{URL: secure.URL, Authorities: authority}).Find(t.Context(), Query{}); err != nil {
		t.Errorf("with its authority: %v", err)
	}
}

// What was sent before the connection broke stays with the server, and is told.
func TestHalfSent(t *testing.T) {
	kept := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if kept == 2 {
			panic(http.ErrAbortHandler) // closes the connection
		}
		kept++
		_, _ = io.WriteString(w, `{"00081199":{"vr":"SQ","Value":[{}]}}`)
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "object.dcm")
	if err := os.WriteFile(file, []byte("anything"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := client(t, Server{URL: server.URL}).Send(t.Context(), []Object{{Path: file}, {Path: file}, {Path: file}, {Path: file}}, nil)
	var partial *SendError
	if !errors.As(err, &partial) || partial.Sent != 2 || partial.Of != 4 || !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "2 of 4 objects were sent") {
		t.Errorf("%v", err)
	}
}

func TestAWaitingRequestStopsWithItsContext(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client(t, Server{URL: server.URL}).Find(ctx, Query{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestLookRefusesWhatIsNoObject(t *testing.T) {
	file := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(file, []byte("Dear colleague"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Look(t.Context(), []string{file}); !errors.Is(err, ErrObject) || !strings.Contains(err.Error(), "letter.txt") {
		t.Errorf("%v", err)
	}
}
