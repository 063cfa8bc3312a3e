package device

// Ask is ask, for tests.
func (u *Unit) Ask(k Known) (Outcome, string) { return u.ask(k) }

// Eager makes the unit run all it can.
func (u *Unit) Eager() { u.eager = true }
