// `make fuzz`: every target for some seconds. node test/fuzz/run.ts [--target NAME] [--seconds N] [--seed N]
import { parseArgs } from 'node:util';
import { keep } from './kept.ts';
import { fuzz } from './supervise.ts';
import { targets } from './targets/index.ts';

const { values } = parseArgs({
  options: { target: { type: 'string' }, seconds: { type: 'string' }, seed: { type: 'string' } },
});
const wanted = values.target ? targets.filter(({ name }) => name === values.target) : targets;
if (wanted.length === 0) {
  console.error(`there is no target "${values.target}"; there are ${targets.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const seconds = Number(values.seconds || 30);
const seed = Number(values.seed || Math.floor(Math.random() * 2 ** 32)) >>> 0;
console.log(`seed ${seed}, ${seconds} s a target`);
for (const { name } of wanted) {
  const { tried, failure } = await fuzz({ target: name, seed, maxMs: seconds * 1000 });
  console.log(`${name.padEnd(16)} ${String(tried).padStart(9)} inputs  ${failure ? 'FAILED' : 'passed'}`);
  if (!failure) continue;
  process.exitCode = 1;
  console.log(`  again with: make fuzz TARGET=${name} SEED=${failure.seed}`);
  if (failure.input.length > 0) console.log(`  kept in ${keep(name, failure.input)} (${failure.input.length} bytes)`);
  console.log(`  ${failure.problem.replaceAll('\n', '\n  ').slice(0, 3000)}`);
}
process.exit();
