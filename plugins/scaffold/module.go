package scaffold

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// unpublished is the version of a module that only a replace finds.
const unpublished = "v0.0.0"

// goModule makes the go.mod and the go.sum of a plugin from those of the SDK. All that the SDK needs stands in them with the SDK's own versions, so that the
// plugin builds without asking anybody; go mod tidy takes out what the plugin does not need.
func goModule(path, sdk string) (mod, sum []byte, err error) {
	fail := func(err error) ([]byte, []byte, error) {
		return nil, nil, fmt.Errorf("reading the SDK's module: %w", err)
	}
	file := filepath.Join(sdk, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return fail(err)
	}
	theirs, err := modfile.Parse(file, text, nil)
	if err != nil {
		return fail(err)
	}
	if sum, err = os.ReadFile(filepath.Join(sdk, "go.sum")); err != nil {
		return fail(err)
	}
	ours := &modfile.File{}
	if err := ours.AddModuleStmt(path); err != nil {
		return fail(err)
	}
	if theirs.Go != nil {
		if err := ours.AddGoStmt(theirs.Go.Version); err != nil {
			return fail(err)
		}
	}
	requires := []*modfile.Require{{Mod: module.Version{Path: sluice, Version: unpublished}}}
	for _, r := range theirs.Require {
		requires = append(requires, &modfile.Require{Mod: r.Mod, Indirect: true})
	}
	ours.SetRequireSeparateIndirect(requires)
	if err := ours.AddReplace(sluice, "", sdk, ""); err != nil {
		return fail(err)
	}
	for _, r := range theirs.Replace {
		target := r.New
		if target.Version == "" && !filepath.IsAbs(target.Path) {
			target.Path = filepath.Join(sdk, target.Path)
		}
		if err := ours.AddReplace(r.Old.Path, r.Old.Version, target.Path, target.Version); err != nil {
			return fail(err)
		}
	}
	ours.Cleanup()
	mod, err = ours.Format()
	if err != nil {
		return fail(err)
	}
	return mod, sum, nil
}
