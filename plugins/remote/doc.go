// Package remote is Sluice's side of the contract with plugins (plugins/contract): it makes connectors, transforms, predicates, converters and config
// providers of what a plugin brings, over connections to its processes. For the worker they are like those that are compiled in.
//
// A task is one stream of a process. Two goroutines belong to it, one that reads and one that sends; what they do is a batch at a time. Whatever a plugin
// does, crash, hang or garbage, costs its own tasks: they are FAILED with the cause.
package remote
