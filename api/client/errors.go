package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// RefusedError is an answer that is not what was asked for.
type RefusedError struct {
	Code    int
	Message string // the worker's own
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the worker answers %d: %s", e.Code, e.Message)
}

// UnreachableError says that no worker answers at the URL.
type UnreachableError struct {
	URL   string
	Cause error
}

func (e *UnreachableError) Error() string {
	cause := e.Cause
	if of := new(url.Error); errors.As(cause, &of) {
		cause = of.Err // without the URL and the verb: they are said already
	}
	return fmt.Sprintf("no worker answers at %s: %v", e.URL, cause)
}

func (e *UnreachableError) Unwrap() error { return e.Cause }

func refused(code int, body []byte) error {
	var said struct{ Message string }
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		said.Message = http.StatusText(code)
	}
	return &RefusedError{Code: code, Message: said.Message}
}

// NotFound reports whether a worker has answered that there is no such thing.
func NotFound(err error) bool {
	no := new(RefusedError)
	return errors.As(err, &no) && no.Code == http.StatusNotFound
}

// passing reports whether an error is one of a rebalance, which passes, so that the request, which has done nothing, may be repeated.
func passing(err error, method string) bool {
	no := new(RefusedError)
	if !errors.As(err, &no) {
		return false
	}
	switch no.Code {
	case http.StatusConflict:
		return !strings.HasSuffix(no.Message, " already exists")
	case http.StatusInternalServerError: // Java's plain reads: ConnectExceptionMapper does not know RebalanceNeededException
		return method == http.MethodGet && strings.Contains(no.Message, "a rebalance is expected")
	}
	return false
}
