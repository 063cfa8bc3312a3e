// Reads the Solidity interfaces in contracts/ into lines that clients parse as ABI, so that the files that
// users are given are the ones tested.
import { readFileSync } from 'node:fs'

export function interfaceOf(name) {
  const source = readFileSync(new URL(`../../contracts/${name}.sol`, import.meta.url), 'utf8')
  const body = source.replace(/\/\/.*$/gm, '').replace(/^[^{]*\{/s, '').replace(/\}[^}]*$/s, '')
  return body
    .split(';')
    .map((part) => part.replace(/\s+/g, ' ').trim())
    .filter((part) => /^(function|event) /.test(part))
    .map((part) => part.replace(/ (external|calldata|memory)\b/g, '').replace(/\( /g, '(').replace(/ \)/g, ')'))
}

// report prints what was found, for the Go test that started the script. Big numbers become strings.
export function report(found) {
  console.log(JSON.stringify(found, (_, v) => (typeof v === 'bigint' ? v.toString() : v)))
}
