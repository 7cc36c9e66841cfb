package remote

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect/herder"
)

func (s *session) clusterCommand() *cobra.Command {
	var (
		out   output
		again bool
	)
	cmd := &cobra.Command{
		Use:     "cluster",
		Short:   "Show the workers of a cluster, what each runs, and the last rebalance",
		GroupID: groupLook,
		Long: `Show the workers of a cluster, what each runs, what waits and until when, and the last rebalance: who joined, who left, what moved and why. Workers
that keep the cluster's memory in different topics are named.

Any worker may be asked. Java's workers do not tell as much: of a cluster that one of them leads, what statuses say is shown.

` + exitCodes,
		Example: `  sluice cluster
  sluice cluster --watch
  sluice cluster --server http://connect-1:8083 -o wide
  sluice cluster -o json | jq '.members[].url'`,
		Args: cobra.NoArgs,
		RunE: coded(func(cmd *cobra.Command, _ []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if again {
				return watch(cmd.Context(), page, watchInterval, func(ctx context.Context, page *screen) error {
					return showCluster(ctx, c, page, out)
				})
			}
			return showCluster(cmd.Context(), c, page, out)
		}),
	}
	out.register(cmd)
	cmd.Flags().BoolVarP(&again, "watch", "w", false, "show it again every second until Ctrl-C")
	return cmd
}

func showCluster(ctx context.Context, c *client.Client, page *screen, out output) error {
	info, err := c.Cluster(ctx)
	if err != nil {
		return err
	}
	if out.document() {
		return out.write(page, info)
	}
	writeCluster(page, info, time.Now(), out == asWide)
	return nil
}

// writeCluster shows a cluster as a page.
func writeCluster(out *screen, info *herder.ClusterInfo, now time.Time, wide bool) {
	if info.Source == "statuses" {
		out.printf("%s", "As statuses tell, for the leader is no Sluice worker or cannot be asked: who last spoke for what, workers without work are not listed.\n\n")
	} else {
		out.printf("leader      %s, %s, generation %d, configuration read to offset %d\n", info.Leader, info.Protocol, info.Generation, info.ConfigOffset)
		out.printf("rebalanced  %s\n", lastRebalance(info, now))
	}
	if len(info.Waiting) > 0 {
		out.printf("waiting     %s\n", waiting(info, now, wide))
	}
	for _, d := range info.Disagreements {
		out.printf("disagree    %s has %s=%s, %s has %s: give them the same, or another group.id\n", d.Worker, d.Key, d.Value, d.Elder, d.ElderValue)
	}
	if info.Source != "statuses" || len(info.Waiting)+len(info.Disagreements) > 0 {
		out.printf("\n")
	}
	rows := new(table)
	rows.row("WORKER", "CONNECTORS", "TASKS", "WHAT")
	for _, m := range info.Members {
		rows.row(m.URL, len(m.Connectors), len(m.Tasks), listed(append(append([]string{}, m.Connectors...), m.Tasks...), wide))
	}
	rows.write(out, "")
}

// lastRebalance is when it was, how long it took, who came and went, what moved and why.
func lastRebalance(info *herder.ClusterInfo, now time.Time) string {
	parts := []string{now.Sub(info.At).Round(time.Second).String() + " ago"}
	if info.Took != "" {
		parts = append(parts, "in "+info.Took)
	}
	if len(info.Joined) > 0 {
		parts = append(parts, "joined: "+strings.Join(info.Joined, " "))
	}
	if len(info.Left) > 0 {
		parts = append(parts, "left: "+strings.Join(info.Left, " "))
	}
	parts = append(parts, fmt.Sprintf("%d moved", info.Moved))
	text := strings.Join(parts, ", ")
	if info.Reason != "" {
		text += " (" + info.Reason + ")"
	}
	return text
}

// waiting is what runs nowhere, and until when.
func waiting(info *herder.ClusterInfo, now time.Time, wide bool) string {
	text := fmt.Sprintf("%d run nowhere", len(info.Waiting))
	if info.Scheduled != nil && info.Scheduled.After(now) {
		text += fmt.Sprintf(", for another %v, in case that their worker comes back (scheduled.rebalance.max.delay.ms)", info.Scheduled.Sub(now).Round(time.Second))
	}
	return text + ": " + listed(info.Waiting, wide)
}

// listedCount is how many names are shown where not all are wanted.
const listedCount = 6

func listed(names []string, all bool) string {
	if more := len(names) - listedCount; more > 0 && !all {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:listedCount], " "), more)
	}
	return strings.Join(names, " ")
}
