package scaffold

import (
	"fmt"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// names are what a plugin may be called: its folder in plugin.path, its program, and, without dashes, its Go package.
var names = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// taken are names that mean something else in a plugin's own code, or to Go.
var taken = []string{"cmd", "connect", "connecttest", "internal", "main", "plugins", "testdata", "vendor"}

// longest is how long a name may be: a socket's path, which holds it, is at most 104 bytes on some systems.
const longest = 40

// name is what a plugin is called.
type name struct {
	plugin string // my-source
	module string // the path of its Go module
	pkg    string // mysource
	class  string // MySource
}

// parseName takes a plugin's name, or the path of a Go module that ends in it.
func parseName(given string, sink bool) (name, error) {
	plugin := path.Base(given)
	n := name{plugin: plugin, module: given, pkg: strings.ReplaceAll(plugin, "-", "")}
	if n.module == plugin {
		n.module = "example.com/" + plugin // no module of Go itself, nor anybody's
	}
	switch {
	case !names.MatchString(plugin):
		return name{}, fmt.Errorf("%q cannot be a plugin's name: it is made of a-z, 0-9 and single dashes, and begins with a letter, like my-source", plugin)
	case len(plugin) > longest:
		return name{}, fmt.Errorf("%q cannot be a plugin's name: it is longer than %d characters", plugin, longest)
	case token.IsKeyword(n.pkg) || slices.Contains(taken, n.pkg):
		return name{}, fmt.Errorf("%q cannot be a plugin's name: Go gives it another meaning", plugin)
	}
	if err := module.CheckImportPath(n.module); err != nil {
		return name{}, fmt.Errorf("%q cannot be the path of a Go module: %w", given, err)
	}
	class, other := "Source", "Sink"
	if sink {
		class, other = other, class
	}
	stem := n.plugin
	for _, word := range []string{class, other} {
		if rest, found := strings.CutSuffix(stem, strings.ToLower(word)); found && word == other {
			return name{}, fmt.Errorf("%q is a misleading name for a %s: choose another, or %s", plugin, strings.ToLower(class), otherKind(sink))
		} else if found {
			stem = rest
			break
		}
	}
	for _, word := range strings.Split(stem, "-") {
		if word != "" {
			n.class += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	n.class += class
	return n, nil
}

// otherKind is how the other kind of connector is asked for.
func otherKind(sink bool) string {
	if sink {
		return "leave out --sink"
	}
	return "say --sink"
}
