package sha256x

// A way is one way to hash. All give equal sums.
type way uint8

const (
	wayGo     way = iota // crypto/sha256, one message after the other
	wayAVX2              // 8 messages in 256-bit registers
	wayAVX512            // 16 messages in 512-bit registers
	waySHANI             // 2 messages by the processor's own rounds
)

// lanesMax is the most messages that a way hashes at once.
const lanesMax = 16

func (w way) String() string { return [...]string{"go", "avx2", "avx512", "sha-ni"}[w] }

func (w way) lanes() int { return [...]int{1, 8, 16, 2}[w] }

// theWay is the quickest of this machine.
var theWay = best()

func best() way {
	list := ways()
	return list[len(list)-1]
}
