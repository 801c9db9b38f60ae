// A device as selectors see it: `device.driver`, `device.attributes[DOMAIN].ID`, `device.capacity[DOMAIN].ID`.
import type { Device, DeviceAttribute } from '../../../generated/resource-v1.ts';
import { CelQuantity } from '../../schema/cel/library/quantities.ts';
import { parseVersion } from '../../schema/cel/library/semver.ts';
import { CelMap, type CelValue, EntryMap } from '../../schema/cel/value-types.ts';
import { parseQuantity } from '../../schema/quantity.ts';

const noEntries = EntryMap.of([]);

/** Any domain can be asked for: one that a device knows nothing of is empty. */
class Domains extends CelMap {
  readonly #domains: EntryMap;
  constructor(domains: EntryMap) {
    super();
    this.#domains = domains;
  }
  get size(): number {
    return this.#domains.size;
  }
  find(key: CelValue): CelValue {
    return this.#domains.find(key) ?? noEntries;
  }
  keys(): Iterable<CelValue> {
    return this.#domains.keys();
  }
  override has(key: CelValue): boolean {
    return this.#domains.find(key) !== undefined;
  }
}

function attributeValue({ int, bool, string, version }: DeviceAttribute): CelValue {
  if (int !== undefined) return BigInt(int);
  if (bool !== undefined) return bool;
  if (string !== undefined) return string;
  if (version === undefined) throw new Error('unsupported attribute value');
  try {
    return parseVersion(version);
  } catch (error) {
    throw new Error(`parse semantic version: ${(error as Error).message}`);
  }
}

function byDomain<T>(
  entries: Readonly<Record<string, T>>,
  driver: string,
  toValue: (entry: T, name: string) => CelValue,
) {
  const domains = new Map<string, [string, CelValue][]>();
  for (const [name, entry] of Object.entries(entries)) {
    const slash = name.indexOf('/');
    const domain = slash < 0 ? driver : name.slice(0, slash);
    const known = domains.get(domain) ?? [];
    domains.set(domain, known);
    known.push([name.slice(slash + 1), toValue(entry, name)]);
  }
  return new Domains(EntryMap.of([...domains].map(([domain, values]) => [domain, EntryMap.of(values)])));
}

/** @throws with the attribute that cannot be read. */
export function deviceValue(driver: string, device: Device): CelMap {
  const attributes = byDomain(device.attributes ?? {}, driver, (attribute, name) => {
    try {
      return attributeValue(attribute);
    } catch (error) {
      throw new Error(`attribute ${name}: ${(error as Error).message}`);
    }
  });
  const capacity = byDomain(
    device.capacity ?? {},
    driver,
    ({ value }) => new CelQuantity(parseQuantity(String(value))),
  );
  return EntryMap.of([
    ['driver', driver],
    ['allowMultipleAllocations', device.allowMultipleAllocations ?? false],
    ['attributes', attributes],
    ['capacity', capacity],
  ]);
}
