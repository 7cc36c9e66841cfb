package assignment

// findSurplus notes on each load what must be taken from it so that, once everything configured is handed out, no two members differ by
// more than one connector or one task; it reports whether that is anything. (IncrementalCooperativeAssignor.performLoadBalancingRevocations)
func findSurplus(configured set, loads []*load) bool {
	if len(configured) == 0 {
		return false
	}
	unbalanced := false
	for k := range kinds {
		if cut(configured.count(k), k, loads) {
			unbalanced = true
		}
	}
	return unbalanced
}

// cut finds the surplus of one kind. As many members as the even share leaves a remainder may keep one more than it: the first that have
// more, in the order of the loads. A member's surplus is what it listed first.
func cut(total int, k kind, loads []*load) bool {
	share, remainder := total/len(loads), total%len(loads)
	if balanced(share, remainder, k, loads) {
		return false
	}
	found := false
	for _, l := range loads {
		held := l.keeps[k]
		if len(held) <= share {
			continue
		}
		allowed := share
		if remainder > 0 {
			remainder--
			allowed++
		}
		if over := len(held) - allowed; over > 0 {
			l.surplus = append(l.surplus, held[:over]...)
			found = true
		}
	}
	return found
}

// balanced reports that exactly as many members as remain have one more than the even share, and all others have just that.
func balanced(share, remainder int, k kind, loads []*load) bool {
	for _, l := range loads {
		switch len(l.keeps[k]) {
		case share:
		case share + 1:
			remainder--
		default:
			return false
		}
	}
	return remainder == 0
}
