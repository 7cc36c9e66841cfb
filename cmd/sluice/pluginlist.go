package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/plugins/manifest"
)

func pluginListCommand() *cobra.Command {
	var places pluginPlaces
	cmd := &cobra.Command{
		Use:   "list [FOLDER ...]",
		Short: "List the plugins in folders, without running them",
		Long: `List the plugins that are in folders, or in folders of such folders: what their plugin.json say. Nothing is run. Without folders those of plugin.path are
looked at.

` + pluginExitCodes,
		Example: `  sluice plugin list /etc/sluice/plugins
  sluice plugin list --worker worker.properties
  sluice plugin list -o json | jq -r '.plugins[].classes[].class'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := places.check(); err != nil {
				return err
			}
			path := args
			if len(path) == 0 {
				var err error
				if path, err = places.path(); err != nil {
					return err
				}
			}
			found, problems := manifest.Discover(path)
			if err := listPlugins(cmd.OutOrStdout(), places.output == "json", found, problems); err != nil {
				return err
			}
			if len(problems) > 0 {
				return &exitError{code: exitBroken}
			}
			return nil
		},
	}
	places.register(cmd)
	return cmd
}

// listedPlugin is a plugin as JSON shows it.
type listedPlugin struct {
	Name    string        `json:"name"`
	Version string        `json:"version"`
	Folder  string        `json:"folder"`
	Pinned  bool          `json:"pinned"` // its program has a checksum
	Classes []listedClass `json:"classes"`
}

type listedClass struct {
	Type    string `json:"type"`
	Class   string `json:"class"`
	Version string `json:"version"`
}

func listPlugins(out io.Writer, asJSON bool, found []*manifest.Manifest, problems []error) error {
	list := struct {
		Plugins  []listedPlugin `json:"plugins"`
		Problems []string       `json:"problems"`
	}{[]listedPlugin{}, []string{}}
	for _, m := range found {
		p := listedPlugin{Name: m.Name, Version: m.Version, Folder: m.Dir, Pinned: m.Checksum != ""}
		for _, c := range m.Classes {
			version := c.GetVersion()
			if version == "" {
				version = m.Version
			}
			p.Classes = append(p.Classes, listedClass{c.GetType().String(), c.GetName(), version})
		}
		list.Plugins = append(list.Plugins, p)
	}
	for _, problem := range problems {
		list.Problems = append(list.Problems, problem.Error())
	}
	if asJSON {
		return writeJSON(out, list)
	}
	rows := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(list.Plugins) > 0 {
		fmt.Fprintln(rows, "PLUGIN\tVERSION\tTYPE\tCLASS\tPINNED\tFOLDER")
	}
	for _, p := range list.Plugins {
		pinned := "no"
		if p.Pinned {
			pinned = "yes"
		}
		for _, c := range p.Classes {
			fmt.Fprintf(rows, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Name, c.Version, readable(c.Type), c.Class, pinned, p.Folder)
		}
	}
	if err := rows.Flush(); err != nil {
		return err
	}
	if len(list.Plugins) == 0 && len(list.Problems) == 0 {
		fmt.Fprintln(out, "There are no plugins.")
	}
	for _, problem := range list.Problems {
		fmt.Fprintln(out, "broken: "+problem)
	}
	return nil
}

func writeJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
