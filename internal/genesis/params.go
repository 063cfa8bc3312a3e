package genesis

import (
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Bounds of parameters; beyond them no chain works.
const (
	gasLimitMin   = 1_000_000
	gasLimitMax   = 1 << 32
	gasTargetMax  = 1 << 36
	baseFeeMin    = 10_000 // wei: below, the steps of one block round down to nothing, and the fee never rises
	baseFeeMax    = 1 << 60
	heartbeatMax  = 60_000
	deltaFloorMax = 10_000
	futureMax     = 60_000
	forksMax      = 64
)

func checkParams(p *chain.Params) error {
	switch {
	case p.ChainID == 0 || p.ChainID > 1<<53-1:
		return errors.New("chainId: want a number from 1 to 2^53-1, which wallets can represent")
	case p.BlockGasLimit < gasLimitMin || p.BlockGasLimit > gasLimitMax:
		return fmt.Errorf("blockGasLimit: want %d to %d", gasLimitMin, gasLimitMax)
	case p.GasTargetPerSecond == 0 || p.GasTargetPerSecond > gasTargetMax:
		return fmt.Errorf("gasTargetPerSecond: want 1 to %d", gasTargetMax)
	case p.BaseFeeFloor < baseFeeMin || p.BaseFeeFloor > baseFeeMax:
		return fmt.Errorf("baseFeeFloor: want %d to %d wei", baseFeeMin, uint64(baseFeeMax))
	case p.HeartbeatMs == 0 || p.HeartbeatMs > heartbeatMax:
		return fmt.Errorf("heartbeatMs: want 1 to %d", heartbeatMax)
	case p.DrawIntervalMs == 0 || p.DrawIntervalMs > p.HeartbeatMs:
		return errors.New("drawIntervalMs: want 1 to heartbeatMs")
	case p.DeltaFloorMs == 0 || p.DeltaFloorMs > deltaFloorMax:
		return fmt.Errorf("deltaFloorMs: want 1 to %d", deltaFloorMax)
	case p.FutureMs > futureMax:
		return fmt.Errorf("futureMs: want at most %d", futureMax)
	}
	if err := checkJobs(&p.Jobs); err != nil {
		return err
	}
	return checkForks(p.Forks)
}

func checkForks(forks []chain.Fork) error {
	if len(forks) > forksMax {
		return fmt.Errorf("forks: %d, at most %d are allowed", len(forks), forksMax)
	}
	for i := range forks {
		switch {
		case forks[i].Name == "" || len(forks[i].Name) > NameBytesMax:
			return fmt.Errorf("forks: fork %d: want a name of 1 to %d bytes", i, NameBytesMax)
		case i > 0 && forks[i].ActivationMs < forks[i-1].ActivationMs:
			return fmt.Errorf("forks: %s: want forks in the order of their times", forks[i].Name)
		}
		for j := range i {
			if forks[j].Name == forks[i].Name {
				return fmt.Errorf("forks: %s stands twice", forks[i].Name)
			}
		}
	}
	return nil
}

// ForkID names the rules in force at a time, in ms, on the chain with that genesis hash (GEN-2).
func ForkID(genesis chain.Hash, forks []chain.Fork, timeMs uint64) uint32 {
	w := codec.NewWriter(64)
	w.Fixed(genesis[:])
	for i := range forks {
		if forks[i].ActivationMs > timeMs {
			break
		}
		w.Bytes([]byte(forks[i].Name))
		w.U64(forks[i].ActivationMs)
	}
	return crc32.ChecksumIEEE(w.Out())
}

// knownFork reports whether this version implements a fork. There is none yet.
func knownFork(string) bool { return false }

// UnknownFork gives the first fork in force at a time, in ms, that this version does not implement. A
// node must stop before it: it would follow rules that are not the chain's any more.
func UnknownFork(forks []chain.Fork, timeMs uint64) (chain.Fork, bool) {
	for i := range forks {
		if forks[i].ActivationMs <= timeMs && !knownFork(forks[i].Name) {
			return forks[i], true
		}
	}
	return chain.Fork{}, false
}

// writeParams is the canonical form of everything in p but the forks.
func writeParams(w *codec.Writer, p *chain.Params) {
	for _, v := range []uint64{
		p.ChainID, p.BlockGasLimit, p.GasTargetPerSecond, p.BaseFeeFloor, p.HeartbeatMs, p.DrawIntervalMs,
		p.DeltaFloorMs, p.FutureMs, p.EpochMs,
	} {
		w.U64(v)
	}
	j := &p.Jobs
	for _, v := range []uint64{
		j.PanelSize, j.AuditSharePpm, j.RedrawsMax, j.LeaseMs, j.AuditCommitMs, j.OpenMs, j.AuditRevealMs,
		j.BlobGraceMs, j.WorkerBondMin, j.ServiceBondMin, j.UnbondMs, j.WorkerSlashPpm,
		j.AuditorSlashPpm, j.MissedLeaseBurn, j.RequesterFeePpm, j.AuditItemPpm, j.AuditGas, j.InputFaultPpm,
		j.PokeTip, j.JobDeadlineMaxMs, j.DisputeBond, j.DisputeFirstMs,
		j.DisputeAnswerMs, j.DisputeFeedMs, j.ContestMs,
	} {
		w.U64(v)
	}
}

// DevnetParams are the parameters of a network on one machine.
func DevnetParams(chainID uint64) chain.Params {
	return chain.Params{
		ChainID:            chainID,
		BlockGasLimit:      30_000_000,
		GasTargetPerSecond: 60_000_000,
		BaseFeeFloor:       1_000_000_000,
		HeartbeatMs:        2000,
		DrawIntervalMs:     20,
		DeltaFloorMs:       30,
		FutureMs:           500,
		EpochMs:            600_000,
		Forks:              []chain.Fork{},
		Jobs:               job.DefaultParams(),
	}
}

// Devnet is a genesis with the devnet's parameters.
func Devnet(chainID, timestampMs uint64, alloc []Alloc, validators []Validator) *Genesis {
	return &Genesis{TimestampMs: timestampMs, Params: DevnetParams(chainID), Validators: validators, Alloc: alloc}
}
