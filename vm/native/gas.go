package native

// Prices in gas (NATIVE-2). Those of the state are Ethereum's.
const (
	GasColdAccount = 2600  // first touch of an account in a transaction
	GasColdSlot    = 2100  // first touch of a slot in a transaction
	GasWarm        = 100   // every later touch
	GasSlotSet     = 20000 // a slot that was zero when the transaction began gets a value
	GasSlotReset   = 2900  // another slot gets another value
	GasLog         = 375   // a log
	GasLogTopic    = 375   // each topic of a log
	GasLogByte     = 8     // each byte of a log's data
	GasPay         = 6700  // a payment, beside the touch of the receiver's account
	GasNewAccount  = 25000 // a payment to an account without balance

	GasCall       = 700 // every call to a module
	GasInputWord  = 3   // each 32 bytes of input, for decoding
	GasOutputWord = 3   // each 32 bytes of output
	GasHash       = 60  // a SHA-256 hash
	GasHashWord   = 12  // each 32 bytes hashed
	GasStep       = 20  // one round of a bounded loop that touches no state
)

// words gives the number of 32-byte words that n bytes take.
func words(n int) uint64 { return (uint64(n) + 31) / 32 }
