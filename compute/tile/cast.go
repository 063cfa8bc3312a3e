package tile

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// limits gives the least and greatest number of a type, as far as int64 goes.
func limits(k net.Type) (low, high int64) {
	width := 8 * k.Size()
	switch k {
	case net.Uint8, net.Uint16, net.Uint32:
		return 0, 1<<width - 1
	case net.Uint64:
		return 0, 1<<63 - 1
	}
	return -1 << (width - 1), 1<<(width-1) - 1
}

// convert is AIW-6.
func convert(from, to net.Type, v uint64) uint64 {
	switch {
	case from == to:
		return v
	case from == net.Float32 && to == net.Bool:
		return truth(!soft.F32(v).IsZero())
	case from == net.Float32 && to == net.Uint64:
		return soft.ToUint(soft.F32(v))
	case from == net.Float32:
		low, high := limits(to)
		return cut(to, uint64(soft.ToInt(soft.F32(v), low, high)))
	case to == net.Bool:
		return truth(v != 0)
	case to == net.Float32 && from == net.Uint64:
		return uint64(soft.FromUint(v))
	case to == net.Float32:
		return uint64(soft.FromInt(int64(v)))
	}
	return cut(to, v)
}

func cast(c *call) (*Plan, error) {
	to := net.Type(c.attrs.int("to", 0))
	c.attrs.int("saturate", 1)
	c.attrs.text("round_mode", "up", "down", "nearest")
	return castTo(c, to)
}

func castLike(c *call) (*Plan, error) {
	c.attrs.int("saturate", 1)
	c.attrs.text("round_mode", "up", "down", "nearest")
	if !c.want(0, 0) {
		return nil, FaultUnsupported
	}
	return castTo(c, c.in[1].kind)
}

func castTo(c *call, to net.Type) (*Plan, error) {
	if !c.want(0) || to.Size() == 0 {
		return nil, FaultUnsupported
	}
	from := c.in[0].kind
	return oneByOne(c, to, func(v uint64) uint64 { return convert(from, to, v) })
}
