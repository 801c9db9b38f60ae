// What is kept between decisions must never show: after any changes, the decider finds the same nodes with the same
// scores, gives the same reasons and picks the same victims as plain functions that look at everything anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../generated/core-v1.ts';
import { keyOf } from '../api/meta/object.ts';
import { seededRandom } from '../base/random.ts';
import { Decider, describeRefusals } from './cycle.ts';
import { NodeCache } from './node-cache.ts';
import { Nominations } from './nominations.ts';
import { snapshotOf } from './plugin.ts';
import { filters, scores } from './plugins/index.ts';
import { viewOf } from './pod-view.ts';
import { Budgets, Preemptor } from './preemption.ts';
import { plainOutcome, plainPreemption } from './testing/plain-decision.ts';
import type { PlainWorld } from './testing/plain-world.ts';
import { Chance, podOf, randomNode, randomService, randomTemplate } from './testing/random-cluster.ts';

const seeds = Number(process.env['SEEDS'] ?? 40);
const firstSeed = Number(process.env['SEED'] ?? 1);
const changesPerSeed = 120;

/** The same cluster twice: as the scheduler keeps it, and as plain lists. */
class TwoWorlds {
  readonly chance: Chance;
  readonly cache = new NodeCache();
  readonly nominations = new Nominations((node) => this.cache.touch(node));
  readonly plain: PlainWorld;
  readonly snapshot = snapshotOf(this.cache, {
    namespaceLabels: (namespace) => this.plain.namespaces.get(namespace),
    services: (namespace) => this.plain.services.filter(({ metadata }) => metadata.namespace === namespace),
  });
  readonly decider: Decider;
  readonly preemptor: Preemptor;
  readonly budgets = new Budgets([]);
  readonly #templates: Pod[];
  #count = 0;

  constructor(seed: number) {
    this.chance = new Chance(seededRandom(seed));
    const { nominations } = this;
    const maxShapes = this.chance.of([3, 100]);
    this.decider = new Decider(this.snapshot, { filters, scores }, { nominations, maxShapes });
    this.preemptor = new Preemptor(this.snapshot, this.decider, { nominations });
    const namespaces = new Map([
      ['one', { team: 'x' }],
      ['two', { team: 'y' }],
    ]);
    this.plain = { nodes: new Map(), placed: new Map(), promised: new Map(), namespaces, services: [] };
    this.#templates = Array.from({ length: 8 }, () => randomTemplate(this.chance));
    for (let index = 0; index < 3 + this.chance.below(10); index++) this.#setNode(`node-${index}`);
  }

  newPod(): Pod {
    this.#count++;
    return podOf(this.chance.of(this.#templates), `pod-${this.#count}`, this.#count);
  }

  place(pod: Pod, node: string): void {
    this.cache.place(pod, node);
    this.nominations.remove(keyOf(pod));
    this.plain.placed.set(keyOf(pod), { pod, node });
    this.plain.promised.delete(keyOf(pod));
  }

  changeSomething(): void {
    const { chance, plain, cache } = this;
    const change = chance.below(20);
    const placed = [...plain.placed.values()];
    if (change === 0) this.#setNode(`node-${chance.below(16)}`);
    else if (change === 1 && plain.nodes.size > 2) {
      const name = chance.of([...plain.nodes.keys()]);
      cache.removeNode(name);
      plain.nodes.delete(name);
    } else if (change < 4) this.place(this.newPod(), `node-${chance.below(16)}`);
    else if (change < 9 && placed.length > 0) {
      const { pod } = chance.of(placed);
      cache.remove(keyOf(pod));
      plain.placed.delete(keyOf(pod));
    } else if (change === 9 && placed.length > 0) {
      const { pod, node } = chance.of(placed);
      this.place({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2030-01-01T00:00:00Z' } }, node);
    } else if (change === 10 && placed.length > 0) {
      const { pod, node } = chance.of(placed);
      this.place({ ...pod, metadata: { ...pod.metadata, labels: { app: chance.of(['web', 'db']) } } }, node);
    } else if (change === 11) {
      plain.namespaces.set(chance.of(['one', 'two']), { team: chance.of(['x', 'y']) });
      cache.forget();
    } else if (change === 12 && chance.is(0.3)) {
      plain.services.push(randomService(chance, plain.services.length));
      cache.forget();
    } else if (change === 13) this.#promise();
  }

  #promise(): void {
    const { plain, chance, nominations } = this;
    const [first] = plain.promised.values();
    if (first && chance.is(0.6)) {
      plain.promised.delete(keyOf(first.pod));
      nominations.remove(keyOf(first.pod));
      return;
    }
    const [pod, node] = [this.newPod(), chance.of([...plain.nodes.keys()])];
    plain.promised.set(keyOf(pod), { pod, node });
    nominations.set(viewOf(pod), node);
  }

  #setNode(name: string): void {
    const node = randomNode(this.chance, name);
    this.cache.setNode(node);
    this.plain.nodes.set(name, node);
  }

  /** What the decider says of a pod: the nodes with their scores, or the message. */
  outcome(pod: Pod): unknown {
    const found = this.decider.find(this.cache.views.of(pod), 0);
    if ('type' in found) return describeRefusals(this.plain.nodes.size, found.refusals);
    const rows = [...found.rows.subarray(0, found.count)];
    const scored = rows.map((row, at) => [this.cache.at(row)!.name, rows.length > 1 ? found.scores[at]! : 0]);
    return Object.fromEntries(scored.sort(([one], [other]) => (one! < other! ? -1 : 1)));
  }

  preemption(pod: Pod): unknown {
    const view = this.cache.views.of(pod);
    const decision = this.decider.decide(view, { startAt: 0, random: seededRandom(1) });
    if (decision.type === 'node') return 'it fits';
    const promisedNode = this.nominations.nodeOf(view.key);
    const plan = this.preemptor.plan(view, decision.refusals, { budgets: this.budgets, promisedNode });
    if (!('chosen' in plan)) return plan.message;
    return { node: plan.chosen.node, victims: plan.chosen.victims.map(({ key }) => key) };
  }
}

test('what is kept between decisions never shows', () => {
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const worlds = new TwoWorlds(seed);
    for (let step = 0; step < changesPerSeed; step++) {
      worlds.changeSomething();
      const isPromised = worlds.plain.promised.size > 0 && worlds.chance.is(0.1);
      const pod = isPromised ? [...worlds.plain.promised.values()][0]!.pod : worlds.newPod();
      const where = `SEED=${seed}, step ${step}, ${keyOf(pod)}`;
      const wanted = plainOutcome(pod, worlds.plain);
      assert.deepEqual(worlds.outcome(pod), wanted, where);
      if (typeof wanted === 'string') {
        assert.deepEqual(worlds.preemption(pod), plainPreemption(pod, worlds.plain, worlds.snapshot.nodes), where);
      } else if (worlds.chance.is(0.6)) worlds.place(pod, worlds.chance.of(Object.keys(wanted as object)));
    }
  }
});
