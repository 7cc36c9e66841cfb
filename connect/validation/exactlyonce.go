package validation

import (
	"context"
	"maps"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
)

// What is said where a source cannot do what its configuration asks for, in the words of DistributedHerder.
const (
	workerNotExactlyOnce = "This worker does not have exactly-once source support enabled."
	sourceNotExactlyOnce = "The connector does not support exactly-once semantics with the provided configuration."
	sourceSaysNothing    = "The connector does not implement the API required for preflight validation of exactly-once source support. Please consult " +
		"the documentation for the connector to determine whether it supports exactly-once semantics, and then consider reconfiguring the connector to " +
		"use the value \"requested\" for this property (which will disable this preflight check and allow the connector to be created)."
	sourceEndsNothing = "The connector does not support connector-defined transaction boundaries with the given configuration. " +
		"Please reconfigure it to use a different transaction boundary definition."
	sourceFails = "An unexpected error occurred during validation: "
)

// checkExactlyOnce refuses what would silently be delivered at least once, and transactions that nobody would end
// (DistributedHerder.validateSourceConnectorConfig).
func (v *Validator) checkExactlyOnce(ctx context.Context, class *catalog.Class, cfg connect.Config, r *report) {
	if r.ok(keyExactlyOnce.Name()) && strings.EqualFold(keyExactlyOnce.Get(cfg), "required") {
		if !v.ExactlyOnce {
			r.fault(keyExactlyOnce.Name(), workerNotExactlyOnce)
		}
		if source, says := class.Plugin.(connect.ExactlyOnceSource); says {
			v.want(ctx, class, source.ExactlyOnce, cfg, sourceNotExactlyOnce, keyExactlyOnce.Name(), r)
		} else {
			r.fault(keyExactlyOnce.Name(), sourceSaysNothing)
		}
	}
	if r.ok(keyBoundary.Name()) && strings.EqualFold(keyBoundary.Get(cfg), "connector") {
		if source, says := class.Plugin.(connect.TransactionDefiner); says {
			v.want(ctx, class, source.DefinesTransactions, cfg, sourceEndsNothing, keyBoundary.Name(), r)
		} else {
			r.fault(keyBoundary.Name(), sourceEndsNothing)
		}
	}
}

// want asks a source whether it has an ability with a configuration, and faults the key if not. A source whose own keys are wrong cannot tell: in Java it
// fails with the first of what is wrong when it reads them.
func (v *Validator) want(ctx context.Context, class *catalog.Class, ability func(connect.Config) bool, cfg connect.Config, otherwise, key string, r *report) {
	problem, err := call(ctx, v, func(context.Context) string {
		for _, own := range class.Spec.Keys.Validate(maps.Clone(cfg)) {
			if len(own.Errors) > 0 {
				return sourceFails + own.Errors[0]
			}
		}
		if !ability(maps.Clone(cfg)) {
			return otherwise
		}
		return ""
	})
	if err != nil {
		problem = sourceFails + err.Error()
	}
	if problem != "" {
		r.fault(key, problem)
	}
}
