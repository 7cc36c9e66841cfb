package inspection

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/sluice-connect/sluice/plugins/contract"
	"github.com/sluice-connect/sluice/plugins/wire"
)

// compare holds the manifest against what the program says of itself.
func (v *visit) compare(written, said *contract.Description) {
	var differences []string
	differ := func(format string, args ...any) { differences = append(differences, fmt.Sprintf(format, args...)) }
	if written.GetName() != said.GetName() {
		differ("the name is %s there, and %s in the program", written.GetName(), said.GetName())
	}
	if written.GetVersion() != said.GetVersion() {
		differ("the version is %s there, and %s in the program", written.GetVersion(), said.GetVersion())
	}
	for _, w := range written.GetClasses() {
		s := same(said, w)
		switch {
		case s == nil:
			differ("%s is not in the program", w.GetName())
		case !proto.Equal(whole(w), whole(s)):
			differ("%s is another in the program%s", w.GetName(), firstKey(w, s))
		}
	}
	for _, s := range said.GetClasses() {
		if same(written, s) == nil {
			differ("%s is not in it", s.GetName())
		}
	}
	if len(differences) > 0 {
		v.report.problem("manifest", "plugin.json is not that of the program: "+strings.Join(differences, "; ")+": refresh it with --write")
		return
	}
	v.report.well("manifest", "is that of the program")
}

// same is the class of a description that another describes.
func same(d *contract.Description, as *contract.Class) *contract.Class {
	for _, c := range d.GetClasses() {
		if c.GetName() == as.GetName() && c.GetType() == as.GetType() && c.GetVersion() == as.GetVersion() {
			return c
		}
	}
	return nil
}

// whole is a class with everything that is left out filled in: what means the same is the same.
func whole(c *contract.Class) *contract.Class {
	full := wire.FromSpec(wire.ToSpec(c))
	full.Type, full.Abilities = c.GetType(), c.GetAbilities()
	for i, k := range full.GetKeys() {
		k.Checked, k.Recommends = c.GetKeys()[i].GetChecked(), c.GetKeys()[i].GetRecommends()
	}
	return full
}

// firstKey names the first key in which two classes differ.
func firstKey(a, b *contract.Class) string {
	a, b = whole(a), whole(b)
	for i := range max(len(a.GetKeys()), len(b.GetKeys())) {
		switch {
		case i >= len(a.GetKeys()):
			return ": its key " + b.GetKeys()[i].GetName()
		case i >= len(b.GetKeys()) || !proto.Equal(a.GetKeys()[i], b.GetKeys()[i]):
			return ": its key " + a.GetKeys()[i].GetName()
		}
	}
	return ""
}
