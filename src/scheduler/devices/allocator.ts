// Finds devices for claims on one node: the first full solution, by trying all that there is. The search keeps its own
// stack, since its depth is the user's; and it counts its steps, since one that is asked too much must give up.
import type { Device, ResourceSlice } from '../../../generated/resource-v1.ts';
import type { NodeView } from '../node-cache.ts';
import { type AllocatedDevices, deviceId } from './allocated.ts';
import { AllocationError, type Ask, type AskedClaim, type AskedRequest, maxResults } from './asks.ts';
import { type Consumption, consumedBy, hasCapacity } from './capacity.ts';
import type { AttributeConstraint } from './constraints.ts';
import { Counters } from './counters.ts';
import { type Pool, poolsFor, reachesNode, type SliceIndex } from './pools.ts';
import { selectorsMatch } from './selectors.ts';
import { isKeptBack } from './taints.ts';

/** Devices looked at for one node before the search gives up: some tens of milliseconds. */
const maxLooks = 50_000;

/** The pools of this node cannot be used; others may do. */
export class NodeProblem extends Error {}

export interface Candidate {
  readonly id: string;
  readonly pool: Pool;
  readonly slice: ResourceSlice;
  readonly device: Device;
}

export interface Chosen extends Candidate {
  readonly ask: Ask;
  /** Of a device that others may use too. */
  readonly consumed?: Consumption;
}

export interface ClaimSolution {
  readonly devices: readonly Chosen[];
  /** What was asked for each request in the end: itself, or the alternative that could be had. */
  readonly asks: readonly Ask[];
}

export interface DeviceStock {
  readonly slices: SliceIndex;
  readonly allocated: AllocatedDevices;
}

/** One solution a claim, or undefined. @throws AllocationError, NodeProblem. */
export function findDevices(
  node: NodeView,
  claims: readonly AskedClaim[],
  stock: DeviceStock,
): readonly ClaimSolution[] | undefined {
  return new Search(node, claims, stock).run();
}

interface Place {
  readonly claim: number;
  readonly request: number;
  /** Which alternative; undefined: not chosen yet. */
  readonly choice: number | undefined;
  /** Which device of those the ask wants. */
  readonly index: number;
  /** Devices before this one have been tried in another order already. */
  readonly from: number;
}

interface Frame {
  readonly place: Place;
  readonly isChoice: boolean;
  /** Where its next possibility is. */
  next: number;
  undo: (() => void) | undefined;
}

type Entered = Place | 'solved' | 'impossible' | { readonly tooManyIn: number };

const start: Place = { claim: 0, request: 0, choice: undefined, index: 0, from: 0 };

class Search {
  readonly #node: NodeView;
  readonly #claims: readonly AskedClaim[];
  readonly #stock: DeviceStock;
  readonly #pools: readonly Pool[];
  readonly #candidates: readonly Candidate[];
  readonly #constraints: AttributeConstraint[][];
  readonly #chosen: Chosen[][];
  /** All devices of those that want all, by ask. */
  readonly #wanted = new Map<Ask, readonly Candidate[]>();
  readonly #selectable = new Map<Ask, Map<Candidate, boolean>>();
  /** Device → claims that were given it in this attempt. */
  readonly #taken = new Map<string, number[]>();
  readonly #shares = new Map<string, Consumption[]>();
  readonly #counters = new Map<string, Counters>();
  readonly #stack: Frame[] = [];
  #looks = 0;

  constructor(node: NodeView, claims: readonly AskedClaim[], stock: DeviceStock) {
    this.#node = node;
    this.#claims = claims;
    this.#stock = stock;
    this.#pools = poolsFor(node, stock.slices);
    this.#candidates = this.#pools.flatMap((pool) => (pool.isIncomplete || pool.isInvalid ? [] : candidatesOf(pool)));
    this.#constraints = claims.map((each) => each.constraints());
    this.#chosen = claims.map(() => []);
    for (const claim of claims) this.#prepare(claim);
  }

  run(): readonly ClaimSolution[] | undefined {
    let entered = this.#enter(start);
    for (;;) {
      if (entered === 'solved') return this.#solution();
      if (typeof entered === 'object') {
        if ('tooManyIn' in entered) this.#unwind(entered.tooManyIn);
        else this.#push(entered);
      }
      const next = this.#advance();
      if (!next) break;
      entered = this.#enter(next);
    }
    if (this.#pools.some(({ isInvalid }) => isInvalid))
      throw new NodeProblem('invalid resource pools were encountered');
    return undefined;
  }

  /** Counts how many devices are needed at least. */
  #prepare({ key, requests }: AskedClaim): void {
    let least = 0;
    for (const { asks } of requests) {
      for (const ask of asks) if (ask.wantsAll) this.#wanted.set(ask, this.#allFor(ask, key));
      least += Math.min(...asks.map((ask) => this.#countOf(ask)));
    }
    if (least <= maxResults) return;
    const problem = `number of requested devices ${least} exceeds the claim limit of ${maxResults}`;
    throw new AllocationError(`claim ${key}: ${problem}`);
  }

  #countOf(ask: Ask): number {
    return this.#wanted.get(ask)?.length ?? ask.count;
  }

  #allFor(ask: Ask, key: string): Candidate[] {
    for (const { id, isIncomplete, isInvalid } of this.#pools) {
      if (!isIncomplete && !isInvalid) continue;
      const state = isIncomplete ? 'being updated' : 'invalid';
      const problem = `asks for all devices, but resource pool ${id} is currently ${state}`;
      throw new AllocationError(`claim ${key}, request ${ask.shortName}: ${problem}`);
    }
    return this.#candidates.filter((each) => this.#isSelectable(ask, each, key) && this.#hasCapacity(ask, each));
  }

  /** Goes on from a place until there is something to choose. */
  #enter(from: Place): Entered {
    let place = from;
    for (;;) {
      const claim = this.#claims[place.claim];
      if (!claim) return 'solved';
      const request = claim.requests[place.request];
      if (!request) {
        place = { ...start, claim: place.claim + 1 };
        continue;
      }
      if (request.isChoice && place.choice === undefined) return place;
      const ask = askAt(request, place);
      const count = this.#countOf(ask);
      if (ask.wantsAll && count === 0) return 'impossible';
      if (place.index >= count) {
        place = { ...start, claim: place.claim, request: place.request + 1 };
        continue;
      }
      const needed = this.#chosen[place.claim]!.length + count - place.index;
      return needed > maxResults ? { tooManyIn: place.claim } : place;
    }
  }

  #push(place: Place): void {
    const request = this.#claims[place.claim]!.requests[place.request]!;
    const isChoice = request.isChoice && place.choice === undefined;
    this.#stack.push({ place, isChoice, next: isChoice ? 0 : place.from, undo: undefined });
  }

  /** A claim that would get too many devices gets fewer by another alternative only. */
  #unwind(claim: number): void {
    for (let top = this.#stack.at(-1); top && top.place.claim === claim && !top.isChoice; top = this.#stack.at(-1)) {
      top.undo?.();
      this.#stack.pop();
    }
  }

  /** Takes the next possibility of whoever chose last; undefined: there is none left. */
  #advance(): Place | undefined {
    for (let top = this.#stack.at(-1); top; top = this.#stack.at(-1)) {
      top.undo?.();
      top.undo = undefined;
      const next = top.isChoice ? this.#nextAlternative(top) : this.#nextDevice(top);
      if (next) return next;
      this.#stack.pop();
    }
    return undefined;
  }

  #nextAlternative(frame: Frame): Place | undefined {
    const { place } = frame;
    const { asks } = this.#claims[place.claim]!.requests[place.request]!;
    return frame.next < asks.length ? { ...place, choice: frame.next++, index: 0, from: 0 } : undefined;
  }

  #nextDevice(frame: Frame): Place | undefined {
    const { place } = frame;
    const ask = askAt(this.#claims[place.claim]!.requests[place.request]!, place);
    const all = this.#wanted.get(ask);
    if (all) {
      // Who wants all wants this one next; in which order does not matter.
      if (frame.next !== place.from) return undefined;
      frame.next++;
      frame.undo = this.#give(place.claim, ask, all[place.index]!);
      return frame.undo && { ...place, index: place.index + 1, from: 0 };
    }
    while (frame.next < this.#candidates.length) {
      const candidate = this.#candidates[frame.next++]!;
      frame.undo = this.#give(place.claim, ask, candidate);
      if (frame.undo) return { ...place, index: place.index + 1, from: frame.next };
    }
    return undefined;
  }

  /** Gives the claim a device if it may have it; what takes it away again, or undefined. */
  #give(claimIndex: number, ask: Ask, candidate: Candidate): (() => void) | undefined {
    if (++this.#looks > maxLooks) {
      throw new AllocationError(`node ${this.#node.name}: timed out trying to allocate devices`);
    }
    const { id, device, pool } = candidate;
    const { key } = this.#claims[claimIndex]!;
    const isShared = device.allowMultipleAllocations ?? false;
    const holders = this.#taken.get(id) ?? [];
    const isTaken = ask.adminAccess
      ? !isShared && holders.includes(claimIndex)
      : holders.length > 0 || this.#stock.allocated.hasWhole(id);
    if (isTaken || !this.#isSelectable(ask, candidate, key) || !this.#hasCapacity(ask, candidate)) return undefined;
    if (isKeptBack(device, ask.tolerations)) return undefined;
    const undo = new DisposableStack();
    const isInUse = isShared && (this.#stock.allocated.consumedOf(id) !== undefined || this.#shares.get(id)?.length);
    if (device.consumesCounters?.length && !isInUse) {
      const counters = this.#countersOf(pool);
      if (!counters.take(device)) return undefined;
      undo.defer(() => counters.giveBack(device));
    }
    if (!this.#keepsConstraints(claimIndex, ask, candidate, undo)) {
      undo.dispose();
      if (!ask.wantsAll) return undefined;
      const problem = `cannot add device ${id} because a claim constraint would not be satisfied`;
      throw new AllocationError(`claim ${key}, request ${ask.shortName}: ${problem}`);
    }
    const consumed = isShared ? consumedBy(ask.capacity, device.capacity) : undefined;
    if (consumed) addTo(this.#shares, id, consumed, undo);
    else addTo(this.#taken, id, claimIndex, undo);
    this.#chosen[claimIndex]!.push({ ...candidate, ask, ...(consumed ? { consumed } : {}) });
    undo.defer(() => this.#chosen[claimIndex]!.pop());
    return () => undo.dispose();
  }

  #keepsConstraints(claimIndex: number, ask: Ask, { pool, device }: Candidate, undo: DisposableStack): boolean {
    return this.#constraints[claimIndex]!.every((constraint) => {
      const isFine = constraint.add(ask, pool.driver, device);
      if (isFine) undo.defer(() => constraint.removeLast());
      return isFine;
    });
  }

  #hasCapacity({ capacity }: Ask, { id, device }: Candidate): boolean {
    const taken = [this.#stock.allocated.consumedOf(id), ...(this.#shares.get(id) ?? [])];
    return hasCapacity(capacity, device.capacity, taken);
  }

  #isSelectable(ask: Ask, candidate: Candidate, claimKey: string): boolean {
    const known = this.#selectable.get(ask) ?? new Map<Candidate, boolean>();
    this.#selectable.set(ask, known);
    const answer = known.get(candidate) ?? this.#select(ask, candidate, claimKey);
    known.set(candidate, answer);
    return answer;
  }

  #select({ deviceClass, selectors }: Ask, { pool, slice, device }: Candidate, claimKey: string): boolean {
    try {
      const { name } = deviceClass.metadata;
      return (
        selectorsMatch(deviceClass.spec.selectors, pool.driver, device, `class ${name}`) &&
        selectorsMatch(selectors, pool.driver, device, `claim ${claimKey}`) &&
        (!slice.spec.perDeviceNodeSelection || reachesNode(device, this.#node))
      );
    } catch (error) {
      throw new AllocationError((error as Error).message);
    }
  }

  #countersOf(pool: Pool): Counters {
    const counters = this.#counters.get(pool.id) ?? new Counters(pool, this.#stock.allocated);
    this.#counters.set(pool.id, counters);
    return counters;
  }

  #solution(): ClaimSolution[] {
    const choices = new Map<AskedRequest, number>();
    for (const { place, isChoice, next } of this.#stack) {
      if (isChoice) choices.set(this.#claims[place.claim]!.requests[place.request]!, next - 1);
    }
    return this.#claims.map(({ requests }, index) => ({
      devices: this.#chosen[index]!,
      asks: requests.map((request) => request.asks[choices.get(request) ?? 0]!),
    }));
  }
}

const askAt = ({ asks }: AskedRequest, { choice }: Place): Ask => asks[choice ?? 0]!;

function addTo<T>(lists: Map<string, T[]>, key: string, item: T, undo: DisposableStack): void {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  list.push(item);
  undo.defer(() => list.pop());
}

function candidatesOf(pool: Pool): Candidate[] {
  return pool.slices.flatMap((slice) =>
    (slice.spec.devices ?? []).map((device) => ({
      id: deviceId(pool.driver, pool.name, device.name),
      pool,
      slice,
      device,
    })),
  );
}
