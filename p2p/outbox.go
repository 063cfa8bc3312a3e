package p2p

import "sync"

type frame struct {
	kind    byte
	payload []byte
}

// An outbox holds the frames that wait for one peer. Put never waits: when the queue is full by
// number or bytes, the oldest frames go, since consensus sends again what is still needed and newer
// messages stand for later views.
type outbox struct {
	mu      sync.Mutex
	frames  []frame
	bytes   int
	dropped uint64

	wake chan struct{} // holds one token while frames wait
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// put queues f and tells how many older frames were lost for it.
func (o *outbox) put(f frame) (lost int) {
	o.mu.Lock()
	for len(o.frames) > 0 && (len(o.frames) >= outboxFramesMax || o.bytes+len(f.payload) > outboxBytesMax) {
		o.bytes -= len(o.frames[0].payload)
		o.frames[0] = frame{}
		o.frames = o.frames[1:]
		lost++
	}
	o.frames = append(o.frames, f)
	o.bytes += len(f.payload)
	o.dropped += uint64(lost)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return lost
}

// take moves frames of up to bytesMax bytes, but at least one if there is any, to dst. The rest stays
// under the policy of put while dst is on its way.
func (o *outbox) take(dst []frame, bytesMax int) []frame {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, size := 0, 0
	for n < len(o.frames) && (n == 0 || size+len(o.frames[n].payload) <= bytesMax) {
		size += len(o.frames[n].payload)
		n++
	}
	dst = append(dst, o.frames[:n]...)
	clear(o.frames[:n])
	o.frames = o.frames[n:]
	o.bytes -= size
	if len(o.frames) == 0 {
		o.frames = nil
		return dst
	}
	select {
	case o.wake <- struct{}{}:
	default:
	}
	return dst
}

func (o *outbox) lost() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}
