// Package plugins makes a program a plugin of Sluice: [Serve] runs connectors, transforms, predicates, converters and config providers that are written
// against package connect behind the contract (plugins/contract). The same code can be compiled into Sluice instead.
//
// A plugin's main is one line:
//
//	func main() { plugins.Serve(plugins.Of(mysource.Source{})) }
//
// Schemas that hold themselves ([connect.Schema.Recursive]) do not cross to Sluice or back: a record with one is rejected, and says so.
//
// What a connector logs through its task's context appears in the worker's log with the connector's and the task's names; what it prints appears there
// too, as lines of the plugin. A panic ends its task as FAILED with the stack, and leaves the process's other tasks alone; one on a goroutine that the
// connector started itself ends the process, and all its tasks are FAILED.
package plugins
