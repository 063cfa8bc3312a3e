// What an application does with viem. Arguments: the node's URL, and the keys of two funded accounts.
// It prints one JSON object; the Go test judges it.
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain, getAddress, http,
  keccak256, numberToHex, parseAbi, parseEther, toRlp, webSocket,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { interfaceOf, report } from './abi.mjs'

const [url, payerKey, workerKey] = process.argv.slice(2)
const chain = defineChain({
  id: 20260, name: 'AIWork devnet', nativeCurrency: { name: 'AIWork', symbol: 'AWO', decimals: 18 },
  rpcUrls: { default: { http: [url], webSocket: [url.replace('http', 'ws')] } },
})
const abi = parseAbi(interfaceOf('IRegistry'))
const registry = getAddress('0x000000000000000000000000000000000000a102')
const recipient = getAddress('0x00000000000000000000000000000000005e1101')

const node = createPublicClient({ chain, transport: http(url, { batch: true }), pollingInterval: 50 })
const live = createPublicClient({ chain, transport: webSocket(url.replace('http', 'ws')) })
const payer = createWalletClient({ account: privateKeyToAccount(payerKey), chain, transport: http(url) })
const worker = createWalletClient({ account: privateKeyToAccount(workerKey), chain, transport: http(url) })

// rehash computes a block's hash from its fields, as light clients and bridges do.
function rehash(b) {
  const n = (v) => (BigInt(v) === 0n ? '0x' : numberToHex(BigInt(v)))
  return keccak256(toRlp([
    b.parentHash, b.sha3Uncles, b.miner, b.stateRoot, b.transactionsRoot, b.receiptsRoot, b.logsBloom, n(b.difficulty),
    n(b.number), n(b.gasLimit), n(b.gasUsed), n(b.timestamp), b.extraData, b.mixHash, b.nonce, n(b.baseFeePerGas),
    b.withdrawalsRoot, n(b.blobGasUsed), n(b.excessBlobGas), b.parentBeaconBlockRoot, b.requestsHash,
  ]))
}

// collect gives the first values that a watcher hands over, or fails after a time.
function collect(count, watch) {
  return new Promise((resolve, reject) => {
    const got = []
    const timer = setTimeout(() => reject(new Error(`${got.length} of ${count} values seen`)), 30_000)
    const stop = watch((value) => {
      got.push(value)
      if (got.length !== count) return
      clearTimeout(timer)
      stop()
      resolve(got)
    }, reject)
  })
}

const found = { versions: await node.request({ method: 'web3_clientVersion' }) }
found.chainId = await node.getChainId()

const blocks = collect(3, (onBlock, onError) => live.watchBlocks({ onBlock, onError }))
const events = collect(1, (take, onError) =>
  live.watchContractEvent({ address: registry, abi, eventName: 'WorkerRegistered', onLogs: (logs) => logs.forEach(take), onError }))
const polled = collect(1, (take, onError) =>
  node.watchContractEvent({ address: registry, abi, eventName: 'WorkerRegistered', poll: true, onLogs: (logs) => logs.forEach(take), onError }))
// The polling watcher makes its filter in the background; a block later it is there.
await collect(1, (onBlock, onError) => live.watchBlocks({ onBlock, onError }))

found.before = await node.getBalance({ address: recipient })
const hash = await payer.sendTransaction({ to: recipient, value: parseEther('1.25') })
const receipt = await node.waitForTransactionReceipt({ hash })
found.transfer = { status: receipt.status, gasUsed: receipt.gasUsed, hash, to: receipt.to }
found.after = await node.getBalance({ address: recipient })
const tx = await node.getTransaction({ hash })
found.transaction = { value: tx.value, from: tx.from, blockNumber: tx.blockNumber, receiptBlock: receipt.blockNumber, type: tx.type }
const block = await node.getBlock({ blockNumber: receipt.blockNumber, includeTransactions: true })
found.block = { hash: block.hash, rehash: rehash(block), holds: block.transactions.some((t) => t.hash === hash) }

const model = keccak256('0x11')
const bond = parseEther('2000')
const registered = await worker.writeContract({ address: registry, abi, functionName: 'register', args: [recipient, [model], 'viem'], value: bond })
found.registered = (await node.waitForTransactionReceipt({ hash: registered })).status
const logs = await node.getLogs({ address: registry, event: abi.find((e) => e.name === 'WorkerRegistered'), fromBlock: 0n, strict: true })
found.logs = logs.map((l) => ({ ...l.args, transactionHash: l.transactionHash }))
found.registeredHash = registered
const record = await node.readContract({ address: registry, abi, functionName: 'worker', args: [worker.account.address] })
found.record = { state: record[0], payout: record[1], bond: record[2], about: record[8] }
try {
  await node.simulateContract({ address: registry, abi, functionName: 'withdrawBond', account: payer.account })
  found.revert = 'none'
} catch (error) {
  const why = error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError)
  found.revert = why ? why.reason : String(error)
}
const fees = await node.estimateFeesPerGas()
found.fees = { max: fees.maxFeePerGas, tip: fees.maxPriorityFeePerGas }
found.history = (await node.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })).baseFeePerGas.length
found.nonce = await node.getTransactionCount({ address: payer.account.address, blockTag: 'pending' })
found.refused = await node
  .sendRawTransaction({ serializedTransaction: '0x02c0' })
  .then(() => 'taken', (error) => error.details ?? String(error))
found.watched = (await blocks).map((b) => Number(b.number))
found.event = (await events)[0].args.worker
found.polled = (await polled)[0].args.worker
found.worker = worker.account.address
report(found)
process.exit(0)
