package inspection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/fleet"
	"github.com/sluice-connect/sluice/plugins/manifest"
	"github.com/sluice-connect/sluice/plugins/process"
)

// Finding is what one look has shown.
type Finding struct {
	Look    string `json:"look"`
	Problem string `json:"problem,omitempty"` // with the fix; "" for none
	Note    string `json:"note,omitempty"`    // what there is to say where all is well
}

// Report is what an inspection has found.
type Report struct {
	Plugin   string    `json:"plugin"`
	Version  string    `json:"version"`
	Folder   string    `json:"folder"`
	Findings []Finding `json:"findings"`
	// Found is the manifest that fits the program, with its checksum; nil where the program did not say what it is.
	Found *manifest.Manifest `json:"-"`
}

// Problems counts the findings that are some.
func (r *Report) Problems() (n int) {
	for _, f := range r.Findings {
		if f.Problem != "" {
			n++
		}
	}
	return n
}

func (r *Report) well(look, note string) {
	r.Findings = append(r.Findings, Finding{Look: look, Note: note})
}

func (r *Report) problem(look string, problem any) {
	r.Findings = append(r.Findings, Finding{Look: look, Problem: fmt.Sprint(problem)})
}

// answerTimeout is what the plugin gets for each answer.
const answerTimeout = 10 * time.Second

// Inspect looks at the plugin of a manifest. refresh says that the manifest is to be written anew: where the program differs from it, it is the program
// that counts. ctx ends the inspection; what has been found until then is reported.
func Inspect(ctx context.Context, m *manifest.Manifest, refresh bool, log *slog.Logger) *Report {
	r := &Report{Plugin: m.Name, Version: m.Version, Folder: m.Dir}
	launch := fleet.Launch(m, "", log)
	sum := r.checksum(m, refresh)
	if refresh {
		launch.Checksum = sum
	}
	began := time.Now()
	p, err := process.Start(ctx, launch)
	if err != nil {
		r.problem("start", err)
		return r
	}
	defer func() {
		p.Kill(nil)
		<-p.Done()
	}()
	r.well("start", fmt.Sprintf("answers after %s, contract version %d", time.Since(began).Round(time.Millisecond), contract.Version))
	v := &visit{report: r, process: p, plugin: contract.NewPluginClient(p.Conn())}
	if described := v.describe(ctx); described != nil {
		r.Found = &manifest.Manifest{
			Dir: m.Dir, Name: described.GetName(), Version: described.GetVersion(), Contract: contract.Version, Command: m.Command, Checksum: sum, Env: m.Env,
			Limits: m.Limits, Classes: described.GetClasses(),
		}
		r.Plugin, r.Version = r.Found.Name, r.Found.Version
		if err := r.Found.Check(); err != nil {
			r.problem("definitions", err)
		} else {
			r.well("definitions", fmt.Sprintf("classes: %d", len(described.GetClasses())))
		}
		if !refresh {
			v.compare(m.Description(), described)
		}
		v.keys(ctx, described)
		v.tasks(ctx, described)
	}
	v.stop(ctx)
	return r
}

// checksum takes the program's.
func (r *Report) checksum(m *manifest.Manifest, refresh bool) string {
	program := m.Program()
	if program == "" {
		r.problem("checksum", fmt.Sprintf("no file in %s is the program of command %q", m.Dir, m.Command))
		return ""
	}
	sum, err := process.Checksum(program)
	switch {
	case err != nil:
		r.problem("checksum", err)
	case refresh:
	case m.Checksum == "":
		r.well("checksum", "not pinned: sluice plugin check --write does it")
	case m.Checksum == sum:
		r.well("checksum", "pinned, of "+filepath.Base(program))
	default:
		r.problem("checksum", fmt.Sprintf("%s is not the file that plugin.json pins: install it anew, or, if it was you who changed it, pin it with --write",
			program))
	}
	return sum
}

// visit is the plugin while it runs.
type visit struct {
	report  *Report
	process *process.Process
	plugin  contract.PluginClient
}

// describe asks the plugin what it is, twice.
func (v *visit) describe(ctx context.Context) *contract.Description {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	first, err := v.plugin.Describe(ctx, &contract.DescribeRequest{})
	if err != nil {
		v.report.problem("describe", v.reason(err))
		return nil
	}
	second, err := v.plugin.Describe(ctx, &contract.DescribeRequest{})
	switch {
	case err != nil:
		v.report.problem("describe", v.reason(err))
	case !proto.Equal(first, second):
		v.report.problem("describe", "it answers differently each time: the description must need no configuration, and no input or output")
	default:
		v.report.well("describe", first.GetName()+" "+first.GetVersion())
	}
	return first
}

// reason is why a call failed: the end of the process, if that is it.
func (v *visit) reason(err error) error {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-v.process.Done():
		return errors.Join(v.process.Err())
	case <-timer.C:
		return err
	}
}

// stopTime is when a process that was asked to end is killed.
const stopTime = 2 * time.Second

func (v *visit) stop(ctx context.Context) {
	select {
	case <-v.process.Done():
		v.report.problem("stop", v.process.Err())
		return
	default:
	}
	began := time.Now()
	err := v.process.Stop(ctx)
	switch took := time.Since(began); {
	case err != nil:
		v.report.problem("stop", err)
	case took >= stopTime:
		v.report.problem("stop", fmt.Sprintf("it was still there %s after it was asked to end, and was killed: end in Stop, and when standard input does", stopTime))
	default:
		v.report.well("stop", fmt.Sprintf("ended %s after it was asked to", took.Round(time.Millisecond)))
	}
}
