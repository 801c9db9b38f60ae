// Makes what differs from run to run (names, times, versions, addresses) the same on both sides of a comparison.

export interface CaseNames {
  readonly namespace: string;
  readonly id: string;
  /** The case as written: values that stand in it are no accident of this run and stay. */
  readonly written: string;
  readonly keepsManagedFields: boolean;
}

type Tree = { [key: string]: unknown };

interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
}

const longRun = 5000;
const uuid = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/g;
const time = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(?:Z| [+-]\d{4} [A-Z]+(?: m=[+-][\d.]+)?)/g;
const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]*)$/;
const ageCell = /^(?:<time>|<invalid>|(?:\d+[ydhms])+)$/;
const ageColumns = new Set(['Age', 'Created At', 'Duration', 'First Seen', 'Last Schedule', 'Last Seen', 'Requested']);
/** The layout that Go's parser quotes when a time is wrong. */
const goTimeLayout = '2006-01-02T15:04:05';
/** Groups that other cases define at the same time. */
export const foreignGroup = /example\.(?:com|org)/;
const foreignGroupName = /\.example\.(?:com|org)$/;

/** Applied in order, to every string. */
const replacements: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g, '<jwt>'],
  [/X509SHA256=[0-9a-f]{64}/g, 'X509SHA256=<hash>'],
  [/kube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<rand>'],
  [/(Too large resource version: \d+, current: |too old resource version: \d+ )\(?\d+\)?/g, '$1<rv>'],
  [/ in scheme "[^"]+"/g, ' in scheme "<scheme>"'],
  [/(resourceVersion"?:\s*"?)\d+/g, '$1<rv>'],
];

export function normaliseText(value: string, names: CaseNames): string {
  const isWritten = (found: string) => names.written.includes(found);
  let text = value.replaceAll(names.namespace, '{ns}');
  if (text.length > longRun) {
    const runs = new RegExp(`(.)\\1{${longRun - 1},}`, 'g');
    text = text.replace(runs, (run, letter) => `<${letter} repeated ${run.length} times>`);
  }
  text = text.replaceAll(names.id, '{id}');
  text = text.replace(uuid, (found) => (isWritten(found) ? found : '<uid>'));
  text = text.replace(time, (found, fraction) => {
    if (found.startsWith(goTimeLayout) || isWritten(found)) return found;
    return fraction ? '<microtime>' : '<time>';
  });
  // A refused patch quotes the whole stored object, which its managedFields give away.
  if (text.includes('managedFields')) text = text.replace(/Invalid value: "\{.*\}": /s, 'Invalid value: "<object>": ');
  for (const [pattern, replacement] of replacements) text = text.replace(pattern, replacement);
  return text;
}

/** A whole answer, parsed. */
export function normaliseBody(body: unknown, names: CaseNames): unknown {
  if (typeof body === 'string') return normaliseText(body, names);
  return new Normaliser(names).value(body, '');
}

class Normaliser {
  readonly #names: CaseNames;
  /** Later tables of a watch go without their columns: they are those of the first. */
  #columns: readonly Column[] = [];

  constructor(names: CaseNames) {
    this.#names = names;
  }

  value(value: unknown, key: string): unknown {
    if (typeof value === 'string') return this.#string(value, key);
    if (typeof value === 'number') return this.#number(value, key);
    if (Array.isArray(value)) return value.map((item) => this.value(item, key));
    if (value === null || typeof value !== 'object') return value;
    return this.#object(value as Tree);
  }

  #string(value: string, key: string): string {
    if (key === 'resourceVersion' && /^\d+$/.test(value)) return '<rv>';
    if (key === 'continue' && value !== '') return '<continue>';
    if ((key === 'clusterIP' || key === 'clusterIPs') && this.#isAllocated(value)) return '<ip>';
    return normaliseText(value, this.#names);
  }

  #number(value: number, key: string): number | string {
    const isPort = key === 'nodePort' || key === 'healthCheckNodePort';
    return isPort && !this.#names.written.includes(String(value)) ? '<nodePort>' : value;
  }

  #isAllocated(value: string): boolean {
    return address.test(value) && !this.#names.written.includes(value);
  }

  #object(value: Tree): Tree {
    const result: Tree = {};
    for (const [name, item] of Object.entries(value)) {
      if (name === 'managedFields') {
        if (this.#names.keepsManagedFields) result[name] = sortManagers(this.value(item, name));
      } else {
        result[normaliseText(name, this.#names)] = this.value(item, name);
      }
    }
    maskGeneratedName(result);
    if (result['kind'] === 'Table' && Array.isArray(result['rows'])) this.#table(result);
    if (result['kind'] === 'APIGroupList' || result['kind'] === 'APIGroupDiscoveryList') dropForeignGroups(result);
    return result;
  }

  #table(table: Tree): void {
    const columns = table['columnDefinitions'] as Column[] | undefined;
    if (columns) this.#columns = columns;
    for (const { cells } of table['rows'] as { cells?: unknown[] }[]) {
      if (!cells) continue;
      for (const [index, column] of this.#columns.entries()) {
        const cell = cells[index];
        if (cell !== undefined && cell !== null) cells[index] = this.#cell(cell, column);
      }
    }
  }

  #cell(cell: unknown, { name, type, format }: Column): unknown {
    const text = String(cell);
    if (ageColumns.has(name) || format === 'date' || type === 'date') return ageCell.test(text) ? '<age>' : cell;
    if (name === 'Cluster-IP') return this.#isAllocated(text) ? '<ip>' : cell;
    if (name !== 'Port(s)') return cell;
    return text.replace(/:(\d+)\//g, (found, port) => (this.#names.written.includes(port) ? found : ':<nodePort>/'));
  }
}

/** The server sorts them by time, and a second is too coarse to tell two writes apart. */
function sortManagers(entries: unknown): unknown {
  if (!Array.isArray(entries)) return entries;
  const order = ({ manager, operation, subresource, apiVersion }: Tree) =>
    [manager, operation, subresource ?? '', apiVersion].join('\0');
  return entries.sort((a, b) => compare(order(a), order(b)));
}

function maskGeneratedName(metadata: Tree): void {
  const { name, generateName: base } = metadata;
  if (typeof base !== 'string' || base === '' || typeof name !== 'string') return;
  if (name.startsWith(base) && name.length === base.length + 5) metadata['name'] = `${base}<rand>`;
}

function dropForeignGroups(list: Tree): void {
  const groups = list['groups'] as { name: string }[] | undefined;
  if (groups) list['groups'] = groups.filter(({ name }) => !foreignGroupName.test(name));
  const items = list['items'] as { metadata: { name: string } }[] | undefined;
  if (items) list['items'] = items.filter(({ metadata }) => !foreignGroupName.test(metadata.name));
}

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
