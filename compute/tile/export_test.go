package tile

// Names lists the operators of the table, for tests that must not miss one.
func Names() (names []string) {
	for _, e := range table() {
		names = append(names, e.name)
	}
	return names
}

// Since is the first version of the operator set that has an operator.
func Since(name string) int {
	first := LanguageSet
	for _, e := range table() {
		if e.name == name {
			first = min(first, e.since)
		}
	}
	return first
}
