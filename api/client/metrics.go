package client

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics are those of the worker, by name. A Java worker has none over REST: they are not found.
func (c *Client) Metrics(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	_, text, err := c.once(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("reading /metrics of %s: %w", c.base, err)
	}
	return all, nil
}
