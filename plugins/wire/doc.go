// Package wire carries batches of records over the contract between Sluice and a plugin: by hand and without an allocation a record where it is hot, through
// the generated code of package contract where it is not.
package wire
