package connect

// Transform changes records one at a time between a connector and the converters (org.apache.kafka.connect.transforms.Transformation). Each task
// has its own for each alias of its connector's transforms and calls it on its own goroutine, so a Transform needs no locks. Optional ability:
// [SinkTransform].
type Transform interface {
	// Apply changes r in place; what r points to is shared until [Record.Edit] or a copy makes it the transform's own. keep=false drops the
	// record on purpose. With an error r must be as it was: made by [Retry] it asks for the same call again within errors.retry.timeout, any
	// other is a bad record for the errors.* keys to judge. Data that does not fit is of class [ErrData].
	Apply(r *Record) (keep bool, err error)
	// Close ends the transform, once, last.
	Close()
}

// SinkTransform is a transform that wants to know more of a sink's record than a source's has: its offset, who set its timestamp. It is called in
// place of Apply, with the same rules.
type SinkTransform interface {
	ApplySink(r *SinkRecord) (keep bool, err error)
}

// Predicate decides which records a transform applies to (org.apache.kafka.connect.transforms.predicates.Predicate). It is called like a
// [Transform].
type Predicate interface {
	// Test must not change r. Its errors mean what those of [Transform.Apply] mean.
	Test(r *Record) (bool, error)
	// Close ends the predicate, once, last.
	Close()
}

// TransformClass describes a class of transforms and makes transforms of it.
type TransformClass struct {
	Spec Spec
	// New makes a transform from its own keys (transforms.x.field as field). Its error is a [ConfigError].
	New func(cfg Config) (Transform, error)
}

// PredicateClass is [TransformClass] for predicates.
type PredicateClass struct {
	Spec Spec
	New  func(cfg Config) (Predicate, error)
}
