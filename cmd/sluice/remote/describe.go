package remote

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/connect/herder"
)

func (s *session) describeCommand() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:     "describe NAME",
		Short:   "Show all there is to know of a connector on one page: for the middle of the night",
		GroupID: groupLook,
		Long: `Show all there is to know of a connector on one page: what runs where, what does not and why, since when it has been trying again, what to do next, how
far it has come and how far it is behind, what has failed, and its configuration without secrets. -o wide shows traces and offsets whole.

` + exitCodes,
		Example: `  sluice describe sensors
  sluice describe lake --bootstrap-servers kafka:9092    with the lag
  sluice describe sensors -o wide`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: s.completeName,
		RunE: coded(func(cmd *cobra.Command, args []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			d, err := describe(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			page := newScreen(cmd.OutOrStdout())
			if out.document() {
				return out.write(page, d.document())
			}
			d.write(cmd.Context(), page, s, out)
			return nil
		}),
	}
	s.target.registerKafka(cmd)
	out.register(cmd)
	return cmd
}

// description is what is known of a connector. What could not be asked for has an error in its place.
type description struct {
	info    herder.ConnectorInfo // without secrets
	status  herder.ConnectorStateInfo
	told    bool // it has a status
	topics  []string
	offsets herder.ConnectorOffsets
	meter   *meter

	topicsErr, offsetsErr error
}

func describe(ctx context.Context, c *client.Client, name string) (d description, err error) {
	if d.info, err = c.Connector(ctx, name); err != nil {
		return d, err
	}
	d.info.Config = newSecrets(c).config(ctx, d.info.Config)
	d.status, err = c.Status(ctx, name)
	if d.told = err == nil; err != nil && !client.NotFound(err) {
		return d, err
	}
	d.topics, d.topicsErr = c.Topics(ctx, name)
	d.offsets, d.offsetsErr = c.Offsets(ctx, name)
	if g, err := gauge(ctx, c); err == nil {
		d.meter = g.meters[name]
	}
	return d, ctx.Err()
}

// descriptionDocument is a description as scripts read it.
type descriptionDocument struct {
	Name     string                     `json:"name"`
	Type     string                     `json:"type"`
	Standing string                     `json:"standing"` // a state, RETRYING or NEW
	Status   *herder.ConnectorStateInfo `json:"status"`
	Retrying []attempt                  `json:"retrying"`
	Topics   []string                   `json:"topics"`
	Offsets  []herder.ConnectorOffset   `json:"offsets"`
	Config   map[string]string          `json:"config"`
}

func (d description) document() descriptionDocument {
	doc := descriptionDocument{
		Name: d.info.Name, Type: d.info.Type, Standing: standing(d.status, d.told), Retrying: d.attempts(), Topics: d.topics, Offsets: d.offsets.Offsets,
		Config: d.info.Config,
	}
	if d.told {
		doc.Status = &d.status
	}
	return doc
}

// attempt is what a part of a connector tries again and again.
type attempt struct {
	What  string     `json:"what"`
	Cause string     `json:"cause"`
	Since *time.Time `json:"since"`
	Next  string     `json:"next,omitempty"`
}

// attemptText is what statuses carry while a task cannot reach its system.
var attemptText = regexp.MustCompile(`^retrying: (.*) \(since (\S+?)(?:, next try (.*))?\)$`)

// attempts reads them out of the traces.
func (d description) attempts() []attempt {
	all := []attempt{}
	take := func(what, trace string) {
		for line := range strings.SplitSeq(trace, "\n") {
			m := attemptText.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			a := attempt{What: what, Cause: m[1], Next: m[3]}
			if at, err := time.Parse(time.RFC3339, m[2]); err == nil {
				a.Since = &at
			}
			all = append(all, a)
		}
	}
	take("connector", d.status.Connector.Trace)
	for _, t := range d.status.Tasks {
		take(fmt.Sprintf("task %d", t.ID), t.Trace)
	}
	return all
}

// Bounds of a page that is not wide.
const (
	traceLines = 12
	offsetRows = 12
)

func (d description) write(ctx context.Context, page *screen, s *session, out output) {
	state := standing(d.status, d.told)
	page.printf("%s  %s, %s\n", page.paint(bold, d.info.Name), d.info.Type, page.paint(stateColour(state), state))
	facts := new(table)
	class := d.info.Config["connector.class"]
	if v := d.status.Connector.Version; v != nil {
		class += " " + *v
	}
	facts.row("class", class)
	if !d.told {
		facts.row("status", "none yet: it was only just created, or no worker has taken it")
	} else {
		facts.row("instance", d.status.Connector.State+" on "+d.status.Connector.WorkerID)
		running := 0
		for _, t := range d.status.Tasks {
			if t.State == "RUNNING" {
				running++
			}
		}
		facts.row("tasks", fmt.Sprintf("%d of %d run", running, len(d.status.Tasks)))
	}
	switch {
	case d.topicsErr != nil:
		facts.row("topics", "cannot be told: "+d.topicsErr.Error())
	case len(d.topics) == 0:
		facts.row("topics", "none used yet")
	default:
		facts.row("topics", strings.Join(d.topics, ", "))
	}
	d.measures(facts)
	facts.write(page, "  ")
	d.wrong(page, out)
	d.tasks(page)
	page.printf("\n%s\n", page.paint(bold, "offsets"))
	if d.offsetsErr != nil {
		page.printf("  cannot be told: %v\n", d.offsetsErr)
	} else {
		most := offsetRows
		if out == asWide {
			most = 0
		}
		if err := s.writeOffsets(ctx, page, d.offsets, "  ", most); err != nil {
			page.printf("  %v\n", err)
		}
	}
	page.printf("\n%s\n", page.paint(bold, "configuration"))
	writeConfig(page, d.info.Config, "  ")
}

// measures adds what the metrics say, where there are any.
func (d description) measures(facts *table) {
	m := d.meter
	if m == nil {
		return
	}
	if d.info.Type == "source" {
		oldest := ""
		if m.oldest > 0 {
			oldest = fmt.Sprintf(", the oldest for %v", m.oldest.Round(time.Millisecond))
		}
		facts.row("records", fmt.Sprintf("%.0f polled, %.0f written, %.0f under way%s", m.in, m.out, m.underWay, oldest))
	} else {
		facts.row("records", fmt.Sprintf("%.0f read, %.0f put", m.in, m.out))
	}
	if m.lag != nil {
		facts.row("lag", fmt.Sprintf("%.0f records", *m.lag))
	}
	if m.failed > 0 || !m.lastError.IsZero() {
		last := ""
		if !m.lastError.IsZero() {
			last = ", the last " + ago(m.lastError)
		}
		facts.row("failed", cell{fmt.Sprintf("%.0f records, %.0f skipped, %.0f into the dead letter queue%s", m.failed, m.skipped, m.letters, last), yellow})
	}
}

// ago is a moment for people.
func ago(at time.Time) string {
	return fmt.Sprintf("%s ago (%s)", time.Since(at).Round(time.Second), at.UTC().Format(time.RFC3339))
}

// wrong says what is wrong, since when, and what can be done.
func (d description) wrong(page *screen, out output) {
	attempts := d.attempts()
	var failed []string
	show := func(what, state, worker, trace string) {
		if state != "FAILED" {
			return
		}
		failed = append(failed, what)
		page.printf("\n%s on %s\n", page.paint(red, what+" has failed"), worker)
		writeTrace(page, trace, out)
	}
	for _, a := range attempts {
		since := ""
		if a.Since != nil {
			since = ", since " + a.Since.UTC().Format(time.RFC3339) + ", for " + time.Since(*a.Since).Round(time.Second).String()
		}
		page.printf("\n%s%s\n    %s\n", page.paint(yellow, a.What+" tries again and again"), since, a.Cause)
		if a.Next != "" {
			page.printf("    next try %s\n", a.Next)
		}
	}
	show("instance", d.status.Connector.State, d.status.Connector.WorkerID, d.status.Connector.Trace)
	for _, t := range d.status.Tasks {
		show(fmt.Sprintf("task %d", t.ID), t.State, t.WorkerID, t.Trace)
	}
	if advice := d.advice(failed); advice != "" {
		page.printf("\n%s %s\n", page.paint(bold, "next:"), advice)
	}
}

// advice is what to do; "" where nothing needs to be.
func (d description) advice(failed []string) string {
	name := d.info.Name
	state := d.status.Connector.State
	switch {
	case len(failed) > 0:
		return fmt.Sprintf("when the cause is gone, sluice restart %s --include-tasks --only-failed", name)
	case !d.told || state == "UNASSIGNED":
		return "no worker runs it: sluice cluster shows who is there and what is waited for"
	case state == "PAUSED" || state == "STOPPED":
		return fmt.Sprintf("somebody wanted that; sluice resume %s", name)
	}
	return ""
}

// tasks lists the tasks.
func (d description) tasks(page *screen) {
	if len(d.status.Tasks) == 0 {
		return
	}
	page.printf("\n%s\n", page.paint(bold, "tasks"))
	rows := new(table)
	for _, t := range d.status.Tasks {
		rows.row(fmt.Sprintf("task %d", t.ID), stateCell(t.State), t.WorkerID)
	}
	rows.write(page, "  ")
}
