package mempool

// A Fault says why a transaction is refused, or why it was dropped. The texts are those of other
// Ethereum nodes wherever wallets read them. Peers are scored by it, so values are never reused.
type Fault uint8

const (
	FaultKnown       Fault = iota + 1 // it is in the pool
	FaultNonceLow                     // the sender's nonce in the state is past it
	FaultNonceGap                     // queued, and the sender's queue is full
	FaultQueueFull                    // queued, and the pool's queue is full
	FaultUnderpriced                  // the fee cap is below what any block asks for
	FaultReplacement                  // the nonce is taken, and the caps are not raised enough
	FaultFunds                        // the balance does not cover all of the sender's transactions
	FaultFull                         // the pool is full, and there is not enough of less worth
	FaultSenderMax                    // the sender has as many transactions or bytes as it may
	FaultGasLimit                     // more gas than a block has
	FaultNotReady                     // no head was set yet
	FaultBusy                         // heads came faster than the sender's account could be read

	FaultReplaced // dropped: another transaction took its nonce, for more
	FaultEvicted  // dropped: the pool was full, and others are worth more
	FaultExpired  // dropped: its sender's first transaction waited too long
	FaultStale    // dropped: a block included another transaction with its nonce
	FaultUncover  // dropped: the sender's balance fell
	FaultInvalid  // dropped: the executor refused it

	FaultDelegated // the sender runs another account's code, and has a transaction here
	FaultAuthority // it carries an authorization of an account that has several transactions here
)

var faultTexts = [...]string{
	FaultKnown:       "already known",
	FaultNonceLow:    "nonce too low",
	FaultNonceGap:    "nonce too high: earlier transactions are missing",
	FaultQueueFull:   "txpool is full: no room for transactions ahead of their nonce",
	FaultUnderpriced: "transaction underpriced",
	FaultReplacement: "replacement transaction underpriced",
	FaultFunds:       "insufficient funds for gas * price + value",
	FaultFull:        "txpool is full",
	FaultSenderMax:   "account limit exceeded",
	FaultGasLimit:    "exceeds block gas limit",
	FaultNotReady:    "txpool is not ready: the node is starting",
	FaultBusy:        "txpool is busy: send it again",
	FaultReplaced:    "dropped: replaced by a transaction that pays more",
	FaultEvicted:     "dropped: txpool is full and others pay more",
	FaultExpired:     "dropped: waited too long",
	FaultStale:       "dropped: another transaction with this nonce was included",
	FaultUncover:     "dropped: insufficient funds for gas * price + value",
	FaultInvalid:     "dropped: refused when a block was built",
	FaultDelegated:   "in-flight transaction limit reached for delegated accounts",
	FaultAuthority:   "authority already reserved",
}

func (f Fault) Error() string { return faultTexts[f] }
