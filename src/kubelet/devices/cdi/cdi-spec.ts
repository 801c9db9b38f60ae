// A file of the Container Device Interface: what a container needs to use a device, by the device's name.

export interface CdiEdits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly CdiDeviceNode[];
  readonly mounts?: readonly CdiMount[];
  readonly hooks?: readonly unknown[];
  readonly netDevices?: readonly unknown[];
  readonly intelRdt?: unknown;
  readonly additionalGids?: readonly number[];
}

export interface CdiDeviceNode {
  readonly path: string;
  readonly hostPath?: string;
  /** `b`, `c`, `u` or `p`. */
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  /** Any of `rwm`. */
  readonly permissions?: string;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type?: string;
  readonly options?: readonly string[];
}

export interface CdiSpec {
  /** `VENDOR/CLASS`. */
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly containerEdits: CdiEdits }[];
  readonly containerEdits?: CdiEdits;
}

/** @throws for what is not such a file */
export function checkSpec(value: unknown): CdiSpec {
  const spec = value as CdiSpec;
  if (typeof spec !== 'object' || spec === null) throw new Error('not an object');
  if (typeof spec.kind !== 'string' || !/^[^/\s]+\/[^/\s]+$/.test(spec.kind))
    throw new Error(`invalid kind ${JSON.stringify(spec.kind)}`);
  if (!Array.isArray(spec.devices)) throw new Error('no devices');
  for (const device of spec.devices) {
    if (typeof device?.name !== 'string' || device.name === '') throw new Error('a device without a name');
    checkEdits(device.containerEdits ?? {}, device.name);
  }
  checkEdits(spec.containerEdits ?? {}, spec.kind);
  return spec;
}

const isNumber = (value: unknown): boolean => value === undefined || Number.isSafeInteger(value);

function checkEdits(edits: CdiEdits, where: string): void {
  const wrong = (what: string): never => {
    throw new Error(`invalid ${what} of ${where}`);
  };
  const list = <T>(value: readonly T[] | undefined, what: string): readonly T[] =>
    value === undefined || Array.isArray(value) ? (value ?? []) : wrong(what);
  for (const each of list(edits.env, 'env')) if (typeof each !== 'string' || !each.includes('=')) wrong('env');
  for (const each of list(edits.deviceNodes, 'deviceNodes'))
    if (typeof each?.path !== 'string' || !each.path.startsWith('/') || !isNumber(each.major) || !isNumber(each.minor))
      wrong('deviceNodes');
  for (const each of list(edits.mounts, 'mounts'))
    if (typeof each?.hostPath !== 'string' || typeof each.containerPath !== 'string') wrong('mounts');
  for (const each of list(edits.additionalGids, 'additionalGids')) if (!Number.isInteger(each)) wrong('additionalGids');
  list(edits.hooks, 'hooks');
}
