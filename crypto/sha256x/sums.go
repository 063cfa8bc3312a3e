package sha256x

import (
	"crypto/sha256"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Size is the number of bytes of a sum.
const Size = sha256.Size

// HeadMax is the longest head: less than a block.
const HeadMax = blockBytes - 1

const blockBytes = sha256.BlockSize

// Sums sets out to the sums of head and a message, one after the other, for each of the messages of size bytes that data consists of. Head is at
// most HeadMax long. If size is at least Size, out may be the beginning of data.
func Sums(out, head, data []byte, size int) {
	theWay.sums(out, head, data, size)
}

// Each is Sums for messages of any sizes. Those that follow each other and are of equal size are hashed at once.
func Each(out, head []byte, list [][]byte) {
	theWay.each(out, head, list)
}

func (w way) sums(out, head, data []byte, size int) {
	n := len(out) / Size
	must.Hold(size >= 0 && n*size == len(data), "messages that do not fill their bytes")
	h := newHasher(w, head, size, n)
	var waiting []byte
	for i := 0; i < n; i += h.lanes {
		here := min(h.lanes, n-i)
		for l := range here {
			h.groups[h.next].messages[l] = data[(i+l)*size : (i+l+1)*size]
		}
		h.add(waiting, here)
		waiting = out[i*Size : (i+here)*Size]
	}
	h.finish(waiting)
}

func (w way) each(out, head []byte, list [][]byte) {
	must.Hold(len(out) == Size*len(list), "as many sums as messages")
	for len(list) > 0 {
		run := 1
		for run < len(list) && len(list[run]) == len(list[0]) {
			run++
		}
		h := newHasher(w, head, len(list[0]), run)
		var waiting []byte
		for i := 0; i < run; i += h.lanes {
			here := copy(h.groups[h.next].messages[:h.lanes], list[i:run])
			h.add(waiting, here)
			waiting = out[i*Size : (i+here)*Size]
		}
		h.finish(waiting)
		out, list = out[run*Size:], list[run:]
	}
}

// oneMax is the most that is hashed without a hash.Hash.
const oneMax = 640

func one(head, message []byte) (sum [Size]byte) {
	if len(head)+len(message) <= oneMax {
		var b [oneMax]byte
		n := copy(b[:], head)
		n += copy(b[n:], message)
		return sha256.Sum256(b[:n])
	}
	h := sha256.New()
	h.Write(head)
	h.Write(message)
	h.Sum(sum[:0])
	return sum
}
