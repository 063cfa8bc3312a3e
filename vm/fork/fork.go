package fork

// Fork is a rule set of the EVM. Later ones are greater.
type Fork uint8

// The rule sets.
const (
	Frontier Fork = iota
	Homestead
	Tangerine // EIP-150
	Spurious  // EIP-158, 160, 161, 170
	Byzantium
	Constantinople // without EIP-1283
	Istanbul
	Berlin
	London
	Paris
	Shanghai
	Cancun
	Prague
	Osaka
	count
)

// Latest is the rule set of this chain.
const Latest = Osaka

// names are those of the official tests.
var names = [count]string{
	"Frontier", "Homestead", "EIP150", "EIP158", "Byzantium", "ConstantinopleFix", "Istanbul", "Berlin",
	"London", "Paris", "Shanghai", "Cancun", "Prague", "Osaka",
}

// String gives the name that the official tests use.
func (f Fork) String() string {
	if f < count {
		return names[f]
	}
	return "unknown fork"
}

// Parse finds a rule set by the name that the official tests use.
func Parse(name string) (Fork, bool) {
	for f := range count {
		if names[f] == name {
			return f, true
		}
	}
	return 0, false
}
