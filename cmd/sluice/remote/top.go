package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
)

func (s *session) topCommand() *cobra.Command {
	var (
		every time.Duration
		count int
	)
	cmd := &cobra.Command{
		Use:     "top",
		Short:   "Show live how many records flow through each connector, and how far behind it is",
		GroupID: groupLook,
		Long: `Show live how many records each connector takes and gives per second, how many are under way, how many fail, and how far sinks are behind: from /metrics of
all workers, and from Kafka where --bootstrap-servers or the context says where it is. Java's workers have no metrics over REST: of them states are shown, and
with Kafka the lag.

` + exitCodes,
		Example: `  sluice top
  sluice top --every 5s
  sluice top --count 1 --bootstrap-servers kafka:9092`,
		Args: cobra.NoArgs,
		RunE: coded(func(cmd *cobra.Command, _ []string) error {
			if every < 100*time.Millisecond {
				return fmt.Errorf("--every %v: want at least 100ms", every)
			}
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			t := &top{session: s, client: c}
			if err := t.look(cmd.Context()); err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if count == 0 {
				return watch(cmd.Context(), page, every, t.show)
			}
			for n := range count {
				select {
				case <-time.After(every):
				case <-cmd.Context().Done():
					return context.Cause(cmd.Context())
				}
				if n > 0 {
					page.printf("\n")
				}
				if err := t.show(cmd.Context(), page); err != nil {
					return err
				}
			}
			return nil
		}),
	}
	s.target.registerKafka(cmd)
	cmd.Flags().DurationVar(&every, "every", time.Second, "the time between two looks")
	cmd.Flags().IntVarP(&count, "count", "n", 0, "end after so many pages; 0 goes on until Ctrl-C")
	return cmd
}

// top remembers the last look, for rates are what lies between two.
type top struct {
	session *session
	client  *client.Client
	last    *gauges // nil where there are no metrics
}

func (t *top) look(ctx context.Context) error {
	now, err := gauge(ctx, t.client)
	if err != nil && !errors.Is(err, errNoMetrics) {
		return err
	}
	t.last = now
	return nil
}

func (t *top) show(ctx context.Context, page *screen) error {
	statuses, err := t.client.Statuses(ctx)
	if err != nil {
		return err
	}
	before := t.last
	if err := t.look(ctx); err != nil {
		return err
	}
	lags, kafkaErr := t.lags(ctx)
	rows := new(table)
	rows.row("NAME", "TYPE", "STATE", "TASKS", "IN/S", "OUT/S", "UNDER WAY", "FAILED/S", "LAG")
	for _, name := range sorted(statuses) {
		status := statuses[name]
		row := []any{name, status.Type, stateCell(standing(status, true)), tasksInWords(status)}
		lag, known := lags[name]
		if now := t.meter(t.last, name); now != nil {
			was, took := new(meter), time.Duration(0)
			if m := t.meter(before, name); m != nil {
				was, took = m, t.last.at.Sub(before.at)
			}
			underWay := "-"
			if status.Type == "source" {
				underWay = fmt.Sprintf("%.0f", now.underWay)
			}
			row = append(row, figure(rate(was.in, now.in, took)), figure(rate(was.out, now.out, took)), underWay, figure(rate(was.failed, now.failed, took)))
			if now.lag != nil && !known {
				lag, known = int64(*now.lag), true
			}
		} else {
			row = append(row, "-", "-", "-", "-")
		}
		shown := "-"
		if known {
			shown = fmt.Sprint(lag)
		}
		rows.row(append(row, shown)...)
	}
	page.printf("%s  %s\n\n", t.client.URL(), time.Now().UTC().Format(time.TimeOnly+"Z"))
	rows.write(page, "")
	var notes []string
	if t.last == nil {
		notes = append(notes, errNoMetrics.Error())
	} else if len(t.last.silent) > 0 {
		notes = append(notes, "no metrics came from "+strings.Join(t.last.silent, ", "))
	}
	if kafkaErr != nil && !errors.Is(kafkaErr, errNoKafka) {
		notes = append(notes, "the lag cannot be told: "+kafkaErr.Error())
	}
	if len(notes) > 0 {
		page.printf("\n%s\n", page.paint(dim, strings.Join(notes, "\n")))
	}
	return nil
}

func (t *top) meter(g *gauges, name string) *meter {
	if g == nil {
		return nil
	}
	if m := g.meters[name]; m != nil {
		return m
	}
	return nil
}

// lags are those of all sinks, from Kafka.
func (t *top) lags(ctx context.Context) (map[string]int64, error) {
	kafka, _, err := t.session.kafka()
	if err != nil {
		return nil, err
	}
	all, err := t.client.Connectors(ctx)
	if err != nil {
		return nil, err
	}
	lags := map[string]int64{}
	for name, info := range all {
		if info.Type != "sink" {
			continue
		}
		offsets, err := t.client.Offsets(ctx, name)
		if err != nil {
			continue // it has ended, or has no group yet
		}
		sink, ok := places(offsets)
		if !ok {
			continue
		}
		if err := addLags(ctx, kafka, sink); err != nil {
			return lags, err
		}
		for _, p := range sink {
			if p.Lag != nil {
				lags[name] += *p.Lag
			}
		}
	}
	return lags, nil
}

// figure is a rate for people.
func figure(perSecond float64) string {
	if perSecond == 0 || perSecond >= 10 {
		return fmt.Sprintf("%.0f", perSecond)
	}
	return fmt.Sprintf("%.1f", perSecond)
}
