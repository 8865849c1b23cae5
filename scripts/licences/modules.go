package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// module is one of the modules that are linked into the program.
type module struct {
	Path, Version, Dir string
	on                 []string        // operating systems; nil for all
	packages           map[string]bool // folders of linked packages, relative to the module, with slashes
}

// targets are the operating systems that the program is made for, with their build tags.
var targets = []struct{ system, processor, tags string }{
	{"linux", "amd64", "migrated_fynedo,gtk"}, {"windows", "amd64", "migrated_fynedo"}, {"darwin", "arm64", "migrated_fynedo"},
}

// linkedModules lists what the program links on any of them, by path.
func linkedModules(root string) ([]module, error) {
	found := map[string]*module{}
	for _, t := range targets {
		out, err := goTool(root, []string{"GOOS=" + t.system, "GOARCH=" + t.processor, "CGO_ENABLED=1"}, "list", "-deps", "-tags", t.tags, "-json=ImportPath,Module", ".")
		if err != nil {
			return nil, err
		}
		if err := addModules(found, out, t.system); err != nil {
			return nil, err
		}
	}
	var all []module
	for _, m := range found {
		if len(m.on) == len(targets) {
			m.on = nil
		}
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// addModules adds the modules of a list of packages.
func addModules(found map[string]*module, list []byte, system string) error {
	for dec := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct {
			ImportPath string
			Module     *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		m := found[p.Module.Path]
		if m == nil {
			m = &module{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir, packages: map[string]bool{}}
			found[m.Path] = m
		}
		if !slices.Contains(m.on, system) {
			m.on = append(m.on, system)
		}
		m.packages[path.Join(".", strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, m.Path), "/"))] = true
	}
}

// goTool runs the go command in a folder.
func goTool(dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out, nil
}
