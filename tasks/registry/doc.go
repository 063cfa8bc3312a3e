// Package registry is the system contract of compute workers: who they are, what they serve and the bond
// that stands behind their work.
//
// Nouns: a worker is an account that does machine work; its payout account receives the pay; its bond is
// what a wrong output costs; its weight is its chance in draws; its exposure is the part of the bond that
// work not settled yet stands on; the roster is the list of workers that draws are made from.
//
//	REG-1: weight = bond / workerBondMin, rounded down, at most WeightMax.
//	REG-2: draws made in session s look at the weights at the end of session s. A roster entry holds the
//	       present weight, the one before it, and the session of the change; changes of one worker's
//	       weight lie more than SnapshotSessions apart; so the weights at the end of s can be read until
//	       session s + SnapshotSessions has ended, and are the same whenever they are read.
//	REG-3: what happens to a worker between s and the draw (it drains, is slashed, is fully loaded) never
//	       changes the order that is drawn. Such a worker is passed over.
//	REG-4: exposure <= bond at every new assignment (RULES 20): work of value v, audited with share p, stands on
//	       max(v, v * 1.5 * (1-p) / p) of the bond, rounded up.
//	REG-5: a slashed worker is suspended until it resumes, which needs a bond of workerBondMin at least.
//	REG-6: a bond is given back unbondMs after leaving, when nothing stands on it and no draw can look at
//	       the worker's old weight any more. Slashing reaches it until then.
//	REG-7: this contract's balance is the sum of all bonds.
//	REG-8: the leases that a worker holds are counted, with the time that they take by its own word, so that
//	       nobody is given more than it can do in time.
//	REG-9: a worker's score, from ScoreMin to ScoreFull, rises with each batch that passes and falls with each lease that
//	       it misses, gives back or loses to another, and when it is found wrong. It is no weight: draws do not
//	       look at it, but pass over a drawn worker with a chance that it gives (JOB-20), so REG-2 and REG-3 hold.
//	       Leaving does not raise it.
//	REG-10: a worker's offer for a model is its speed in items an hour and its ask, which is rounded up to the grid. An active
//	       worker's ask counts with the weight that its bond had when it was counted; the market of a model is the sum
//	       of the offers that are counted.
//	REG-11: a capability record lies in the logs of the block that capabilityOf names; its SHA-256 lies in the state.
//
// States: active -> draining (own wish, reversible) -> leaving -> gone; active or draining -> suspended.
//
// Callers: tasks/job draws, loads and slashes workers through Go calls on the same native.Call; the worker
// program, RPC and CLI use the packers, readers and log decoders. The package is pure.
package registry
