// Compiles the contracts of this folder with the npm compiler: node compile.mjs OUT.json. The file maps each
// contract's name to its ABI and creation code.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import solc from 'solc'

const at = (path) => new URL(path, import.meta.url)
const own = readdirSync(at('contracts/')).filter((name) => name.endsWith('.sol'))
const input = {
  language: 'Solidity',
  sources: Object.fromEntries(own.map((name) => [name, { content: readFileSync(at(`contracts/${name}`), 'utf8') }])),
  settings: {
    evmVersion: 'osaka',
    optimizer: { enabled: true, runs: 200 },
    outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
  },
}
const read = (path) => {
  const file = at(`node_modules/${path}`)
  return existsSync(file) ? { contents: readFileSync(file, 'utf8') } : { error: 'no such file' }
}
const answer = JSON.parse(solc.compile(JSON.stringify(input), { import: read }))
const errors = (answer.errors ?? []).filter((e) => e.severity === 'error')
if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join('\n'))

const built = {}
for (const name of own) {
  for (const [contract, c] of Object.entries(answer.contracts[name])) {
    built[contract] = { abi: c.abi, bytecode: '0x' + c.evm.bytecode.object }
  }
}
writeFileSync(process.argv[2], JSON.stringify(built))
