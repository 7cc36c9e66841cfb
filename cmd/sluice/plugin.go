package main

import "github.com/spf13/cobra"

func pluginCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "plugin", Short: "Write plugins: connectors in programs of their own"}
	cmd.AddCommand(pluginNewCommand())
	return cmd
}
