package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/plugins/scaffold"
)

// checkout is where this program was built, set by the linker: see the Makefile. A program built without -trimpath knows it by itself.
var checkout = ""

func pluginNewCommand() *cobra.Command {
	var n scaffold.New
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a new plugin: a Go module that builds and passes its tests at once",
		Long: `Write a new plugin: a Go module with a connector that works, its test, and the program that Sluice starts. NAME is the plugin's, or the path of a Go
module that ends in it.

The SDK is not published as a module yet, so the new one finds it in a checkout of Sluice: that of --sdk, else the one around the working directory, else the
one that this program lies in, else the one that it was built from.`,
		Example: `  sluice plugin new mysource && cd mysource && go test ./...
  sluice plugin new mysink --sink
  sluice plugin new github.com/acme/weather --dir ~/src/weather --sdk ~/src/sluice`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("what is the plugin called? One name is wanted, and there are %d: sluice plugin new mysource", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			sdk, err := scaffold.SDK(n.SDK, whereabouts()...)
			if err != nil {
				return err
			}
			n.Name, n.SDK = args[0], sdk
			return writePlugin(cmd.Context(), n, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&n.Sink, "sink", false, "write a sink, not a source")
	cmd.Flags().StringVar(&n.Dir, "dir", "", "the folder to write, missing or empty; default: one of the plugin's name")
	cmd.Flags().StringVar(&n.SDK, "sdk", "", "a checkout of Sluice")
	return cmd
}

// whereabouts are places that may lie in a checkout, the best first.
func whereabouts() (places []string) {
	if dir, err := os.Getwd(); err == nil {
		places = append(places, dir)
	}
	if program, err := os.Executable(); err == nil {
		places = append(places, program)
	}
	_, source, _, _ := runtime.Caller(0) // with -trimpath not absolute, and passed over
	return append(places, checkout, source)
}

func writePlugin(ctx context.Context, n scaffold.New, out io.Writer) error {
	w, err := n.Write()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: the connector %s, against the SDK in %s\n", w.Dir, w.Class, n.SDK)
	for _, f := range w.Files {
		fmt.Fprintln(out, "  "+f)
	}
	fmt.Fprintln(out, "running go mod tidy, which may fetch modules ...")
	if err := w.Tidy(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fmt.Fprintf(out, "%v\nThe plugin is complete all the same: go.mod lists more than it needs. Run go mod tidy in it when that works.\n", err)
	}
	fmt.Fprintf(out, "Next: cd %s && go test ./...\n", word(w.Dir))
	return nil
}

// word is a path as a shell takes it.
func word(path string) string {
	path = filepath.Clean(path)
	if strings.ContainsAny(path, " \t\n'\"\\$`&;|<>()*?[]{}~#!") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
