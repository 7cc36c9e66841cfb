package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/catalog"
	"github.com/sluice-connect/sluice/connect/herder"
	"github.com/sluice-connect/sluice/connect/stores"
	"github.com/sluice-connect/sluice/connect/validation"
)

// fakeHerder knows the connectors in configs; whatever else it is told it writes down in did.
type fakeHerder struct {
	configs map[string]connect.Config
	fail    error // what every call answers, if not nil
	did     []string

	condition  herder.Health
	hindrances []herder.Hindrance
	topics     *herder.InternalTopics
}

func (f *fakeHerder) InternalTopics() *herder.InternalTopics { return f.topics }

func (f *fakeHerder) Health(context.Context) (herder.Health, error) { return f.condition, f.fail }

func (f *fakeHerder) Readiness(context.Context) herder.Readiness {
	return herder.Readiness{Ready: len(f.hindrances) == 0, Hindrances: append([]herder.Hindrance{}, f.hindrances...)}
}

func (f *fakeHerder) SetLoggerLevel(_ context.Context, namespace, level string) error {
	if f.fail == nil {
		f.did = append(f.did, "log "+namespace+" at "+level)
	}
	return f.fail
}

func (f *fakeHerder) find(name string) (connect.Config, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	cfg, ok := f.configs[name]
	if !ok {
		return nil, &herder.NotFoundError{Message: fmt.Sprintf("Connector %s not found", name)}
	}
	return cfg, nil
}

func (f *fakeHerder) do(what, name string) error {
	if _, err := f.find(name); err != nil {
		return err
	}
	f.did = append(f.did, what+" "+name)
	return nil
}

func (f *fakeHerder) Server(context.Context) (herder.ServerInfo, error) {
	id := "cluster"
	return herder.ServerInfo{Version: "v", Commit: "c", KafkaClusterID: &id}, f.fail
}

func (f *fakeHerder) Connectors(context.Context) ([]string, error) {
	var names []string
	for name := range f.configs {
		names = append(names, name)
	}
	return names, f.fail
}

func (f *fakeHerder) Connector(_ context.Context, name string) (herder.ConnectorInfo, error) {
	cfg, err := f.find(name)
	return herder.ConnectorInfo{Name: name, Config: cfg, Tasks: []herder.TaskRef{{Connector: name}}, Type: "source"}, err
}

func (f *fakeHerder) Config(_ context.Context, name string) (map[string]string, error) {
	return f.find(name)
}

func (f *fakeHerder) Tasks(_ context.Context, name string) ([]herder.TaskInfo, error) {
	cfg, err := f.find(name)
	return []herder.TaskInfo{{ID: herder.TaskRef{Connector: name}, Config: cfg}}, err
}

func (f *fakeHerder) Status(_ context.Context, name string) (*herder.ConnectorStateInfo, error) {
	if _, err := f.find(name); err != nil {
		return nil, err
	}
	return &herder.ConnectorStateInfo{Name: name, Connector: herder.ConnectorState{State: "RUNNING", WorkerID: "w:1"},
		Tasks: []herder.TaskState{{State: "FAILED", WorkerID: "w:1", Trace: "a < b"}}, Type: "source"}, nil
}

func (f *fakeHerder) TaskStatus(_ context.Context, name string, task int) (*herder.TaskState, error) {
	if _, err := f.find(name); err != nil {
		return nil, err
	}
	return &herder.TaskState{ID: task, State: "RUNNING", WorkerID: "w:1"}, nil
}

func (f *fakeHerder) Create(_ context.Context, req herder.NewConnector) (herder.Created, error) {
	if f.fail != nil {
		return herder.Created{}, f.fail
	}
	if len(req.Nulls) > 0 {
		return herder.Created{}, &herder.InvalidError{Message: "null: " + strings.Join(req.Nulls, ",")}
	}
	if _, there := f.configs[req.Name]; there {
		return herder.Created{}, &herder.ExistsError{Name: req.Name}
	}
	f.did = append(f.did, "create "+req.Name+" "+req.InitialState)
	return herder.Created{Info: herder.ConnectorInfo{Name: req.Name, Config: req.Config, Tasks: []herder.TaskRef{}, Type: "source"},
		New: true, Warnings: []string{"typo: no such\nkey"}}, nil
}

func (f *fakeHerder) PutConfig(_ context.Context, name string, cfg connect.Config, nulls ...string) (herder.Created, error) {
	if len(nulls) > 0 {
		return herder.Created{}, &herder.InvalidError{Message: "null: " + strings.Join(nulls, ",")}
	}
	_, there := f.configs[name]
	return herder.Created{Info: herder.ConnectorInfo{Name: name, Config: cfg, Tasks: []herder.TaskRef{}, Type: "source"}, New: !there}, f.fail
}

func (f *fakeHerder) PatchConfig(_ context.Context, name string, patch map[string]*string) (herder.Created, error) {
	_, err := f.find(name)
	for key, value := range patch {
		if value == nil {
			f.did = append(f.did, "remove "+key)
		}
	}
	return herder.Created{Info: herder.ConnectorInfo{Name: name}}, err
}

func (f *fakeHerder) Delete(_ context.Context, name string) error { return f.do("delete", name) }
func (f *fakeHerder) Pause(_ context.Context, name string) error  { return f.do("pause", name) }
func (f *fakeHerder) Resume(_ context.Context, name string) error { return f.do("resume", name) }
func (f *fakeHerder) Stop(_ context.Context, name string) error   { return f.do("stop", name) }

func (f *fakeHerder) Restart(ctx context.Context, name string, tasks, failed bool) (*herder.ConnectorStateInfo, error) {
	if err := f.do(fmt.Sprintf("restart %t %t", tasks, failed), name); err != nil || !tasks && !failed {
		return nil, err
	}
	return f.Status(ctx, name)
}

func (f *fakeHerder) RestartTask(_ context.Context, name string, task int) error {
	return f.do(fmt.Sprintf("restart task %d", task), name)
}

func (f *fakeHerder) Plugins(connectorsOnly bool) []catalog.Listed {
	all := []catalog.Listed{{Class: "x.S", Type: catalog.Source, Version: "1"}}
	if !connectorsOnly {
		all = append(all, catalog.Listed{Class: "x.C", Type: catalog.Converter})
	}
	return all
}

func (f *fakeHerder) PluginConfig(plugin, _ string) ([]validation.ConfigKeyInfo, error) {
	return nil, &herder.NotFoundError{Message: "Unknown plugin " + plugin + "."}
}

func (f *fakeHerder) Validate(_ context.Context, _ string, cfg connect.Config, nulls ...string) (validation.ConfigInfos, error) {
	return validation.ConfigInfos{
		Name: cfg["connector.class"], ErrorCount: len(nulls), Groups: []string{}, Configs: []validation.ConfigInfo{},
	}, f.fail
}

func (f *fakeHerder) ConnectorOffsets(_ context.Context, name string) (herder.ConnectorOffsets, error) {
	if _, err := f.find(name); err != nil {
		return herder.ConnectorOffsets{}, err
	}
	partition := stores.Members{{Name: "server", Value: connect.String("s<>")}, {Name: "db", Value: connect.Int64(1<<62 + 1)}}
	return herder.ConnectorOffsets{Offsets: []herder.ConnectorOffset{{Partition: partition, Offset: stores.Members{{Name: "f", Value: connect.Float64(1e7)}}}, {}}}, nil
}

func (f *fakeHerder) AlterOffsets(_ context.Context, name string, offsets []herder.ConnectorOffset) (herder.Message, error) {
	text, _ := json.Marshal(offsets)
	return herder.Message{Message: "altered"}, f.do("alter "+string(text), name)
}

func (f *fakeHerder) ResetOffsets(_ context.Context, name string) (herder.Message, error) {
	return herder.Message{Message: "reset"}, f.do("reset", name)
}

func (f *fakeHerder) ActiveTopics(context.Context, string) (herder.ActiveTopics, error) {
	return herder.ActiveTopics{Topics: []string{"t"}}, f.fail
}

func (f *fakeHerder) ResetTopics(_ context.Context, name string) error {
	if f.fail == nil {
		f.did = append(f.did, "reset topics of "+name)
	}
	return f.fail
}

func (f *fakeHerder) Authorize(body []byte, s *herder.Signature) error {
	switch {
	case s == nil:
		return &herder.UnsignedError{Message: "Internal request missing required signature"}
	case !s.Valid(make([]byte, 32), body):
		return &herder.ForgedError{}
	}
	return nil
}

func (f *fakeHerder) PutTasks(_ context.Context, name string, tasks []connect.Config) error {
	return f.do(fmt.Sprintf("%d tasks for", len(tasks)), name)
}

func (f *fakeHerder) FenceZombies(_ context.Context, name string) error { return f.do("fence", name) }

func (f *fakeHerder) Cluster(context.Context) (*herder.ClusterInfo, error) {
	return &herder.ClusterInfo{Source: "leader", Leader: "http://w:1/"}, f.fail
}

func (f *fakeHerder) ClusterByStatuses(context.Context) (*herder.ClusterInfo, error) {
	return &herder.ClusterInfo{Source: "statuses"}, nil
}
