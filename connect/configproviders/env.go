package configproviders

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/sluice-connect/sluice/connect"
)

var allowlistKey = connect.StringKey("allowlist.pattern", "Pattern of the whole names of variables that may be read.").Default(".*")

// env has the variables of the environment as they were when the worker started.
type env struct{ variables map[string]string }

func envDefinition() Definition {
	return Definition{
		Spec: connect.NewSpec(javaPackage+"EnvVarConfigProvider", "", allowlistKey),
		New:  func(params connect.Config) (Provider, error) { return newEnv(params, os.Environ()) },
	}
}

func newEnv(params connect.Config, environ []string) (*env, error) {
	allowed, err := regexp.Compile("^(?:" + allowlistKey.Get(params) + ")$")
	if err != nil {
		return nil, fmt.Errorf("allowlist.pattern: %w", err)
	}
	e := &env{variables: map[string]string{}}
	for _, variable := range environ {
		if name, value, ok := strings.Cut(variable, "="); ok && allowed.MatchString(name) {
			e.variables[name] = value
		}
	}
	return e, nil
}

// Get implements [Provider]. There are no paths in the environment.
func (e *env) Get(_ context.Context, path string, keys []string) (Found, error) {
	if path != "" {
		return Found{}, errors.New("the environment has no paths: write ${provider:VARIABLE}")
	}
	values := make(map[string]string, len(keys))
	for _, key := range keys {
		if value, ok := e.variables[key]; ok {
			values[key] = value
		}
	}
	return Found{Values: values}, nil
}
