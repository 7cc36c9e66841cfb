package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/validation"
)

// Plugins are the classes of the worker.
func (c *Client) Plugins(ctx context.Context, connectorsOnly bool) (all []catalog.Listed, err error) {
	return all, c.get(ctx, "/connector-plugins?connectorsOnly="+strconv.FormatBool(connectorsOnly), &all)
}

// PluginConfig are the keys of a class.
func (c *Client) PluginConfig(ctx context.Context, class string) (keys []validation.ConfigKeyInfo, err error) {
	return keys, c.get(ctx, "/connector-plugins/"+url.PathEscape(class)+"/config", &keys)
}

// Validate checks a configuration and creates nothing. Warnings are in the reply.
func (c *Client) Validate(ctx context.Context, config connect.Config) (infos validation.ConfigInfos, reply Reply, err error) {
	path := "/connector-plugins/" + url.PathEscape(config["connector.class"]) + "/config/validate"
	reply, err = c.ask(ctx, http.MethodPut, path, config, &infos)
	return infos, reply, err
}
