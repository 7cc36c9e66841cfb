package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/plugins/inspection"
	"github.com/sluice-connect/sluice/plugins/manifest"
)

// pluginCheck is the command's flags.
type pluginCheck struct {
	pluginPlaces
	write bool
}

func pluginCheckCommand() *cobra.Command {
	var (
		o  pluginCheck
		lf logFlags
	)
	cmd := &cobra.Command{
		Use:   "check FOLDER|NAME [COMMAND ...]",
		Short: "Start a plugin and try it, and write its plugin.json",
		Long: `Start the plugin in a folder, or those of a name in plugin.path, and try it: whether it is the program that plugin.json pins, answers in time, brings what
plugin.json says, defines its keys well, refuses a task without a configuration, survives that, and ends when it is told to.

With --write the plugin.json is written, or written anew, as the program has it: with its classes and its checksum; environment, limits and command stay. A folder
without one must have one program, or the command follows: sluice plugin check --write DIR python3 source.py.

` + pluginExitCodes,
		Example: `  sluice plugin check /etc/sluice/plugins/mysource
  sluice plugin check mysource --worker worker.properties
  sluice plugin check --write plugins/mysource
  sluice plugin check --write plugins/readings .venv/bin/python3 source.py`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("which plugin? Name its folder, or the plugin where plugin.path says where it is")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			log, err := lf.open(os.Stderr, nil)
			if err != nil {
				return err
			}
			return o.run(cmd.Context(), cmd.OutOrStdout(), args, log.Logger)
		},
	}
	o.register(cmd)
	cmd.Flags().BoolVar(&o.write, "write", false, "write plugin.json as the program has it")
	cmd.Flags().SetInterspersed(true)
	lf.register(cmd, "warn")
	return cmd
}

func (o pluginCheck) run(ctx context.Context, out io.Writer, args []string, log *slog.Logger) error {
	checked, err := o.manifests(args[0], args[1:])
	if err != nil {
		return err
	}
	var reports []*inspection.Report
	broken := false
	for _, m := range checked {
		report := inspection.Inspect(ctx, m, o.write, log)
		if ctx.Err() != nil {
			return &exitError{exitBroken, fmt.Errorf("checking plugin %s was interrupted", m.Name)}
		}
		broken = broken || report.Problems() > 0
		if o.write && report.Found != nil && report.Found.Check() == nil {
			if err := report.Found.Write(); err != nil {
				return err
			}
		}
		reports = append(reports, report)
	}
	if o.output == "json" {
		err = writeJSON(out, reports)
	} else {
		err = o.page(out, reports)
	}
	if err == nil && broken {
		err = &exitError{code: exitBroken}
	}
	return err
}

// manifests are those to check: that of a folder, or of all plugins of a name.
func (o pluginCheck) manifests(which string, command []string) ([]*manifest.Manifest, error) {
	if is, err := os.Stat(which); err == nil && is.IsDir() {
		m, err := manifest.Read(which)
		if o.write && (errors.Is(err, fs.ErrNotExist) || len(command) > 0) {
			m, err = manifest.Draft(which, command)
		} else if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s has no %s: have it written with --write", which, manifest.FileName)
		} else if err != nil {
			return nil, &exitError{exitBroken, err}
		}
		return []*manifest.Manifest{m}, err
	}
	path, err := o.path()
	if err != nil {
		return nil, fmt.Errorf("there is no folder %s. As a plugin's name: %w", which, err)
	}
	found, problems := manifest.Discover(path)
	var named []*manifest.Manifest
	for _, m := range found {
		if m.Name == which {
			named = append(named, m)
		}
	}
	if len(named) == 0 {
		return nil, errors.Join(append([]error{fmt.Errorf("there is neither a folder %s nor a plugin of that name in plugin.path", which)}, problems...)...)
	}
	return named, nil
}

// page shows what was found to people.
func (o pluginCheck) page(out io.Writer, reports []*inspection.Report) error {
	for _, r := range reports {
		fmt.Fprintf(out, "%s %s in %s\n", r.Plugin, r.Version, r.Folder)
		rows := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, f := range r.Findings {
			if f.Problem != "" {
				fmt.Fprintf(rows, "  BROKEN\t%s\t%s\n", f.Look, f.Problem)
			} else {
				fmt.Fprintf(rows, "  ok\t%s\t%s\n", f.Look, f.Note)
			}
		}
		if err := rows.Flush(); err != nil {
			return err
		}
		if o.write && r.Found != nil && r.Found.Check() == nil {
			fmt.Fprintf(out, "%s is written\n", r.Found.File())
		}
	}
	return nil
}
