package sha256x

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/must"
)

// An edge is the block that a message begins in, and the one or two it ends in.
type edge [3 * blockBytes]byte

// A hasher hashes messages of one size behind one head, as many at once as there are lanes. The edges of a group are copied while another group
// waits, so that they have reached memory when they are read: a load that spans two stores waits for both.
type hasher struct {
	way    way
	lanes  int
	head   [HeadMax]byte
	size   int
	heads  int // bytes of the head
	begin  int // bytes of a message in the first block, if it is full
	middle int // blocks that are read where they lie
	end    int // bytes of a message in what follows
	blocks int // of an edge

	groups [2]group
	next   int // the group that is filled next; the other one may wait
	sums   [lanesMax * Size]byte
}

// A group is the messages that are hashed at once.
type group struct {
	count    int
	messages [lanesMax][]byte
	few      [2]edge
	many     []edge // instead, if there are more lanes
}

func (g *group) edges() []edge {
	if g.many != nil {
		return g.many
	}
	return g.few[:]
}

// newHasher lays out what is equal in all messages. Few are left to crypto/sha256.
func newHasher(w way, head []byte, size, count int) (h hasher) {
	must.Hold(len(head) <= HeadMax, "a head longer than HeadMax")
	if count <= w.lanes()/4 {
		w = wayGo
	}
	h = hasher{way: w, lanes: w.lanes(), size: size, heads: len(head)}
	copy(h.head[:], head)
	if w == wayGo {
		return h
	}
	total := len(head) + size
	tail, from := total%blockBytes, 0 // bytes before the padding, and where the blocks begin that have it
	if total >= blockBytes {
		h.begin, h.middle, h.end = blockBytes-len(head), total/blockBytes-1, tail
		from = blockBytes
	} else {
		h.end = size
	}
	h.blocks = from/blockBytes + (tail+1+8+blockBytes-1)/blockBytes
	for i := range h.groups {
		g := &h.groups[i]
		if h.lanes > len(g.few) {
			g.many = make([]edge, h.lanes)
		}
		for l := range g.edges() {
			e := &g.edges()[l]
			copy(e[:], head)
			e[from+tail] = 0x80
			binary.BigEndian.PutUint64(e[h.blocks*blockBytes-8:], uint64(total)*8)
		}
	}
	return h
}

// add takes so many messages of the next group, at most as many as there are lanes, and sums the group that waits, whose sums go to out.
func (h *hasher) add(out []byte, count int) {
	g := &h.groups[h.next]
	g.count = count
	if !h.alone(g) {
		for l := count; l < h.lanes; l++ {
			g.messages[l] = g.messages[0]
		}
		h.copyEdges(g)
	}
	h.finish(out)
	h.next = 1 - h.next
}

// alone says whether the messages of a group are hashed one after the other.
func (h *hasher) alone(g *group) bool { return g.count <= h.lanes/4 || h.way == wayGo }

func (h *hasher) copyEdges(g *group) {
	edges := g.edges()
	for l, m := range g.messages[:h.lanes] {
		e := &edges[l]
		if h.begin == 0 {
			move(e[h.heads:], m)
			continue
		}
		move(e[h.heads:blockBytes], m[:h.begin])
		move(e[blockBytes:], m[h.size-h.end:])
	}
}

// move copies short messages.
func move(to, from []byte) {
	n := len(from)
	if n < 8 {
		copy(to, from)
		return
	}
	to = to[:n]
	for i := 0; i < n-8; i += 8 {
		binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(from[i:]))
	}
	binary.LittleEndian.PutUint64(to[n-8:], binary.LittleEndian.Uint64(from[n-8:]))
}

// finish sums the group that waits, if any: out has room for its sums.
func (h *hasher) finish(out []byte) {
	g := &h.groups[1-h.next]
	switch {
	case len(out) == 0:
	case h.alone(g):
		for l, m := range g.messages[:g.count] {
			sum := one(h.head[:h.heads], m)
			copy(out[l*Size:], sum[:])
		}
	case h.middle == 0:
		h.way.run(g, 0, &h.sums, h.blocks, 0, 0)
		copy(out, h.sums[:])
	default:
		h.way.run(g, h.begin, &h.sums, 1, h.middle, h.blocks-1)
		copy(out, h.sums[:])
	}
}
