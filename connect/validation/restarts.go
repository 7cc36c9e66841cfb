package validation

import (
	"github.com/sluice-connect/sluice/connect"
	"github.com/sluice-connect/sluice/connect/restart"
)

// restarts refuses a policy of restarts that cannot be read. Its keys are our own: Java's tools see them only where they are wrong.
func (v *Validator) restarts(cfg connect.Config, infos *ConfigInfos) {
	for _, problem := range restart.Check(cfg, v.Worker) {
		var value *string
		if text, given := cfg[problem.Key]; given {
			value = &text
		}
		info := newValueInfo(problem.Key, value)
		info.Errors = append(info.Errors, problem.Message)
		infos.add(ConfigInfo{Value: info})
	}
}
