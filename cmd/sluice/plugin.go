package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/connect/workerconfig"
)

func pluginCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "List, check and write plugins: connectors in programs of their own"}
	cmd.AddCommand(pluginListCommand(), pluginCheckCommand(), pluginNewCommand())
	return cmd
}

// exitBroken is the exit code of plugin list and plugin check where a plugin is broken. That of a wrong command line is exitUsage.
const exitBroken = 2

// pluginExitCodes stands in the help of both.
const pluginExitCodes = `Exit codes: 0 all is well; 1 the command line is wrong, or there is no such plugin; 2 a plugin is broken.`

// pluginPlaces say where plugins are looked for.
type pluginPlaces struct {
	worker string
	output string
}

func (p *pluginPlaces) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.worker, "worker", "", "a worker's properties file, whose plugin.path counts (else that of CONNECT_PLUGIN_PATH)")
	_ = cmd.MarkFlagFilename("worker", "properties") // it fails only where there is no such flag
	cmd.Flags().StringVarP(&p.output, "output", "o", "", "json")
}

func (p *pluginPlaces) check() error {
	if p.output != "" && p.output != "json" {
		return fmt.Errorf("--output: %q is not json", p.output)
	}
	return nil
}

// path is the folders to look in.
func (p *pluginPlaces) path() ([]string, error) {
	properties, err := workerconfig.Load(p.worker, os.Environ(), nil)
	if err != nil {
		return nil, err
	}
	path := properties.PluginPath()
	if len(path) == 0 {
		return nil, errors.New("where are the plugins? Name folders, or a worker's file with plugin.path in it (--worker), or set CONNECT_PLUGIN_PATH")
	}
	return path, nil
}

// readable is a name of the contract, SOURCE or CONFIG_PROVIDER, as people read it.
func readable(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", " ")) }
