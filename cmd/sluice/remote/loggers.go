package remote

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
)

func (s *session) loggersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "loggers", Short: "Look at the levels of a worker's loggers, and change them while it runs", GroupID: groupChange,
		Example: `  sluice loggers get
  sluice loggers set org.apache.kafka.connect DEBUG --cluster`,
	}
	cmd.AddCommand(s.loggersGetCommand(), s.loggersSetCommand())
	return cmd
}

func (s *session) loggersGetCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use: "get [LOGGER]", Short: "List the loggers of the worker with their levels, or one",
		Long: "List the loggers of the worker with their levels, or one.\n\n" + exitCodes,
		Example: `  sluice loggers get
  sluice loggers get root`,
		Args: cobra.MaximumNArgs(1),
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			all := map[string]client.LoggerLevel{}
			if len(args) == 1 {
				all[args[0]], err = c.Logger(cmd.Context(), args[0])
			} else {
				all, err = c.Loggers(cmd.Context())
			}
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				return out.write(page, all)
			}
			rows := new(table)
			rows.row("LOGGER", "LEVEL", "CHANGED")
			for _, name := range sorted(all) {
				changed := ""
				if at := all[name].LastModified; at != nil {
					changed = time.UnixMilli(*at).UTC().Format(time.RFC3339)
				}
				rows.row(name, all[name].Level, changed)
			}
			rows.write(page, "")
			return nil
		}),
	}
	out.register(cmd)
	return cmd
}

func (s *session) loggersSetCommand() *cobra.Command {
	var everywhere bool
	cmd := &cobra.Command{
		Use: "set LOGGER LEVEL", Short: "Change the level of a logger and of those below it, until the worker ends",
		Long: `Change the level of a logger and of those below it: OFF, FATAL, ERROR, WARN, INFO, DEBUG, TRACE or ALL. It lasts until the worker ends, and concerns the worker
that is asked, with --cluster all of them.

` + exitCodes,
		Example: `  sluice loggers set root WARN
  sluice loggers set org.apache.kafka.connect.runtime DEBUG --cluster`,
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []cobra.Completion{"OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"}, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			level := strings.ToUpper(args[1])
			changed, err := c.SetLogger(cmd.Context(), args[0], level, everywhere)
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if everywhere {
				page.printf("%s is %s in every worker, or will be in a moment\n", args[0], level)
				return nil
			}
			for _, name := range changed {
				page.printf("%s is %s\n", name, level)
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&everywhere, "cluster", false, "in all workers of the cluster")
	return cmd
}
