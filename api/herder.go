package api

import (
	"context"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/validation"
)

// Herder is what the REST API asks of the mind behind it. Calls may wait, until ctx ends, for the worker to be ready. Errors are of the
// classes in package herder, which the API maps to statuses; all others are 500. A [herder.NotLeaderError] has the request passed on.
type Herder interface {
	Server(ctx context.Context) (herder.ServerInfo, error)

	Connectors(ctx context.Context) ([]string, error)
	Connector(ctx context.Context, name string) (herder.ConnectorInfo, error)
	Config(ctx context.Context, name string) (map[string]string, error)
	Tasks(ctx context.Context, name string) ([]herder.TaskInfo, error)
	// Status is nil where a connector has no status yet.
	Status(ctx context.Context, name string) (*herder.ConnectorStateInfo, error)
	TaskStatus(ctx context.Context, name string, task int) (*herder.TaskState, error)

	Create(ctx context.Context, req herder.NewConnector) (herder.Created, error)
	// PutConfig takes a configuration; nulls are the keys that the client gave as null.
	PutConfig(ctx context.Context, name string, config connect.Config, nulls ...string) (herder.Created, error)
	// PatchConfig merges: a nil value removes its key.
	PatchConfig(ctx context.Context, name string, patch map[string]*string) (herder.Created, error)
	Delete(ctx context.Context, name string) error
	Pause(ctx context.Context, name string) error
	Resume(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	// Restart returns the plan: a status with RESTARTING in place of what is restarted; nil where only the connector's instance was, at once.
	Restart(ctx context.Context, name string, includeTasks, onlyFailed bool) (*herder.ConnectorStateInfo, error)
	RestartTask(ctx context.Context, name string, task int) error

	// AlterOffsets deletes offsets that are nil, ResetOffsets all there are; both want the connector to be stopped.
	ConnectorOffsets(ctx context.Context, name string) (herder.ConnectorOffsets, error)
	AlterOffsets(ctx context.Context, name string, offsets []herder.ConnectorOffset) (herder.Message, error)
	ResetOffsets(ctx context.Context, name string) (herder.Message, error)
	ActiveTopics(ctx context.Context, name string) (herder.ActiveTopics, error)
	ResetTopics(ctx context.Context, name string) error

	// Authorize checks a request between workers by its body and its signature, nil for none; PutTasks and FenceZombies are what such requests are for.
	Authorize(body []byte, signature *herder.Signature) error
	PutTasks(ctx context.Context, name string, tasks []connect.Config) error
	FenceZombies(ctx context.Context, name string) error
	// InternalTopics are those of this worker, nil where it has none. It does not wait.
	InternalTopics() *herder.InternalTopics
	// Cluster tells what the leader knows, ClusterByStatuses what anybody can see.
	Cluster(ctx context.Context) (*herder.ClusterInfo, error)
	ClusterByStatuses(ctx context.Context) (*herder.ClusterInfo, error)

	// Health is the sign of life of /health. An error is for a worker that is shutting down.
	Health(ctx context.Context) (herder.Health, error)
	// SetLoggerLevel has every worker of the cluster log a namespace at a level.
	SetLoggerLevel(ctx context.Context, namespace, level string) error
	// Readiness tells what keeps the worker from its work, as far as it can be told until ctx ends.
	Readiness(ctx context.Context) herder.Readiness

	Plugins(connectorsOnly bool) []catalog.Listed
	// PluginConfig lists the keys of a class, in any version for "".
	PluginConfig(plugin, version string) ([]validation.ConfigKeyInfo, error)
	// Validate checks a configuration; nulls are the keys that the client gave as null.
	Validate(ctx context.Context, plugin string, config connect.Config, nulls ...string) (validation.ConfigInfos, error)
}
