package chain

// Constants are the header fields that are the same in every block, for those who show whole headers.
type Constants struct{ OmmersHash, WithdrawalsRoot, RequestsHash Hash }

// BlobBaseFeeMin is what a unit of blob gas costs where there are no blobs, in wei (EIP-7516).
const BlobBaseFeeMin = 1

// HeaderConstants gives them. Difficulty, nonce, blob gas and the beacon root are zero.
func HeaderConstants() Constants {
	return Constants{OmmersHash: emptyOmmers, WithdrawalsRoot: EmptyRoot, RequestsHash: emptyRequests}
}
