package remote

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect/herder"
)

func (s *session) getCommand() *cobra.Command {
	var (
		out  output
		show bool
	)
	cmd := &cobra.Command{
		Use:     "get [NAME ...]",
		Short:   "List connectors, one connector with its configuration, or tasks",
		GroupID: groupLook,
		Long: `List all connectors or those named. With -o json or yaml their configurations are written as ` + "`sluice apply`" + ` reads them, without secrets unless
--show-secrets is said.

` + exitCodes,
		Example: `  sluice get
  sluice get sensors -o yaml --show-secrets > sensors.yaml
  sluice get -o json | jq -r '.[] | select(.type == "sink").name'
  sluice get connector sensors                   its configuration
  sluice get tasks sensors`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: s.completeNames,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			return s.listConnectors(cmd, args, out, show)
		}),
	}
	out.register(cmd)
	cmd.Flags().BoolVar(&show, "show-secrets", false, "write secrets as they are")
	cmd.AddCommand(s.getConnectorsCommand(), s.getConnectorCommand(), s.getTasksCommand())
	return cmd
}

func (s *session) getConnectorsCommand() *cobra.Command {
	var (
		out  output
		show bool
	)
	cmd := &cobra.Command{
		Use: "connectors [NAME ...]", Aliases: []string{"all"}, Short: "List connectors",
		Example: `  sluice get connectors
  sluice get connectors -o wide`,
		ValidArgsFunction: s.completeNames,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			return s.listConnectors(cmd, args, out, show)
		}),
	}
	out.register(cmd)
	cmd.Flags().BoolVar(&show, "show-secrets", false, "write secrets as they are")
	return cmd
}

// connectors are those named, or all, with their statuses where they have one.
func connectors(ctx context.Context, c *client.Client, names []string) ([]herder.ConnectorInfo, map[string]herder.ConnectorStateInfo, error) {
	all, err := c.Connectors(ctx)
	if err != nil {
		return nil, nil, err
	}
	statuses, err := c.Statuses(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		names = sorted(all)
	}
	found := make([]herder.ConnectorInfo, 0, len(names))
	for _, name := range names {
		info, ok := all[name]
		if !ok {
			return nil, nil, &client.RefusedError{Code: 404, Message: fmt.Sprintf("Connector %s not found", name)}
		}
		found = append(found, info)
	}
	return found, statuses, nil
}

func (s *session) listConnectors(cmd *cobra.Command, names []string, out output, showSecrets bool) error {
	ctx := cmd.Context()
	c, err := s.client(cmd)
	if err != nil {
		return err
	}
	found, statuses, err := connectors(ctx, c, names)
	if err != nil {
		return err
	}
	page := newScreen(cmd.OutOrStdout())
	if out.document() {
		hide := newSecrets(c)
		for i := range found {
			if !showSecrets {
				found[i].Config = hide.config(ctx, found[i].Config)
			}
		}
		if len(names) == 1 {
			return out.write(page, found[0])
		}
		return out.write(page, found)
	}
	if len(found) == 0 {
		page.printf("There are no connectors.\n")
		return nil
	}
	rows := new(table)
	head := []any{"NAME", "TYPE", "STATE", "TASKS", "CLASS"}
	if out == asWide {
		head = append(head, "WORKERS", "WHAT IS WRONG")
	}
	rows.row(head...)
	for _, info := range found {
		status, told := statuses[info.Name]
		class := info.Config["connector.class"]
		row := []any{info.Name, info.Type, stateCell(standing(status, told)), tasksInWords(status), class[strings.LastIndexByte(class, '.')+1:]}
		if out == asWide {
			row[4] = class
			row = append(row, strings.Join(workersOf(status), " "), trouble(status))
		}
		rows.row(row...)
	}
	rows.write(page, "")
	return nil
}

// standing is a connector's state in one word: of all that it consists of, the worst.
func standing(status herder.ConnectorStateInfo, told bool) string {
	if !told {
		return "NEW"
	}
	worst := status.Connector.State
	for _, t := range status.Tasks {
		if t.State == "FAILED" || worst == "RUNNING" && t.State != "RUNNING" {
			worst = t.State
		}
		if worst == "RUNNING" && strings.HasPrefix(t.Trace, retrying) {
			worst = "RETRYING"
		}
	}
	if worst == "RUNNING" && strings.HasPrefix(status.Connector.Trace, retrying) {
		worst = "RETRYING"
	}
	return worst
}

// tasksInWords counts a connector's tasks: 4, or 3/4 where not all run.
func tasksInWords(status herder.ConnectorStateInfo) string {
	running := 0
	for _, t := range status.Tasks {
		if t.State == "RUNNING" {
			running++
		}
	}
	if running == len(status.Tasks) {
		return fmt.Sprint(running)
	}
	return fmt.Sprintf("%d/%d", running, len(status.Tasks))
}

// workersOf are those that run something of a connector.
func workersOf(status herder.ConnectorStateInfo) []string {
	seen := map[string]bool{}
	for _, t := range status.Tasks {
		seen[t.WorkerID] = true
	}
	if len(seen) == 0 && status.Connector.WorkerID != "" {
		seen[status.Connector.WorkerID] = true
	}
	return sorted(seen)
}

// trouble is in one line what is wrong with a connector; "" for nothing.
func trouble(status herder.ConnectorStateInfo) string {
	if status.Connector.Trace != "" {
		return reason(status.Connector.Trace)
	}
	for _, t := range status.Tasks {
		if t.Trace != "" {
			return fmt.Sprintf("task %d: %s", t.ID, reason(t.Trace))
		}
	}
	return ""
}

func (s *session) getConnectorCommand() *cobra.Command {
	var (
		out  output
		show bool
	)
	cmd := &cobra.Command{
		Use: "connector NAME", Short: "Show a connector's configuration, key by key",
		Example: `  sluice get connector sensors
  sluice get connector sensors -o yaml --show-secrets`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeName,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			if out.document() {
				return s.listConnectors(cmd, args, out, show)
			}
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			info, err := c.Connector(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if !show {
				info.Config = newSecrets(c).config(cmd.Context(), info.Config)
			}
			writeConfig(newScreen(cmd.OutOrStdout()), info.Config, "")
			return nil
		}),
	}
	out.register(cmd)
	cmd.Flags().BoolVar(&show, "show-secrets", false, "write secrets as they are")
	return cmd
}

func writeConfig(page *screen, config map[string]string, indent string) {
	rows := new(table)
	for _, key := range sorted(config) {
		rows.row(key, oneLine(config[key]))
	}
	rows.write(page, indent)
}

func (s *session) getTasksCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use: "tasks [NAME ...]", Short: "List tasks, and what they wait for or failed by",
		Example: `  sluice get tasks
  sluice get tasks sensors -o wide`,
		ValidArgsFunction: s.completeNames,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			found, statuses, err := connectors(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				tasks := []taskDocument{}
				for _, info := range found {
					for _, t := range statuses[info.Name].Tasks {
						tasks = append(tasks, taskDocument{info.Name, t})
					}
				}
				return out.write(page, tasks)
			}
			rows := new(table)
			rows.row("CONNECTOR", "TASK", "STATE", "WORKER", "WHAT IS WRONG")
			for _, info := range found {
				for _, t := range statuses[info.Name].Tasks {
					rows.row(info.Name, t.ID, stateCell(t.State), t.WorkerID, shortened(reason(t.Trace), out))
				}
			}
			rows.write(page, "")
			return nil
		}),
	}
	out.register(cmd)
	return cmd
}

// taskDocument is a task's status with whose it is.
type taskDocument struct {
	Connector string `json:"connector"`
	herder.TaskState
}

// tableText is how much of a text stands in a table that is not wide.
const tableText = 100

func shortened(text string, out output) string {
	if runes := []rune(text); len(runes) > tableText && out != asWide {
		return string(runes[:tableText]) + "..."
	}
	return text
}
