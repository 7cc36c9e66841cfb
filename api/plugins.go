package api

import (
	"fmt"
	"net/http"
	"strings"
)

func (a *handler) plugins(r *http.Request) (answer, error) {
	connectorsOnly := r.URL.Query().Get("connectorsOnly") == "" || truth(r, "connectorsOnly")
	return ok(a.herder.Plugins(connectorsOnly))
}

func (a *handler) pluginConfig(r *http.Request) (answer, error) {
	plugin, err := param(r, "plugin")
	if err != nil {
		return answer{}, err
	}
	keys, err := a.herder.PluginConfig(plugin, r.URL.Query().Get("version"))
	if err != nil {
		return answer{}, err
	}
	return ok(keys)
}

func (a *handler) validate(r *http.Request) (answer, error) {
	plugin, err := param(r, "plugin")
	if err != nil {
		return answer{}, err
	}
	data, err := readBody(r)
	if err != nil {
		return answer{}, err
	}
	cfg, nulls, err := submitted(data)
	if err != nil {
		return answer{}, err
	}
	// The path only guards against a configuration of another class: the end of the name is enough.
	class, given := cfg["connector.class"]
	if given && !strings.HasSuffix(strings.TrimSuffix(class, "Connector"), strings.TrimSuffix(plugin, "Connector")) {
		return answer{}, &httpError{http.StatusBadRequest,
			fmt.Sprintf("Included connector type %s does not match request type %s", class, plugin)}
	}
	infos, err := a.herder.Validate(r.Context(), plugin, cfg, nulls...)
	if err != nil {
		return answer{}, err
	}
	return ok(infos)
}
