package scenario

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed day.yaml hour.yaml
var builtin embed.FS

// Builtin gives a scenario that comes with the program.
func Builtin(name string) (*Scenario, error) {
	text, err := builtin.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("scenario %q is not built in; there are %s", name, strings.Join(Names(), " and "))
	}
	return Parse(text)
}

// Names lists the built-in scenarios.
func Names() []string {
	files, err := fs.Glob(builtin, "*.yaml")
	if err != nil {
		return nil
	}
	for i := range files {
		files[i] = strings.TrimSuffix(files[i], ".yaml")
	}
	return files
}
