// Package inspection tries a plugin as far as that can be done without knowing its system: whether it starts, is what its manifest says, answers what it
// is asked, survives what it cannot do, and ends when it is told to.
package inspection
