package node

import (
	"github.com/prometheus/client_golang/prometheus"
)

// registerGauges shows the sizes of parts that are pure, or know nothing of metrics. They are read when
// somebody asks.
func (n *Node) registerGauges() {
	gauge := func(name, help string, value func() float64) {
		n.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	gauge("aiwork_mempool_pending_txs", "Waiting transactions that could be executed.", func() float64 { return float64(n.pool.Stats().Pending) })
	gauge("aiwork_mempool_queued_txs", "Waiting transactions behind a missing nonce.", func() float64 { return float64(n.pool.Stats().Queued) })
	gauge("aiwork_mempool_bytes", "Bytes of waiting transactions.", func() float64 { return float64(n.pool.Stats().Bytes) })
	gauge("aiwork_ledger_pending_blocks", "Executed blocks that are not final.", func() float64 { return float64(n.ledger.Stats().Outcomes) })
	gauge("aiwork_ledger_memory_bytes", "Memory of the database.", func() float64 { return float64(n.ledger.Stats().MemoryBytes) })
	gauge("aiwork_ledger_disk_bytes", "Disk space of the database.", func() float64 { return float64(n.ledger.Stats().DiskBytes) })
	gauge("aiwork_ledger_free_bytes", "Free space of the disk.", func() float64 { return float64(n.ledger.Stats().FreeBytes) })
	gauge("aiwork_blobs_stored", "Inputs of jobs that are here.", func() float64 {
		count, _, _ := n.blobs.Usage()
		return float64(count)
	})
	gauge("aiwork_blobs_bytes", "Bytes of them.", func() float64 {
		_, used, _ := n.blobs.Usage()
		return float64(used)
	})
}
