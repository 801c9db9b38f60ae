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

interface Claim {
  readonly in: string;
  readonly element: Element;
  /** Owners in the order they came, with what each would have there. */
  readonly owners: Map<string, Element>;
  /** What the kernel has. */
  applied?: Element;
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
    const wanted = new Map(plan.elements.map((entry) => [claimKey(entry.in, entry.element), entry]));
    for (const entry of before.elements) {
      const key = claimKey(entry.in, entry.element);
      if (!wanted.has(key)) this.#release(key, owner);
    }
    for (const [key, entry] of wanted) this.#claim(key, owner, entry);
    if (plan.chains.size === 0 && plan.elements.length === 0 && plan.sets.size === 0) this.#plans.delete(owner);
    else this.#plans.set(owner, plan);
  }

  #claim(key: string, owner: string, entry: PlannedElement): void {
    const claim = this.#claims.get(key) ?? { ...entry, owners: new Map() };
    this.#claims.set(key, claim);
    claim.owners.set(owner, entry.element);
    this.#touched.add(claim);
  }

  #release(key: string, owner: string): void {
    const claim = this.#claims.get(key);
    claim?.owners.delete(owner);
    if (claim) this.#touched.add(claim);
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
      const first = firstOf(claim);
      if (first) claim.applied = first;
      else {
        delete claim.applied;
        this.#claims.delete(claimKey(claim.in, claim.element));
      }
    }
    this.#touched.clear();
    this.#changed.clear();
  }

  /** The kernel has nothing but the fixed part: everything is to be added. */
  forgetKernel(): void {
    for (const claim of this.#claims.values()) {
      delete claim.applied;
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
      const wanted = firstOf(claim);
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

function firstOf(claim: Claim): Element | undefined {
  for (const element of claim.owners.values()) return element;
  return undefined;
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

const claimKey = (name: string, element: Element) => `${name} ${element.key.join(' ')}`;
const sameRules = (a: readonly Rule[], b: readonly Rule[]) => JSON.stringify(a) === JSON.stringify(b);
