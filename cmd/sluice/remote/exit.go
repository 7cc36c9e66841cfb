package remote

import (
	"context"
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/sluice-connect/sluice/api/client"
	"github.com/sluice-connect/sluice/cmd/sluice/contexts"
)

// Exit codes of the commands in this package, which scripts may rely on.
const (
	exitUsage       = 1   // the command line, or a file, is wrong
	exitFailed      = 2   // the cluster refused or failed
	exitUnreachable = 3   // nobody answers
	exitNotFound    = 4   // there is no such connector, task, class, topic or context
	exitInvalid     = 5   // a configuration was refused
	exitDiffers     = 6   // --dry-run: something would change
	exitNotRunning  = 7   // something does not run
	exitDenied      = 8   // the login was refused, or is not allowed to do that
	exitInterrupted = 130 // Ctrl-C, as shells have it
)

// exitCodes stands in the help of the commands.
const exitCodes = `Exit codes: 0 all is well; 1 the command line or a file is wrong; 2 the cluster refused or failed; 3 nobody answers; 4 not found;
5 a configuration was refused; 6 --dry-run, and something would change; 7 something does not run; 8 the login was refused; 130 Ctrl-C.`

// Error is an error with the exit code that it asks for. Without a cause all is said on standard output already.
type Error struct {
	code  int
	cause error
}

func (e *Error) Error() string {
	if e.cause == nil {
		return ""
	}
	return e.cause.Error()
}

func (e *Error) Unwrap() error { return e.cause }

// ExitCode is what the program ends with.
func (e *Error) ExitCode() int { return e.code }

// coded wraps what a command does, so that its errors have their exit codes.
func coded(run func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error { return classed(cmd.Context(), run(cmd, args)) }
}

func classed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &Error{exitInterrupted, errors.New("interrupted")}
	}
	if errors.As(err, new(*Error)) {
		return err
	}
	return &Error{codeOf(err), hinted(err)}
}

func codeOf(err error) int {
	no := new(client.RefusedError)
	switch {
	case errors.As(err, new(*client.UnreachableError)):
		return exitUnreachable
	case errors.As(err, new(*NotRunningError)):
		return exitNotRunning
	case errors.As(err, new(*contexts.NotFoundError)):
		return exitNotFound
	case !errors.As(err, &no):
		return exitUsage
	}
	switch no.Code {
	case http.StatusNotFound:
		if unknownPath(no) {
			return exitFailed
		}
		return exitNotFound
	case http.StatusBadRequest:
		return exitInvalid
	case http.StatusUnauthorized, http.StatusForbidden:
		return exitDenied
	}
	return exitFailed
}

// unknownPath reports whether a worker does not know the request, rather than what it is about: its HTTP layer answers then.
func unknownPath(no *client.RefusedError) bool {
	return no.Code == http.StatusMethodNotAllowed || no.Code == http.StatusNotFound && (no.Message == "HTTP 404 Not Found" || no.Message == "Not Found")
}

// hinted adds what to do about an error.
func hinted(err error) error {
	no := new(client.RefusedError)
	switch {
	case errors.As(err, new(*client.UnreachableError)):
		return &hint{err, "--server or a context says which worker to ask"}
	case !errors.As(err, &no):
		return err
	case unknownPath(no):
		return &hint{err, "this worker does not know the request: its version is too old for it"}
	case no.Code == http.StatusUnauthorized:
		return &hint{err, "check --user, and SLUICE_PASSWORD or --password-file"}
	}
	return err
}

// hint is an error with what to do about it.
type hint struct {
	error
	fix string
}

func (h *hint) Error() string { return h.error.Error() + " (" + h.fix + ")" }
func (h *hint) Unwrap() error { return h.error }
