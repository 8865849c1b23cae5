// Command licences writes resources/licences anew: the licence text of every Go module that is linked into the program
// on any operating system, as it lies in the module cache, beside those of the parts that are no modules. It fails where
// a module has no licence file, or one that it does not know.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bayeslice/internal/about"
	"bayeslice/internal/imageio/dicom/openjpeg"
	"bayeslice/internal/ort/fetch"
)

func main() {
	root := flag.String("root", ".", "root of the repository")
	flag.Parse()
	if err := write(*root); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// onnxRuntimeText is the file of ONNX Runtime, which lies nowhere else and is left as it is.
const onnxRuntimeText = "onnxruntime.txt"

// write replaces the folder's files by what [collect] finds.
func write(root string) error {
	files, err := collect(root)
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "resources", about.LicencesFolder)
	old, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if _, ok := files[filepath.Base(path)]; !ok {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil { //nolint:gosec // part of the repository
			return err
		}
	}
	return nil
}

// notes are what the terms of a module want to be said, or what the texts leave open.
var notes = map[string]string{
	"github.com/golang/freetype": "Used under the FreeType License. Portions of this software are copyright © 2010 The FreeType Project (www.freetype.org). All rights reserved.",
	"fyne.io/fyne/v2":            "With the typefaces Noto Sans, DejaVu Sans Mono for Powerline, Inter and EmojiOne Color.",
}

// collect returns the files of the folder by name.
func collect(root string) (map[string][]byte, error) {
	parts, texts, err := others(root)
	if err != nil {
		return nil, err
	}
	linked, err := linkedModules(root)
	if err != nil {
		return nil, err
	}
	for _, m := range linked {
		text, err := m.text()
		if err != nil {
			return nil, err
		}
		kind := kindOf(text)
		if kind == "" {
			return nil, fmt.Errorf("the licence of %s is of no known kind; read it, and add its kind to scripts/licences", m.Path)
		}
		l := about.Licence{Name: m.Path, Version: m.Version, Kind: kind, On: m.on, Note: notes[m.Path], File: strings.ReplaceAll(m.Path, "/", "_") + ".txt"}
		parts, texts[l.File] = append(parts, l), text
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(parts); err != nil {
		return nil, err
	}
	texts["index.json"] = b.Bytes()
	return texts, nil
}

// others are the parts that are no Go modules.
func others(root string) ([]about.Licence, map[string][]byte, error) {
	own, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return nil, nil, err
	}
	compiler, err := goLicence()
	if err != nil {
		return nil, nil, err
	}
	runtime, err := os.ReadFile(filepath.Join(root, "resources", about.LicencesFolder, onnxRuntimeText))
	if err != nil {
		return nil, nil, err
	}
	return []about.Licence{
			{Name: "Bayeslice", Kind: "Apache-2.0", File: "bayeslice.txt"},
			{Name: "Go", Kind: kindOf(compiler), Note: "The standard library and the runtime of the compiler.", File: "go.txt"},
			{Name: "ONNX Runtime", Version: fetch.Version, Kind: "MIT", File: onnxRuntimeText,
				Note: "A library beside the program. Its package brings no text; the notices are those of release 1.29.0, so that a part which only an earlier release holds would be missing."},
			{Name: "OpenJPEG", Kind: "BSD-2-Clause", Note: "Part of the program as a WebAssembly module.", File: "openjpeg.txt"},
			{Name: "Material Design icons", Kind: "Apache-2.0", Note: "Icons of buttons, by Google, as Fyne brings them.", File: "bayeslice.txt"},
		}, map[string][]byte{
			"bayeslice.txt": clean(own), "go.txt": compiler, onnxRuntimeText: runtime, "openjpeg.txt": clean([]byte(openjpeg.License())),
		}, nil
}

// goLicence reads that of the compiler.
func goLicence() ([]byte, error) {
	root, err := goTool(".", nil, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	return joined(strings.TrimSpace(string(root)), []string{"LICENSE", "PATENTS"})
}

// joined puts the texts of several files together, each but the first under its name.
func joined(dir string, names []string) ([]byte, error) {
	var b bytes.Buffer
	for i, name := range names {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		if i > 0 {
			fmt.Fprintf(&b, "\n\n======== %s ========\n\n", name)
		}
		b.Write(clean(text))
	}
	return b.Bytes(), nil
}

// clean ends lines as Unix does, without blanks before, and the text with one of them. Form feeds go: they are of paper.
func clean(text []byte) []byte {
	var out []string
	for line := range strings.Lines(strings.ToValidUTF8(string(text), "")) {
		out = append(out, strings.TrimRight(strings.ReplaceAll(strings.TrimPrefix(line, "\uFEFF"), "\f", ""), " \t\r\n"))
	}
	return []byte(strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n")
}

// text joins the licence files of the packages that are linked: those of the module's root first.
func (m module) text() ([]byte, error) {
	var names []string
	err := filepath.WalkDir(m.Dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(m.Dir, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		dir := path.Dir(rel)
		if inLicences(rel) {
			dir = path.Dir(dir)
		}
		if isLicence(rel) && m.concerns(dir) {
			names = append(names, rel)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s %s has no licence file: it must not be passed on", m.Path, m.Version)
	}
	slices.SortFunc(names, func(a, b string) int {
		if depth := strings.Count(a, "/") - strings.Count(b, "/"); depth != 0 {
			return depth
		}
		return strings.Compare(a, b)
	})
	return joined(m.Dir, names)
}

// isLicence reports whether a file, by its name or its folder's, states terms.
func isLicence(rel string) bool {
	if inLicences(rel) {
		return true
	}
	name := strings.ToLower(path.Base(rel))
	if ext := path.Ext(name); ext == ".go" || ext == ".svg" {
		return false
	}
	for _, start := range []string{"license", "licence", "unlicense", "copying", "copyright", "notice", "patents", "ofl"} {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}

// inLicences reports whether a file lies in a folder of licences.
func inLicences(rel string) bool {
	folder := strings.ToLower(path.Base(path.Dir(rel)))
	return folder == "licenses" || folder == "licences"
}

// concerns reports whether the terms in a folder are about a linked package: it lies in that folder, below it, or
// above it with no other package in between.
func (m module) concerns(dir string) bool {
	if dir == "." {
		return true
	}
	for p := range m.packages {
		if p == dir || strings.HasPrefix(p, dir+"/") {
			return true
		}
	}
	for d := dir; ; d = path.Dir(d) {
		if m.packages[d] {
			return true
		}
		if found, err := filepath.Glob(filepath.Join(m.Dir, filepath.FromSlash(d), "*.go")); d == "." || err != nil || len(found) > 0 {
			return false
		}
	}
}

// kindOf names the licences in a text by phrases that only they have; "" where none is known.
func kindOf(text []byte) string {
	flat := strings.ToLower(strings.Join(strings.Fields(string(text)), " "))
	found := map[string]bool{}
	for kind, phrases := range kinds {
		all := true
		for _, phrase := range phrases {
			all = all && strings.Contains(flat, phrase)
		}
		if all {
			found[kind] = true
		}
	}
	if found["BSD-3-Clause"] {
		delete(found, "BSD-2-Clause")
	}
	return strings.Join(slices.Sorted(maps.Keys(found)), " AND ")
}

// kinds are phrases of licences, in lower case, single blanks between words.
var kinds = map[string][]string{
	"Apache-2.0":     {"apache license", "version 2.0"},
	"MIT":            {"permission is hereby granted, free of charge, to any person obtaining a copy of"},
	"BSD-2-Clause":   {"redistribution and use in source and binary forms", "redistributions in binary form must reproduce"},
	"BSD-3-Clause":   {"redistribution and use in source and binary forms", "redistributions in binary form must reproduce", "endorse or promote products"},
	"ISC":            {"permission to use, copy, modify, and/or distribute this software for any purpose"},
	"OFL-1.1":        {"sil open font license", "version 1.1"},
	"FTL":            {"the freetype project license"},
	"Zlib":           {"this software is provided 'as-is', without any express or implied warranty", "must not be misrepresented"},
	"Bitstream-Vera": {"bitstream vera"},
	"CC-BY-4.0":      {"creative commons attribution 4.0 international public license"},
	"Unlicense":      {"this is free and unencumbered software released into the public domain"},
}
