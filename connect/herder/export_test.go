package herder

// What tests of the REST API over a whole herder borrow from those of the herder.
var (
	MindOf          = mindOf
	CreateScripted  = create
	AwaitTaskStatus = shows
)
