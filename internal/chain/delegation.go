package chain

// delegationPrefix begins the code of an account that runs the code of another (EIP-7702).
const delegationPrefix = "\xef\x01\x00"

// DelegationOf gives the account whose code an account runs instead of its own, if code says so.
func DelegationOf(code []byte) (target Address, ok bool) {
	if len(code) != len(delegationPrefix)+len(target) || string(code[:len(delegationPrefix)]) != delegationPrefix {
		return Address{}, false
	}
	return Address(code[len(delegationPrefix):]), true
}

// DelegationTo gives the code with which an account runs that of target.
func DelegationTo(target Address) []byte { return append([]byte(delegationPrefix), target[:]...) }
