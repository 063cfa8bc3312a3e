// Writes compute/token/testdata/words.json: texts cut into words by the regular expressions of the splitters, which need
// look-ahead. Node's engine has it.
//
//   node tools/llamaref/words.mjs compute/token/testdata/words.json
import fs from 'node:fs';

const modern = (digits) => new RegExp(
  `'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`, 'gu');
const forms = {
  'gpt-2': /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu,
  'llama-bpe': modern('\\p{N}{1,3}'),
  qwen2: modern('\\p{N}'),
};

const texts = [
  'Hello world', "I'm sure they'll say it's DON'T, we've'd", '  two  spaces   three', 'a\n\nb \n c\t\td  \n\n  e', 'end  ', '\n', ' \n ',
  '1234567 89 0x1F 3.14159, ½ ², ٣٤٥', 'naïve café Ünïcode 漢字かな 한국어', '!!! ... ???\n\n\nnext', "'s 'S 'x '", '$100 #hash @at\r\n\r\nx',
  'emoji 👍🏽 and 👩‍👩‍👧', 'tab\tword\t\tword', 'func main() { fmt.Println("hi") }\n\treturn 0;\n', "can't won't O'Brien's", '    indented\n        more', 'x'.repeat(30) + '9'.repeat(10),
  '\u00a0nbsp\u00a0\u00a0x', 'e\u0301 combining', '_under_score__', '-1 - 2--3', '"quoted" ‘curly’ “double”', ' leading', 'trailing ',
];
// And random ones of the awkward characters.
let seed = 12345;
const next = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
const alphabet = [' ', ' ', '\n', '\r', '\t', 'a', 'B', 'é', '漢', '1', '٣', "'", 's', 'L', 'l', '.', '!', '👍', '\u00a0', '\u3000'];
for (let i = 0; i < 150; i++) texts.push(Array.from({ length: 1 + next(24) }, () => alphabet[next(alphabet.length)]).join(''));

const out = {};
for (const [name, form] of Object.entries(forms)) out[name] = texts.map((t) => t.match(form));
fs.writeFileSync(process.argv[2], JSON.stringify(out, null, 0).replaceAll('],[', '],\n[') + '\n');
