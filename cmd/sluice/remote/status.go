package remote

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect/herder"
)

func (s *session) statusCommand() *cobra.Command {
	var (
		out   output
		again bool
	)
	cmd := &cobra.Command{
		Use:     "status [NAME ...]",
		Short:   "Tell what runs and what does not, once or again and again",
		GroupID: groupLook,
		Long: `Tell what runs and what does not: each connector and each of its tasks that is not RUNNING without a complaint, with the reason. The exit code is 7 when
something has failed, waits for a worker or cannot reach its system; what is paused or stopped is as somebody wanted it.

` + exitCodes,
		Example: `  sluice status
  sluice status sensors lake --watch
  sluice status sensors > /dev/null || page-somebody`,
		ValidArgsFunction: s.completeNames,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if again {
				if out.document() {
					return fmt.Errorf("--watch: it is for people: leave -o %s away", out)
				}
				return watch(cmd.Context(), page, watchInterval, func(ctx context.Context, page *screen) error {
					_, err := showStatuses(ctx, c, page, args, out)
					return err
				})
			}
			sound, err := showStatuses(cmd.Context(), c, page, args, out)
			if err == nil && !sound {
				err = &Error{code: exitNotRunning}
			}
			return err
		}),
	}
	out.register(cmd)
	cmd.Flags().BoolVarP(&again, "watch", "w", false, "show it again every second until Ctrl-C")
	return cmd
}

// showStatuses writes the statuses of connectors, and reports whether all are well.
func showStatuses(ctx context.Context, c *client.Client, page *screen, names []string, out output) (sound bool, err error) {
	statuses := map[string]herder.ConnectorStateInfo{}
	if len(names) == 0 {
		if statuses, err = c.Statuses(ctx); err != nil {
			return false, err
		}
		names = sorted(statuses)
	} else {
		for _, name := range names {
			if statuses[name], err = c.Status(ctx, name); err != nil {
				return false, err
			}
		}
	}
	sound = true
	list := make([]herder.ConnectorStateInfo, 0, len(names))
	for _, name := range names {
		status := statuses[name]
		list = append(list, status)
		j := judgeStatus(status)
		sound = sound && (j.verdict == well || j.verdict == underWay && len(status.Tasks) == 0 && status.Connector.State == "RUNNING")
	}
	if out.document() {
		if list == nil {
			list = []herder.ConnectorStateInfo{}
		}
		return sound, out.write(page, list)
	}
	writeStatuses(page, list, out)
	return sound, nil
}

func writeStatuses(page *screen, list []herder.ConnectorStateInfo, out output) {
	rows := new(table)
	rows.row("NAME", "TYPE", "STATE", "TASKS", "WORKER", "WHAT IS WRONG")
	for _, status := range list {
		state := standing(status, true)
		rows.row(status.Name, status.Type, stateCell(state), tasksInWords(status), status.Connector.WorkerID, shortened(reason(status.Connector.Trace), out))
		for _, t := range status.Tasks {
			if t.State == status.Connector.State && t.Trace == "" && out != asWide {
				continue
			}
			rows.row(fmt.Sprintf("  task %d", t.ID), "", stateCell(t.State), "", t.WorkerID, shortened(reason(t.Trace), out))
		}
	}
	rows.write(page, "")
}
