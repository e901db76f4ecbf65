package arch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/deploy/arch"
)

var update = flag.Bool("update", false, "write plan.txt as the source now is")

// room is a package as go list tells it.
type room struct {
	ImportPath string
	Dir        string
	Doc        string
	Name       string
	GoFiles    []string
	Imports    []string
}

// short is the path within the house, e.g. "edge/store".
func (r room) short() string { return strings.TrimPrefix(r.ImportPath, arch.Module) }

func (r room) house() string {
	h, _, _ := strings.Cut(r.short(), "/")
	return h
}

func rooms(t *testing.T) []room {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var all []room
	for _, h := range arch.Houses {
		cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,Name,GoFiles,Imports", "./...")
		cmd.Dir = filepath.Join(root, h)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list in %s: %v\n%s", h, err, stderr.String())
		}
		for dec := json.NewDecoder(bytes.NewReader(out)); ; {
			var r room
			if err := dec.Decode(&r); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if len(r.GoFiles) > 0 {
				all = append(all, r)
			}
		}
	}
	return all
}

func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func TestHousesStandOnDevicesSideBySide(t *testing.T) {
	for _, r := range rooms(t) {
		for _, imp := range r.Imports {
			other, ok := strings.CutPrefix(imp, arch.Module)
			if !ok {
				continue
			}
			house, _, _ := strings.Cut(other, "/")
			if house != r.house() && !slices.Contains(arch.MayUse[r.house()], house) {
				t.Errorf("%s imports %s: %s may lean on %v only", r.short(), other, r.house(), arch.MayUse[r.house()])
			}
		}
	}
}

func TestOutsideLibrariesHaveOneOwner(t *testing.T) {
	for _, r := range rooms(t) {
		if r.house() == "deploy" {
			continue
		}
		for _, imp := range r.Imports {
			for lib, owners := range arch.Owners {
				owned := slices.ContainsFunc(owners, func(o string) bool { return under(r.short(), o) })
				if (under(imp, lib) || strings.HasPrefix(imp, lib+".")) && !owned {
					t.Errorf("%s imports %s, which belongs to %v", r.short(), imp, owners)
				}
			}
		}
	}
}

func TestAdaptersDoNotKnowOneAnother(t *testing.T) {
	for _, r := range rooms(t) {
		if !slices.Contains(arch.Adapters, r.short()) {
			continue
		}
		for _, imp := range r.Imports {
			if other := strings.TrimPrefix(imp, arch.Module); slices.Contains(arch.Adapters, other) {
				t.Errorf("%s imports %s: adapters never import one another", r.short(), other)
			}
		}
	}
}

func TestOnlyCommandsAndWholeSystemTestsImportApp(t *testing.T) {
	for _, r := range rooms(t) {
		for _, imp := range r.Imports {
			app := imp == arch.Module+"edge/app" || imp == arch.Module+"hub/app"
			if app && !strings.Contains(r.short(), "/cmd/") && r.house() != "deploy" {
				t.Errorf("%s imports %s", r.short(), imp)
			}
		}
	}
}

func TestPureRoomsHaveNoEffects(t *testing.T) {
	for _, r := range rooms(t) {
		if !slices.Contains(arch.Pure, r.short()) {
			continue
		}
		for _, imp := range r.Imports {
			for _, f := range arch.Forbidden {
				if under(imp, f) && !slices.Contains(arch.Allowed[r.short()], imp) {
					t.Errorf("%s is pure and imports %s", r.short(), imp)
				}
			}
		}
		for _, file := range r.GoFiles {
			for _, what := range effects(t, filepath.Join(r.Dir, file)) {
				t.Errorf("%s is pure and has %s", r.short(), what)
			}
		}
	}
}

// clockCalls are the functions of package time that ask the machine.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

func effects(t *testing.T, file string) (found []string) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, fmt.Sprintf("a goroutine at %s", fset.Position(n.Pos())))
		case *ast.SelectorExpr:
			id, ok := n.X.(*ast.Ident)
			if !ok || id.Obj != nil {
				return true
			}
			global := id.Name == "rand" && !slices.Contains([]string{"New", "NewPCG", "NewChaCha8", "Rand", "Source", "PCG", "NewZipf", "Zipf"}, n.Sel.Name)
			if id.Name == "time" && slices.Contains(clockCalls, n.Sel.Name) || global {
				found = append(found, fmt.Sprintf("%s.%s at %s", id.Name, n.Sel.Name, fset.Position(n.Pos())))
			}
		}
		return true
	})
	return found
}

func TestEveryRoomSaysWhatItIs(t *testing.T) {
	for _, r := range rooms(t) {
		want := "Package " + r.Name + " "
		if r.Name == "main" {
			if r.Doc == "" {
				t.Errorf("%s has no package comment", r.short())
			}
			continue
		}
		if !strings.HasPrefix(r.Doc, want) && r.Name != "wirepb" {
			t.Errorf("%s: package comment %q; want one that starts with %q", r.short(), r.Doc, want)
		}
	}
}

func TestArrowsAreThoseOfThePlan(t *testing.T) {
	var b strings.Builder
	for _, r := range rooms(t) {
		fmt.Fprintln(&b, r.short())
		for _, imp := range slices.Sorted(slices.Values(r.Imports)) {
			first, _, _ := strings.Cut(imp, "/")
			if strings.Contains(first, ".") { // not of the standard library
				fmt.Fprintln(&b, "    ->", strings.TrimPrefix(imp, arch.Module))
			}
		}
	}
	if *update {
		if err := os.WriteFile("plan.txt", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("plan.txt")
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the arrows between rooms are not those of plan.txt; review and run go test ./arch -update\n%s",
			difference(string(want), b.String()))
	}
}

func difference(want, got string) string {
	var out []string
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range g {
		if !slices.Contains(w, l) {
			out = append(out, "+ "+l)
		}
	}
	for _, l := range w {
		if !slices.Contains(g, l) {
			out = append(out, "- "+l)
		}
	}
	return strings.Join(out, "\n")
}
