// What the table should hold, gathered from many plans, and the smallest transaction that takes it there. Two services
// may claim one address and port; the one that came first has it until it lets go.
import type { Command } from './nft.ts';
import {
  type Element,
  emptyPlan,
  type OwnSet,
  type PacketFamily,
  type Plan,
  type PlannedElement,
  type Rule,
} from './rule-set.ts';

/** One place in a map or set. Nearly every one has one owner, and there are very many. */
interface Claim {
  readonly in: string;
  /** Who came first, and what it would have there; undefined when it has let go and nobody waits. */
  owner: string | undefined;
  element: Element;
  /** Others who would have the place, in the order they came. */
  waiting: Map<string, Element> | undefined;
  /** What the kernel has. */
  applied: Element | undefined;
}

export class TableState {
  readonly #at: { readonly family: PacketFamily; readonly table: string };
  readonly #plans = new Map<string, Plan>();
  readonly #claims = new Map<string, Claim>();
  readonly #touched = new Set<Claim>();
  /** Owners whose chains and sets differ from the kernel's; with the plan the kernel has. */
  readonly #changed = new Map<string, Plan>();

  constructor(table: string, family: PacketFamily = 'ip') {
    this.#at = { family, table };
  }

  get family(): PacketFamily {
    return this.#at.family;
  }

  get table(): string {
    return this.#at.table;
  }

  get size(): number {
    return this.#plans.size;
  }

  owners(): string[] {
    return [...this.#plans.keys()];
  }

  planOf(owner: string): Plan {
    return this.#plans.get(owner) ?? emptyPlan;
  }

  /** Puts `plan` in place of what this owner had; emptyPlan takes it away. */
  set(owner: string, plan: Plan): void {
    const before = this.planOf(owner);
    if (before === plan) return;
    if (!this.#changed.has(owner)) this.#changed.set(owner, before);
    const keys = plan.elements.map((entry) => claimKey(entry.in, entry.element));
    if (before.elements.length > 0) {
      const wanted = new Set(keys);
      for (const entry of before.elements) {
        const key = claimKey(entry.in, entry.element);
        if (!wanted.has(key)) this.#release(key, owner);
      }
    }
    for (const [index, entry] of plan.elements.entries()) this.#claim(keys[index]!, owner, entry);
    if (plan.chains.size === 0 && plan.elements.length === 0 && plan.sets.size === 0) this.#plans.delete(owner);
    else this.#plans.set(owner, plan);
  }

  #claim(key: string, owner: string, { in: name, element }: PlannedElement): void {
    const claim = this.#claims.get(key);
    if (!claim) {
      const made: Claim = { in: name, owner, element, waiting: undefined, applied: undefined };
      this.#claims.set(key, made);
      this.#touched.add(made);
      return;
    }
    if (claim.owner === undefined || claim.owner === owner) {
      claim.owner = owner;
      claim.element = element;
    } else {
      claim.waiting ??= new Map();
      claim.waiting.set(owner, element);
    }
    this.#touched.add(claim);
  }

  #release(key: string, owner: string): void {
    const claim = this.#claims.get(key);
    if (!claim) return;
    this.#touched.add(claim);
    claim.waiting?.delete(owner);
    if (claim.owner !== owner) return;
    const [next] = claim.waiting ?? [];
    claim.owner = next?.[0];
    if (!next) return;
    claim.element = next[1];
    claim.waiting!.delete(next[0]);
  }

  /** Commands from what the kernel has to what was set; call `committed` once they have been carried out. */
  takeChanges(): Command[] {
    const sets = { add: [] as Command[], remove: [] as Command[] };
    const chains = { add: [] as Command[], fill: [] as Command[], flush: [] as Command[], remove: [] as Command[] };
    for (const [owner, before] of this.#changed) this.#diffOwner(before, this.planOf(owner), sets, chains);
    const elements = this.#diffElements();
    return [
      ...sets.add,
      ...chains.add,
      ...chains.fill,
      ...elements.remove,
      ...elements.add,
      ...chains.flush,
      ...chains.remove,
      ...sets.remove,
    ];
  }

  /** The kernel has what takeChanges said. */
  committed(): void {
    for (const claim of this.#touched) {
      claim.applied = claim.owner === undefined ? undefined : claim.element;
      if (!claim.applied) this.#claims.delete(claimKey(claim.in, claim.element));
    }
    this.#touched.clear();
    this.#changed.clear();
  }

  /** The kernel has nothing but the fixed part: everything is to be added. */
  forgetKernel(): void {
    for (const claim of this.#claims.values()) {
      claim.applied = undefined;
      this.#touched.add(claim);
    }
    this.#changed.clear();
    for (const owner of this.#plans.keys()) this.#changed.set(owner, emptyPlan);
  }

  #diffOwner(
    before: Plan,
    after: Plan,
    sets: { add: Command[]; remove: Command[] },
    chains: { add: Command[]; fill: Command[]; flush: Command[]; remove: Command[] },
  ): void {
    const at = this.#at;
    for (const [name, set] of after.sets) {
      if (!before.sets.has(name)) sets.add.push({ add: { set: { ...at, name, ...definition(set) } } });
    }
    for (const name of before.sets.keys()) {
      if (!after.sets.has(name)) sets.remove.push({ delete: { set: { ...at, name } } });
    }
    for (const [name, rules] of after.chains) {
      const old = before.chains.get(name);
      if (old && sameRules(old, rules)) continue;
      if (old) chains.fill.push({ flush: { chain: { ...at, name } } });
      else chains.add.push({ add: { chain: { ...at, name } } });
      for (const expr of rules) chains.fill.push({ add: { rule: { ...at, chain: name, expr } } });
    }
    for (const name of before.chains.keys()) {
      if (after.chains.has(name)) continue;
      chains.flush.push({ flush: { chain: { ...at, name } } });
      chains.remove.push({ delete: { chain: { ...at, name } } });
    }
  }

  #diffElements(): { add: Command[]; remove: Command[] } {
    const add = new Map<string, unknown[]>();
    const remove = new Map<string, unknown[]>();
    for (const claim of this.#touched) {
      const wanted = claim.owner === undefined ? undefined : claim.element;
      const { applied } = claim;
      if (applied && wanted && applied.target === wanted.target && applied.value === wanted.value) continue;
      const { key: parts } = claim.element;
      const key = parts.length === 1 ? parts[0] : { concat: parts };
      if (applied) push(remove, claim.in, key);
      if (wanted) push(add, claim.in, written(key, wanted));
    }
    const commands = (verb: string, found: Map<string, unknown[]>) =>
      [...found].flatMap(([name, elements]) =>
        inPieces(elements).map((elem) => ({ [verb]: { element: { ...this.#at, name, elem } } })),
      );
    return { add: commands('add', add), remove: commands('delete', remove) };
  }
}

function written(key: unknown, { target, value }: Element): unknown {
  if (target !== undefined) return [key, { goto: { target } }];
  return value === undefined ? key : [key, value];
}

/** No command is long to write. */
const longestPiece = 1_000;

function inPieces<T>(list: readonly T[]): T[][] {
  const pieces: T[][] = [];
  for (let from = 0; from < list.length; from += longestPiece) pieces.push(list.slice(from, from + longestPiece));
  return pieces;
}

function definition({ type, timeoutSeconds }: OwnSet): object {
  return timeoutSeconds === undefined ? { type } : { type, flags: ['timeout'], timeout: timeoutSeconds, size: 65_535 };
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

const claimKey = (name: string, element: Element) => `${name} ${element.key.join(' ')}`;
const sameRules = (a: readonly Rule[], b: readonly Rule[]) => JSON.stringify(a) === JSON.stringify(b);
