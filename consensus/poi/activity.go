package poi

// activity remembers when each member was last heard, in views entered here. It goes on across sessions.
type activity struct{ last []uint64 }

func (a *activity) heard(member uint16, views uint64) { a.last[member] = views }

// quiet reports whether hearing the member again is worth a signature check.
func (a *activity) quiet(member uint16, views uint64) bool {
	return a.last[member]+SkipViews/4 < views
}

// silent reports whether the member was not heard for SkipViews while a quorum was.
func (a *activity) silent(set *Set, member uint16, views uint64) bool {
	if a.last[member]+SkipViews >= views {
		return false
	}
	var weight uint64
	for i, x := range set.members {
		if a.last[i]+SkipViews >= views {
			weight += x.Weight
		}
	}
	return weight >= set.Quorum()
}

// move carries the record over to another set; strangers begin as heard.
func (a *activity) move(from, to *Set, views uint64) {
	last := make([]uint64, to.Len())
	for i, x := range to.members {
		last[i] = views
		if from != nil {
			if j, ok := from.Index(x.Key); ok {
				last[i] = a.last[j]
			}
		}
	}
	a.last = last
}
