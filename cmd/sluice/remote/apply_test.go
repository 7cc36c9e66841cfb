package remote

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	linesManifest = "name: lines\nconnector.class: File\ntasks.max: 1\nfile: /in\n"
	mqttManifest  = `{"name":"sensors","config":{"connector.class":"Mqtt","mqtt.qos":1,"mqtt.password":"geheim","mqtt.pin":"4711"}}`
)

func TestApplyCreatesChangesAndLeavesInPeace(t *testing.T) {
	f := newFake(t)
	dir := folder(t, map[string]string{"lines.yaml": linesManifest, "mqtt.json": mqttManifest})
	o := run(t, "apply", "-f", dir)
	assert.Zero(t, o.code, o.err)
	assert.Equal(t, strings.ReplaceAll(`+ lines  create, DIR/lines.yaml
    connector.class  File
    file             /in
    tasks.max        1
+ sensors  create, DIR/mqtt.json
    connector.class  Mqtt
    mqtt.password    [hidden]
    mqtt.pin         [hidden]
    mqtt.qos         1
2 to create
created lines
created sensors
`, "DIR", dir), o.out)
	assert.Equal(t, []string{"PUT /connectors/lines/config", "PUT /connectors/sensors/config"}, f.done())
	assert.Equal(t, "geheim", f.configs["sensors"]["mqtt.password"])

	o = run(t, "apply", "-f", dir)
	assert.Equal(t, outcome{out: "2 unchanged\n"}, o)
	assert.Empty(t, f.done(), "what is as it should be is not touched")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "mqtt.json"),
		[]byte(`{"name":"sensors","config":{"connector.class":"Mqtt","mqtt.qos":2,"mqtt.password":"geheimer","topic":"t"}}`), 0o600))
	o = run(t, "apply", "-f", dir)
	assert.Equal(t, strings.ReplaceAll(`~ sensors  change, DIR/mqtt.json
    ~ mqtt.password  [hidden] -> [hidden] (another)
    - mqtt.pin       [hidden]
    ~ mqtt.qos       1 -> 2
    + topic          t
1 to change, 1 unchanged
changed sensors
`, "DIR", dir), o.out)
	assert.Equal(t, []string{"PUT /connectors/sensors/config"}, f.done())
	assert.NotContains(t, f.configs["sensors"], "mqtt.pin")
}

func TestADryRunTellsByItsExitCodeWhetherAnythingWouldChange(t *testing.T) {
	f := newFake(t)
	dir := folder(t, map[string]string{"lines.yaml": linesManifest})
	assert.Equal(t, exitDiffers, run(t, "apply", "-f", dir, "--dry-run").code)
	assert.Empty(t, f.done())
	run(t, "apply", "-f", dir)
	assert.Zero(t, run(t, "apply", "-f", dir, "--dry-run").code)
}

func TestIfOneManifestIsRefusedNothingIsChanged(t *testing.T) {
	f := newFake(t)
	f.add("old", map[string]string{"connector.class": "File"})
	dir := folder(t, map[string]string{"a.yaml": linesManifest, "b.yaml": "name: b\nconnector.class: File\ntasks.max: two\nfiel: x\n", "c.yaml": "name: c\nconnector.class: Gone\n"})
	o := run(t, "apply", "-f", dir, "--prune", "--yes")
	assert.Equal(t, exitInvalid, o.code)
	assert.Contains(t, o.err, "nothing was changed: 2 manifests are refused")
	assert.Contains(t, o.out, "error    Invalid value two for configuration tasks.max: Not a number of type INT\n")
	assert.Contains(t, o.out, "warning  fiel is unknown: was file meant?\n")
	assert.Contains(t, o.out, "error    connector.class: Failed to find any class that implements Connector and which name matches Gone (`sluice plugins` lists those there are)\n")
	assert.Empty(t, f.done())
}

func TestPruneSaysWhatAndAsks(t *testing.T) {
	f := newFake(t)
	for _, name := range []string{"lines", "old", "older"} {
		f.add(name, map[string]string{"connector.class": "File", "tasks.max": "1", "file": "/in"})
	}
	dir := folder(t, map[string]string{"lines.yaml": linesManifest})
	assert.Equal(t, "1 unchanged\n", run(t, "apply", "-f", dir).out, "without --prune others are none of our business")
	o := run(t, "apply", "-f", dir, "--prune")
	assert.Equal(t, exitUsage, o.code)
	assert.Equal(t, "- old  delete\n- older  delete\n2 to delete, 1 unchanged\n", o.out)
	assert.Equal(t, "this would delete 2 connectors: old, older: say --yes", o.err)
	assert.Empty(t, f.done())

	assert.Equal(t, exitDiffers, run(t, "apply", "-f", dir, "--prune", "--dry-run").code)
	o = run(t, "apply", "-f", dir, "--prune", "--yes")
	assert.Zero(t, o.code)
	assert.Contains(t, o.out, "deleted old\ndeleted older\n")
	assert.Equal(t, []string{"DELETE /connectors/old", "DELETE /connectors/older"}, f.done())
}

func TestNothingIsDeletedWhereSomethingElseHasFailed(t *testing.T) {
	f := newFake(t)
	f.add("old", map[string]string{"connector.class": "File"})
	f.answers["PUT /connectors/lines/config"] = "500!Error writing connector configuration to Kafka"
	o := run(t, "apply", "-f", folder(t, map[string]string{"lines.yaml": linesManifest}), "--prune", "--yes")
	assert.Equal(t, exitFailed, o.code)
	assert.Contains(t, o.err, "lines: the worker answers 500: Error writing")
	assert.Contains(t, o.err, "nothing was deleted, because of that: old")
	assert.Empty(t, f.done())
}

func TestARequestThatARebalanceRefusesIsRepeated(t *testing.T) {
	f := newFake(t)
	f.refuse["PUT /connectors/lines/config"] = 2
	o := run(t, "apply", "-f", folder(t, map[string]string{"lines.yaml": linesManifest}))
	assert.Zero(t, o.code, o.err)
	assert.Equal(t, []string{"PUT /connectors/lines/config"}, f.done())
}

func TestASecretThatTheWorkerHidesCountsAsUnchanged(t *testing.T) {
	f := newFake(t)
	f.add("sensors", map[string]string{"connector.class": "Mqtt", "mqtt.qos": "1", "mqtt.password": "[hidden]", "mqtt.pin": "[hidden]"})
	o := run(t, "apply", "-f", folder(t, map[string]string{"mqtt.json": mqttManifest}))
	assert.Zero(t, o.code)
	assert.Contains(t, o.out, "mqtt.password, mqtt.pin: the worker does not show it, so it counts as unchanged\n1 unchanged\n")
	assert.Empty(t, f.done())
}

func TestWhatAWorkerFindsStrangeIsTold(t *testing.T) {
	f := newFake(t)
	f.warnings = []string{"file: it is not there yet", "zzz: no such key"}
	o := runWith(t.Context(), "name: a\nconnector.class: File\nzzz: 1\n", "apply", "-f", "-")
	assert.Zero(t, o.code, o.err)
	assert.Contains(t, o.out, "created a\n  warning  file: it is not there yet\n")
	assert.Equal(t, 2, strings.Count(o.out, "zzz"), "in the difference, and once as a warning: %s", o.out)
}

func TestAnInitialStateIsForConnectorsThatAreCreated(t *testing.T) {
	f := newFake(t)
	dir := folder(t, map[string]string{"a.json": `{"name":"a","config":{"connector.class":"File"},"initial_state":"STOPPED"}`})
	assert.Zero(t, run(t, "apply", "-f", dir).code)
	assert.Equal(t, []string{"POST /connectors"}, f.done())
	assert.Equal(t, "1 unchanged\n", run(t, "apply", "-f", dir).out)
}

func TestWaitingEndsWellOrWithTheTrace(t *testing.T) {
	f := newFake(t)
	f.statuses["bad"] = `{"name":"bad","connector":{"state":"RUNNING","worker_id":"a:8083"},
		"tasks":[{"id":0,"state":"FAILED","worker_id":"b:8083","trace":"java.lang.Error: it failed\n\tat x.Y\nCaused by: java.io.IOException: disk full\n\t... 3 more"}],"type":"sink"}`
	f.statuses["slow"] = `{"name":"slow","connector":{"state":"RUNNING","worker_id":"a:8083"},
		"tasks":[{"id":0,"state":"RUNNING","worker_id":"b:8083","trace":"retrying: connection refused (since 2026-05-04T03:02:01Z)"}],"type":"sink"}`
	o := runWith(t.Context(), `[{"name":"good","connector.class":"File"},{"name":"bad","connector.class":"File"},{"name":"slow","connector.class":"File"}]`,
		"apply", "-f", "-", "--wait", "--timeout", "3s")
	assert.Equal(t, exitNotRunning, o.code)
	assert.Contains(t, o.out, "runs    good\n")
	assert.NotContains(t, o.out, "runs    bad")
	assert.Contains(t, o.err, "bad does not run: task 0 has failed on b:8083:\njava.lang.Error: it failed\nCaused by: java.io.IOException: disk full\n")
	assert.Contains(t, o.err, "slow does not run: after 3s task 0 on b:8083: retrying: connection refused")
}

func TestAMachineReadsOneDocument(t *testing.T) {
	f := newFake(t)
	o := runWith(t.Context(), mqttManifest, "apply", "-f", "-", "-o", "json")
	require.Zero(t, o.code, o.err)
	var told report
	require.NoError(t, json.Unmarshal([]byte(o.out), &told), o.out)
	require.Len(t, told.Connectors, 1)
	assert.Equal(t, creates, told.Connectors[0].Action)
	assert.Equal(t, "done", told.Connectors[0].Result)
	assert.NotContains(t, o.out, "geheim")
	assert.NotContains(t, o.out, "4711")
	f.done()

	o = runWith(t.Context(), mqttManifest, "apply", "-f", "-", "-o", "yaml", "--dry-run")
	assert.Equal(t, "dry_run: true\nconnectors:\n  - name: sensors\n    action: unchanged\n    source: standard input\n", o.out)
}

func TestWhatGetWritesCanBeAppliedAgain(t *testing.T) {
	f := newFake(t)
	f.add("sensors", map[string]string{"connector.class": "Mqtt", "mqtt.password": "geheim", "mqtt.qos": "1", "file": "two\nlines"})
	for _, form := range []string{"json", "yaml"} {
		for _, args := range [][]string{{"get", "sensors"}, {"get"}} {
			exported := run(t, append(args, "-o", form, "--show-secrets")...)
			require.Zero(t, exported.code, exported.err)
			assert.Equal(t, "1 unchanged\n", runWith(t.Context(), exported.out, "apply", "-f", "-").out)
			masked := run(t, append(args, "-o", form)...)
			assert.NotContains(t, masked.out, "geheim")
			o := runWith(t.Context(), masked.out, "apply", "-f", "-")
			assert.Equal(t, exitUsage, o.code)
			assert.Contains(t, o.err, "mqtt.password: it is [hidden]: the file was exported without its secrets")
		}
	}
	assert.Empty(t, f.done())
}
