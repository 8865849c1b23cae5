package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bayeslice/internal/testenv"
)

func TestTheLicencesAreThoseOfWhatIsLinked(t *testing.T) {
	want, err := collect(testenv.Root())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(testenv.Root(), "resources", "licences")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, ok := want[e.Name()]; !ok {
			t.Errorf("%s belongs to nothing that is linked; run go run ./scripts/licences", e.Name())
		}
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s is not what the modules say (%v); run go run ./scripts/licences", name, err)
		}
	}
}

func TestAModuleWithoutTermsIsRefused(t *testing.T) {
	m := module{Path: "example.org/x", Version: "v1.0.0", Dir: t.TempDir(), packages: map[string]bool{".": true}}
	file := func(name, text string) {
		t.Helper()
		path := filepath.Join(m.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("x.go", "package x")
	file("license.go", "package x")
	file("testdata/LICENSE", "of a test file")
	file("cmd/tool/main.go", "package main")
	file("cmd/tool/COPYING", "of a command that is not linked")
	if _, err := m.text(); err == nil || !strings.Contains(err.Error(), "has no licence file") {
		t.Errorf("error = %v", err)
	}
	file("font/LICENSE.txt", "of a typeface\r\n")
	file("licenses/one.txt", "one of two  \n")
	file("LICENSE", "\uFEFFof the module\n\n")
	got, err := m.text()
	want := "of the module\n\n\n======== font/LICENSE.txt ========\n\nof a typeface\n\n\n======== licenses/one.txt ========\n\none of two\n"
	if err != nil || string(got) != want {
		t.Errorf("text = %q, %v", got, err)
	}
}

func TestKinds(t *testing.T) {
	for text, want := range map[string]string{
		"do what you like": "",
		"Permission is hereby granted, free of\ncharge, to any person obtaining a copy of this":                       "MIT",
		"Redistribution and use in source and binary forms … Redistributions in binary form must reproduce the above": "BSD-2-Clause",
		"Apache License\nVersion 2.0\n SIL Open Font License, Version 1.1":                                            "Apache-2.0 AND OFL-1.1",
	} {
		if got := kindOf([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
