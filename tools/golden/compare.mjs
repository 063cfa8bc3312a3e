// Holds a golden file against one that was just made: the same fields, texts and versions, and numbers that differ by
// at most a thousandth of the larger, or by a ten-thousandth. The last bits depend on the machine's vector instructions.
//
//   node tools/golden/compare.mjs COMMITTED.json MADE.json
import fs from 'node:fs';

const [committed, made] = process.argv.slice(2).map((f) => JSON.parse(fs.readFileSync(f)));
let numbers = 0;
const wrong = [];
function compare(where, a, b) {
  if (typeof a === 'number' && typeof b === 'number') {
    numbers++;
    const most = Math.max(1e-4, 1e-3 * Math.max(Math.abs(a), Math.abs(b)));
    if (!(Math.abs(a - b) <= most)) wrong.push(`${where}: ${a} and ${b}`);
  } else if (a && b && typeof a === 'object' && typeof b === 'object') {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) compare(`${where}/${key}`, a[key], b[key]);
  } else if (a !== b) {
    wrong.push(`${where}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`);
  }
}
compare('', committed, made);
if (numbers === 0) wrong.push('no numbers were compared');
console.log(`${process.argv[2]}: ${numbers} numbers compared, ${wrong.length} differences`);
for (const w of wrong.slice(0, 10)) console.log(`  ${w}`);
process.exit(wrong.length ? 1 : 0);
