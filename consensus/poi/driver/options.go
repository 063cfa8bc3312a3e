package driver

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/prometheus/client_golang/prometheus"
)

// Keys are what a validator signs with.
type Keys struct {
	Vote secp.PrivateKey
	VRF  secp.PrivateKey
}

// Options is what a Driver is made of.
type Options struct {
	Genesis chain.Hash
	Params  *chain.Params
	Keys    *Keys  // nil: the node follows
	LogDir  string // folder of the vote log, which init made; unused without keys

	DeltaStart time.Duration          // first assumption about the message delay; 0 for the floor
	DiskFree   func() (uint64, error) // free bytes where the data lies; nil: that of LogDir

	Chain   Chain
	Archive Archive
	Pool    Pool
	Net     Net
	Peers   Peers
	Clock   Clock // nil: the system's

	Log     *slog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: none
}

// Check says what is missing.
func (o *Options) Check() error {
	switch {
	case o.Params == nil:
		return errors.New("consensus driver: no chain parameters")
	case o.Chain == nil || o.Archive == nil || o.Pool == nil || o.Net == nil || o.Peers == nil:
		return errors.New("consensus driver: chain, archive, pool, net and peers are needed")
	case o.Keys != nil && o.LogDir == "":
		return errors.New("consensus driver: a validator needs a folder for its vote log")
	case o.Params.DeltaFloorMs == 0 || o.Params.HeartbeatMs == 0:
		return fmt.Errorf("consensus driver: deltaFloorMs is %d and heartbeatMs is %d: both must be above 0",
			o.Params.DeltaFloorMs, o.Params.HeartbeatMs)
	}
	return nil
}

// voteKey gives the public vote key, zero without keys.
func (o *Options) voteKey() [32]byte {
	if o.Keys == nil {
		return [32]byte{}
	}
	return o.Keys.Vote.Public().XOnly()
}

func (o *Options) machineConfig() poi.Config {
	floor := poi.Tick(o.Params.DeltaFloorMs)
	return poi.Config{
		Genesis:      o.Genesis,
		Key:          o.voteKey(),
		Heartbeat:    o.Params.HeartbeatMs,
		DrawInterval: o.Params.DrawIntervalMs,
		Future:       o.Params.FutureMs,
		DeltaFloor:   floor,
		DeltaStart:   max(floor, poi.Tick(o.DeltaStart.Milliseconds())),
	}
}

// memberSet makes the machine's set of a list of validators. A validator whose stake is below one unit
// weighs nothing and would be refused, which genesis and the stake contract rule out.
func memberSet(list []chain.Validator) (*poi.Set, error) {
	members := make([]poi.Member, len(list))
	for i := range list {
		w, err := weight(&list[i])
		if err != nil {
			return nil, err
		}
		members[i] = poi.Member{Key: list[i].VoteKey, Weight: w, LeaderWeight: w}
	}
	return poi.NewSet(members)
}

func weight(v *chain.Validator) (uint64, error) {
	stake := v.Stake
	unit := stake
	unit.SetUint64(poi.WeightUnit)
	stake.Div(&stake, &unit)
	if !stake.IsUint64() || stake.Uint64() > math.MaxInt64 {
		return 0, fmt.Errorf("validator %q: stake does not fit a weight", v.Name)
	}
	return stake.Uint64(), nil
}

type systemClock struct{}

func (systemClock) NowMs() uint64 { return uint64(time.Now().UnixMilli()) }
