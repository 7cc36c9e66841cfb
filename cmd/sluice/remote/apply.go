package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
)

// applyOptions are the flags of `sluice apply`.
type applyOptions struct {
	files   manifestFlags
	dryRun  bool
	prune   bool
	yes     bool
	wait    bool
	timeout time.Duration
	output  output
}

func (s *session) applyCommand() *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:     "apply -f FILE|FOLDER|-",
		Short:   "Make the cluster's connectors be what manifests say, after showing what that changes",
		GroupID: groupChange,
		Long: `Compare manifests with what the cluster has, show the difference key by key, have a worker check all that is new or changed, and only then create and
change. What is as it should be is not touched. Secrets are not shown. If a manifest is refused, nothing is changed.

--prune deletes connectors that no manifest names, all of the cluster's others, after all else went well; it says which, and asks. initial_state counts when
a connector is created.

` + manifestForms + "\n\n" + exitCodes,
		Example: `  sluice apply -f connectors/ --dry-run          what would change; exit code 6 if anything would
  sluice apply -f connectors/ --wait             and wait until all that changed runs
  sluice apply -f connectors/ -R --prune --yes   the folder is the whole truth
  sluice get sensors -o json --show-secrets | jq '.config."tasks.max" = "4"' | sluice apply -f -`,
		Args: cobra.NoArgs,
		RunE: coded(func(cmd *cobra.Command, _ []string) error {
			c, err := s.client(cmd)
			if err != nil {
				return err
			}
			return o.run(cmd, c)
		}),
	}
	o.files.register(cmd)
	o.output.register(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show and check, change nothing; exit code 6 if something would change")
	cmd.Flags().BoolVar(&o.prune, "prune", false, "delete connectors that no manifest names")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask before deleting")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait until what was created or changed runs; exit code 7 if it does not")
	cmd.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "how long --wait waits for each connector")
	return cmd
}

// report is what a machine reads of an apply.
type report struct {
	DryRun     bool           `json:"dry_run"`
	Connectors []stepDocument `json:"connectors"`
	Findings   findings       `json:"findings,omitempty"`
}

func (o applyOptions) run(cmd *cobra.Command, c *client.Client) error {
	ctx := cmd.Context()
	want, err := o.files.read(cmd)
	if err != nil {
		return err
	}
	have, err := c.Connectors(ctx)
	if err != nil {
		return err
	}
	steps, hide := newPlan(want, have, o.prune), newSecrets(c)
	page := newScreen(cmd.OutOrStdout())
	told := report{DryRun: o.dryRun, Connectors: make([]stepDocument, len(steps))}
	for i, s := range steps {
		told.Connectors[i] = s.document(ctx, hide)
	}
	if !o.output.document() {
		steps.show(ctx, page, hide, o.output == asWide)
		page.printf("%s\n", page.paint(bold, steps.summary(false)))
	}
	err = o.apply(cmd, c, page, steps, &told)
	if o.output.document() {
		err = errors.Join(o.output.write(page, told), err)
	}
	return err
}

// apply checks and carries out a plan that was shown.
func (o applyOptions) apply(cmd *cobra.Command, c *client.Client, page *screen, steps plan, told *report) error {
	ctx := cmd.Context()
	for _, s := range steps {
		if s.action != creates && s.action != changes {
			continue
		}
		found, err := judge(ctx, c, s.manifest)
		if err != nil {
			return err
		}
		told.Findings = append(told.Findings, found...)
	}
	if !o.output.document() {
		told.Findings.show(page)
	}
	if n := refusedCount(told.Findings); n > 0 {
		return &Error{exitInvalid, fmt.Errorf("nothing was changed: %s refused", counted(n, "manifest is", "manifests are"))}
	}
	switch {
	case o.dryRun && steps.differs():
		return &Error{code: exitDiffers}
	case o.dryRun || !steps.differs():
		return nil
	}
	if gone := steps.of(deletes); len(gone) > 0 {
		if err := confirm(cmd, fmt.Sprintf("delete %s: %s", counted(len(gone), "connector", "connectors"), names(gone)), o.yes); err != nil {
			return err
		}
	}
	var errs []error
	for i, s := range steps {
		switch {
		case s.action == keeps:
			continue
		case s.action == deletes && len(errs) > 0: // what was to take its place may not be there
			told.Connectors[i].Result = "left"
			continue
		}
		warnings, err := s.do(ctx, c)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		told.Connectors[i].Result = "done"
		if err != nil {
			told.Connectors[i].Result, told.Connectors[i].Error = "failed", err.Error()
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
		fresh := told.Findings.add(s, warnings)
		if !o.output.document() {
			s.showDone(page, err)
			for _, text := range fresh {
				page.printf("  %s  %s\n", page.paint(yellow, "warning"), text)
			}
		}
	}
	if gone := steps.of(deletes); len(gone) > 0 && len(errs) > 0 {
		errs = append(errs, fmt.Errorf("nothing was deleted, because of that: %s", names(gone)))
	}
	if o.wait {
		errs = append(errs, o.await(ctx, c, page, steps, told)...)
	}
	return errors.Join(errs...)
}

// do carries out one step, and returns what the worker found strange.
func (s step) do(ctx context.Context, c *client.Client) (warnings []string, err error) {
	var reply client.Reply
	switch {
	case s.action == deletes:
		if err = c.Delete(ctx, s.name); client.NotFound(err) {
			err = nil // somebody else was faster
		}
	case s.action == creates && s.manifest.InitialState != "":
		reply, err = c.Create(ctx, s.name, s.manifest.Config, s.manifest.InitialState)
	default:
		reply, err = c.PutConfig(ctx, s.name, s.manifest.Config)
	}
	return reply.Warnings, err
}

func (s step) showDone(page *screen, err error) {
	word := map[action]string{creates: "created", changes: "changed", deletes: "deleted"}[s.action]
	if err != nil {
		page.printf("%s %s\n", page.paint(red, "failed "), s.name)
		return
	}
	page.printf("%s %s\n", page.paint(green, word), s.name)
}

// await waits for what was created or changed, for all at once.
func (o applyOptions) await(ctx context.Context, c *client.Client, page *screen, steps plan, told *report) []error {
	wait := newSettling(o.timeout)
	results := make([]error, len(steps))
	var waits sync.WaitGroup
	for i, s := range steps {
		if s.action != deletes && told.Connectors[i].Result == "done" {
			waits.Go(func() { results[i] = wait.await(ctx, c, s.name) })
		}
	}
	waits.Wait()
	for i, s := range steps {
		switch {
		case s.action == deletes || told.Connectors[i].Result != "done":
		case results[i] != nil:
			told.Connectors[i].Result, told.Connectors[i].Error = "not running", results[i].Error()
		case !o.output.document():
			page.printf("%s %s\n", page.paint(green, "runs   "), s.name)
		}
	}
	return results
}

// counted is a number and the word for that many.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
