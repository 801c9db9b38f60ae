// Rules as data: what nft's JSON says, keyed by name, so that two states can be compared.

/** A statement or match in nft's JSON; see libnftables-json(5). */
export type Expression = Readonly<Record<string, unknown>>;
export type Rule = readonly Expression[];

/** Of packets; tables are of one of them. */
export type PacketFamily = 'ip' | 'ip6';

/** A set or map element: its key, and for maps which chain a packet goes to, or what the key leads to. */
export interface Element {
  readonly key: readonly (string | number)[];
  readonly target?: string;
  readonly value?: string | number;
}

/** A set that comes and goes with its owner. */
export interface OwnSet {
  readonly type: string | readonly string[];
  /** Packets fill it in, and what they add is kept for so long. */
  readonly timeoutSeconds?: number;
}

/** What one owner adds to a table: a service, a pod's host ports, a policy. */
export interface Plan {
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
  readonly sets: ReadonlyMap<string, OwnSet>;
  /** In maps and sets of the fixed part, or in sets of others. */
  readonly elements: readonly PlannedElement[];
  /** UDP flows the kernel remembers: for each address and port, which endpoints it may lead to. */
  readonly udp: readonly UdpFlow[];
}

export interface PlannedElement {
  readonly in: string;
  readonly element: Element;
}

export interface UdpFlow {
  /** Absent for node ports, which are on every address. */
  readonly address?: string;
  readonly port: number;
  /** `address port` each. */
  readonly endpoints: readonly string[];
}

export const emptyPlan: Plan = { chains: new Map(), sets: new Map(), elements: [], udp: [] };

export const match = (left: Expression, right: unknown, op = '=='): Expression => ({ match: { op, left, right } });
export const meta = (key: string): Expression => ({ meta: { key } });
export const payload = (protocol: string, field: string): Expression => ({ payload: { protocol, field } });
export const concat = (...parts: readonly unknown[]): Expression => ({ concat: parts });
export const goto = (target: string): Expression => ({ goto: { target } });
export const jump = (target: string): Expression => ({ jump: { target } });
export const inRange = (cidr: string): Expression => {
  const [addr, len] = cidr.split('/');
  return { prefix: { addr, len: Number(len) } };
};
