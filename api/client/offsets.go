package client

import (
	"context"
	"net/http"

	"github.com/sluice-connect/sluice/connect/herder"
)

// Offsets are those of a connector.
func (c *Client) Offsets(ctx context.Context, name string) (offsets herder.ConnectorOffsets, err error) {
	return offsets, c.get(ctx, of(name, "/offsets"), &offsets)
}

// AlterOffsets changes offsets of a stopped connector; one that is nil is forgotten. It returns what the worker says to that.
func (c *Client) AlterOffsets(ctx context.Context, name string, offsets herder.ConnectorOffsets) (string, error) {
	var said herder.Message
	_, err := c.ask(ctx, http.MethodPatch, of(name, "/offsets"), offsets, &said)
	return said.Message, err
}

// ResetOffsets forgets all offsets of a stopped connector.
func (c *Client) ResetOffsets(ctx context.Context, name string) (string, error) {
	var said herder.Message
	_, err := c.ask(ctx, http.MethodDelete, of(name, "/offsets"), nil, &said)
	return said.Message, err
}
