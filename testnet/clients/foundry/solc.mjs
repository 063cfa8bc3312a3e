#!/usr/bin/env node
// The npm compiler behind the command line that forge expects of solc: --version, and --standard-json from
// the standard input.
import { readFileSync } from 'node:fs'
import solc from 'solc'

if (process.argv.includes('--version')) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`)
} else if (process.argv.includes('--standard-json')) {
  console.log(solc.compile(readFileSync(0, 'utf8')))
} else {
  console.error(`solc.mjs: only --version and --standard-json, not ${process.argv.slice(2).join(' ')}`)
  process.exit(1)
}
