package poi

// Limits. Together they bound what a machine holds, whoever talks to it.
const (
	VotesBehindMax         = 16      // votes are taken this many views behind the current one, and one ahead
	ProposalsAheadMax      = 4       // proposals are kept this many views ahead
	RoundsMax              = 1 << 16 // views held in memory between finalizations; then only finalizations are taken
	AsksMax                = 64      // certificates asked for between two repairs
	AnswersMax             = 64      // messages sent to one peer in answer to it in one Delta
	PeersMax               = 256     // peers whose answers are counted
	ClosedMax              = 4       // earlier sessions whose last finalization is kept for those who lag
	PathMax                = 64      // blocks between the last committed and the last finalised
	SkipViews              = 32      // a leader not heard for this many views is not waited for
	StatusEvery       Tick = 2_000   // how often a Status is broadcast
	DeltaMax          Tick = 10_000  // Delta grows up to this
	DeltaLate         Tick = 4       // late proposals raise Delta up to this many times its floor
	DeltaDecay        Tick = 32      // a finalization takes this part of Delta off
	NullifiedRun           = 3       // views nullified in a row from which on Delta grows
)
