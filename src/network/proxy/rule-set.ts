// The proxy's rules as data: what nft's JSON says, keyed by name, so that two states can be compared.

/** A statement or match in nft's JSON; see libnftables-json(5). */
export type Expression = Readonly<Record<string, unknown>>;
export type Rule = readonly Expression[];

/** A set or map element: its key, and for maps where a packet goes. */
export interface Element {
  readonly key: readonly (string | number)[];
  readonly target?: string;
}

/** The maps and sets that services share. */
export type SharedName =
  | 'services'
  | 'node-ports'
  | 'host-ports'
  | 'host-ports-by-address'
  | 'refused'
  | 'refused-node-ports'
  | 'hairpin';

/** What one service, or one pod's host ports, adds to the table. */
export interface Plan {
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
  /** Sets of its own that packets fill in: who was sent where; name → seconds an entry is kept. */
  readonly affinitySets: ReadonlyMap<string, number>;
  readonly elements: readonly { readonly in: SharedName; readonly element: Element }[];
  /** UDP flows the kernel remembers: for each address and port, which endpoints it may lead to. */
  readonly udp: readonly UdpFlow[];
}

export interface UdpFlow {
  /** Absent for node ports, which are on every address. */
  readonly address?: string;
  readonly port: number;
  readonly endpoints: readonly string[];
}

export const emptyPlan: Plan = { chains: new Map(), affinitySets: new Map(), elements: [], udp: [] };

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
