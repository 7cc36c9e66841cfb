package main

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/api"
	"github.com/sluice-connect/sluice/connect/basicauth"
	"github.com/sluice-connect/sluice/connect/workerconfig"
)

// entrance is how a worker's REST is reached, and by whom.
func entrance(config *workerconfig.Worker, log logs) (api.Config, error) {
	rest := config.REST
	rest.TLS.Stores.Log, rest.AdminTLS.Stores.Log = log.Logger, log.Logger
	c := api.Config{
		Listeners: rest.Listeners, AdvertisedHost: rest.AdvertisedHost, AdvertisedPort: rest.AdvertisedPort, AdvertisedListener: rest.AdvertisedListener,
		AdminApart: rest.AdminApart, AdminListeners: rest.AdminListeners, TLS: api.TLS(rest.TLS), AdminTLS: api.TLS(rest.AdminTLS),
		Peers: api.NewPeers(rest.TLS.Stores), Levels: log.levels, Log: log.Logger,
	}
	if len(rest.Headers) > 0 {
		c.Headers = func(h http.Header) { rest.Headers.Apply(h, time.Now()) }
	}
	var err error
	if c.Origins, err = api.NewOrigins(rest.AllowOrigins, rest.AllowMethods); err != nil {
		return c, err
	}
	c.Login, err = login(config, log)
	return c, err
}

// login is who may use REST; nil for everybody.
func login(config *workerconfig.Worker, log logs) (*api.Login, error) {
	for _, class := range config.Extensions {
		if class != workerconfig.BasicAuth {
			return nil, fmt.Errorf("rest.extension.classes: there is no %s here: REST extensions are Java classes; the one that is here is %s", class, workerconfig.BasicAuth)
		}
	}
	if len(config.Extensions) == 0 {
		return nil, nil
	}
	path, err := basicauth.FileOf(config.JAASFile, os.Environ())
	if err != nil {
		return nil, err
	}
	users, err := basicauth.Open(path, log.Logger)
	if err != nil {
		return nil, err
	}
	for _, user := range config.ReadOnlyUsers {
		if !slices.Contains(users.Names(), user) {
			log.Warn("a read-only user is not among those who may log in: is the name right?", "key", "sluice.rest.readonly.users", "user", user)
		}
	}
	if protocol := config.Cluster.Protocol; config.Mode == workerconfig.Distributed && !strings.EqualFold(protocol, "sessioned") {
		log.Warn("requests between workers are not signed, and need no login: whoever reaches REST can change the tasks of connectors",
			"key", "connect.protocol", "value", protocol, "fix", "sessioned")
	}
	return &api.Login{Users: users, ReadOnly: config.ReadOnlyUsers}, nil
}
