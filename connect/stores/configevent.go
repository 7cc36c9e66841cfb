package stores

// ConfigEvent is news from the config topic, given to a store's listener in the order of the topic.
type ConfigEvent interface{ configEvent() }

// The events. Those of records read before the store was started are not told: the first snapshot has their sum.
type (
	// ConnectorChanged: a connector was created or its configuration changed.
	ConnectorChanged struct{ Connector string }
	// ConnectorRemoved: a connector was deleted.
	ConnectorRemoved struct{ Connector string }
	// TargetStateChanged: a connector shall be started, paused or stopped.
	TargetStateChanged struct{ Connector string }
	// TasksChanged: task configurations were committed. Tasks lists those that were applied, none where the set was incomplete or empty.
	TasksChanged struct {
		Connector string
		Tasks     []TaskID
	}
	// RestartRequested: every worker shall restart its share.
	RestartRequested struct{ Request RestartRequest }
	// SessionKeyChanged: requests between workers are signed with another key.
	SessionKeyChanged struct{ Key SessionKey }
	// LoggerLevelChanged: all workers shall log a namespace at another level. The level is as written, unchecked.
	LoggerLevelChanged struct{ Namespace, Level string }
)

func (ConnectorChanged) configEvent()   {}
func (ConnectorRemoved) configEvent()   {}
func (TargetStateChanged) configEvent() {}
func (TasksChanged) configEvent()       {}
func (RestartRequested) configEvent()   {}
func (SessionKeyChanged) configEvent()  {}
func (LoggerLevelChanged) configEvent() {}
