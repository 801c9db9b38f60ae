// `make differential [KIND=regex] [ACTION=regex] [COUNT=n] [SEED=n]`: the same requests to upstream's API server and to ours, made by
// changing objects that upstream accepts; prints what the two answer differently, alike ones together.
//   node test/differential/run.ts [--kind REGEX] [--action REGEX] [--count N] [--seed N] [--jobs N] [--upstream KUBECONFIG] [--ours KUBECONFIG] [--most N]
import { parseArgs } from 'node:util';
import { seededRandom } from '../../src/base/random.ts';
import { TestCluster } from '../e2e/cluster.ts';
import { WireClient } from '../upstream/client.ts';
import { inLanes } from '../upstream/recordings.ts';
import { type Base, isInert, loadBases, namespaces, pathOf, placed, run } from './bases.ts';
import { mutate } from './mutate.ts';
import { asksOf } from './questions.ts';
import { UpstreamApiServer } from './servers.ts';
import { askBoth, compareAnswers, type Question, type Read, type Sides, signature } from './trial.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: '' },
    count: { type: 'string', default: '3000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    jobs: { type: 'string', default: '6' },
    most: { type: 'string', default: '60' },
    action: { type: 'string', default: '' },
    upstream: { type: 'string' },
    ours: { type: 'string' },
  },
});

interface Group {
  count: number;
  readonly example: readonly string[];
}

class Differential {
  readonly groups = new Map<string, Group>();
  asked = 0;
  readonly #clients: Sides<WireClient>;
  readonly #seed: number;
  readonly #stored = new Map<Base, Promise<Sides<Read> | undefined>>();

  constructor(clients: Sides<WireClient>, seed: number) {
    this.#clients = clients;
    this.#seed = seed;
  }

  async prepare(): Promise<void> {
    const post = (path: string, body: Record<string, any>) => {
      const question = { method: 'POST', path, body };
      return askBoth(this.#clients, { upstream: question, ours: question });
    };
    for (const name of namespaces) {
      await post('/api/v1/namespaces', { metadata: { name } });
      await post(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
    }
  }

  async trial(bases: readonly Base[], number: number): Promise<void> {
    const random = seededRandom(this.#seed * 1_000_003 + number);
    for (let warm = 0; warm < 5; warm++) random.next();
    const base = bases[Math.floor(random.next() * bases.length)]!;
    const isNew = random.next() < 0.4;
    const asks = Object.keys(asksOf(base.kind)).filter((name) => actions.test(name));
    const action = asks[Math.floor(random.next() * asks.length)] ?? 'create';
    const twice = random.next() < 0.2;
    const seed = Math.floor(random.next() * 2 ** 31);
    if ((isNew && actions.test('create')) || action === 'create' || !isInert(base))
      await this.#create(base, seed, twice);
    else await this.#change(base, action, seed, twice);
  }

  async #create(base: Base, seed: number, twice: boolean): Promise<void> {
    const id = `n${seed % 100_000}`;
    const object = placed(base, id);
    const how = changed(object, base, seed, twice);
    const question = { method: 'POST', path: `${pathOf(base)}?dryRun=All`, body: object };
    await this.#ask(base, 'create', how, { upstream: question, ours: question }, id);
  }

  async #change(base: Base, action: string, seed: number, twice: boolean): Promise<void> {
    let stored = this.#stored.get(base);
    if (!stored) {
      stored = this.#store(base);
      this.#stored.set(base, stored);
    }
    const sides = await stored;
    if (!sides) return;
    let how = '';
    const question = (side: keyof Sides<unknown>) => {
      const stored = structuredClone(sides[side].body);
      delete stored.metadata.managedFields;
      const random = warmRandom(seed);
      const change = (object: Record<string, any>, type: string, part?: string) => {
        const first = mutate(object, type, random, part);
        return twice ? `${first}; ${mutate(object, type, random, part)}` : first;
      };
      const asked = asksOf(base.kind)[action]!({ base, stored, random, change, collection: pathOf(base) });
      how = asked.how;
      return asked.question;
    };
    const questions = { upstream: question('upstream'), ours: question('ours') };
    const { name, uid } = sides.ours.body.metadata;
    await this.#ask(base, action, how.replaceAll(uid, '<uid>'), questions, name);
  }

  /** Asks again what differs: the order of Go's maps changes from answer to answer. */
  async #ask(base: Base, action: string, how: string, questions: Sides<Question>, id: string): Promise<void> {
    const written = base.body + how;
    let answers = await askBoth(this.#clients, questions);
    for (let again = 0; again < 8 && compareAnswers(answers, written, id).length > 0; again++) {
      answers = await askBoth(this.#clients, questions);
    }
    this.#note(base, action, how, answers, written, id);
  }

  /** Undefined when the two do not hold the same object: creating it has told how they differ. */
  async #store(base: Base): Promise<Sides<Read> | undefined> {
    const object = placed(base, `s${this.#stored.size}-${run}`);
    const question = { method: 'POST', path: pathOf(base), body: object };
    const answers = await askBoth(this.#clients, { upstream: question, ours: question });
    if (answers.upstream.code !== 201 || answers.ours.code !== 201) {
      if (answers.upstream.code !== answers.ours.code) this.#note(base, 'create', 'nothing', answers, '', 'x');
      return undefined;
    }
    return answers;
  }

  #note(base: Base, action: string, how: string, answers: Sides<Read>, written: string, id: string): void {
    this.asked++;
    const lines = compareAnswers(answers, written, id);
    if (lines.length === 0) return;
    const key = signature(base.kind, action, lines, answers);
    const group = this.groups.get(key);
    if (group) group.count++;
    else this.groups.set(key, { count: 1, example: [`${base.id}: ${how}`, ...lines.slice(0, 6)] });
  }
}

/** The same for equal objects and seeds. */
function changed(object: Record<string, any>, base: Base, seed: number, twice: boolean): string {
  const random = warmRandom(seed);
  const first = mutate(object, base.type, random);
  return twice ? `${first}; ${mutate(object, base.type, random)}` : first;
}

function warmRandom(seed: number) {
  const random = seededRandom(seed);
  for (let warm = 0; warm < 5; warm++) random.next();
  return random;
}

const bin = process.env['UPSTREAM_BIN'];
if (!values.upstream && !bin) {
  console.error('set UPSTREAM_BIN to a folder with etcd and kube-apiserver, or name a kubeconfig with --upstream');
  process.exit(2);
}
const filter = new RegExp(values.kind, 'i');
const actions = new RegExp(values.action);
const bases = loadBases().filter(({ kind }) => filter.test(kind));
await using upstream = values.upstream ? undefined : await UpstreamApiServer.start(bin!);
await using cluster = values.ours
  ? undefined
  : await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver'] });
const options = { headers: { accept: 'application/json', 'user-agent': 'differential' }, timeoutMs: 60_000 };
using theirs = new WireClient({ ...options, kubeconfig: values.upstream ?? upstream!.kubeconfig });
using ours = new WireClient({ ...options, kubeconfig: values.ours ?? cluster!.kubeconfig });
const differential = new Differential({ upstream: theirs, ours }, Number(values.seed));
await differential.prepare();
const numbers = Array.from({ length: Number(values.count) }, (_, index) => index);
await inLanes(numbers, Number(values.jobs), (number) => differential.trial(bases, number));
const groups = [...differential.groups].sort(([, a], [, b]) => b.count - a.count);
for (const [key, { count, example }] of groups.slice(0, Number(values.most))) {
  console.log(`\n${count}× ${key}`);
  for (const line of example) console.log(`     ${line.slice(0, 500)}`);
}
const differing = groups.reduce((sum, [, { count }]) => sum + count, 0);
console.log(`\nseed ${values.seed}: ${differential.asked} asked, ${differing} differ in ${groups.length} ways`);
process.exitCode = groups.length > 0 ? 1 : 0;
