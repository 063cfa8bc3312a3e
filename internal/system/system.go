// Package system lists the system contracts of the chain, in one place, so that execution, genesis and
// tools mean the same set.
package system

import (
	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Modules gives all system contracts: stake (…a100), beacon (…a101), registry (…a102), jobs (…a103) and disputes (…a104).
func Modules() *native.Set {
	return native.NewSet(stake.Module(), beacon.Module(), registry.Module(), job.Module(), dispute.Module())
}
