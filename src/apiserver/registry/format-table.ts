// Server-side printing: objects as rows, as `kubectl get` shows them.

import type { Column } from '../../api/kind.ts';
import { ageColumn, defaultColumns } from '../../api/meta/columns.ts';
import { ageOf } from '../../api/meta/human-duration.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { ChunkWriter, joined } from './chunk-writer.ts';
import type { Entry } from './entry.ts';
import { bookmarkMeta, type FormatOptions, type ListHead, listMetaJson, type ObjectFormat } from './format.ts';
import { jsonError, jsonFrame, jsonOf } from './format-json.ts';
import { partialStart, writePartial } from './format-partial.ts';

/** Upstream marks the name so; clients find it by that. */
const formatOfColumn = (column: Column<any>) => column.format ?? (column.name === 'Name' ? 'name' : '');

function definitions(columns: readonly Column<any>[]): string {
  return JSON.stringify(
    columns.map((column) => ({
      name: column.name,
      type: column.type,
      format: formatOfColumn(column),
      description: column.description,
      priority: column.priority ?? 0,
    })),
  );
}

/** A row's text around its age. */
interface Row {
  readonly start: string;
  readonly end: string;
  /** Absent: no column shows it. */
  readonly created: string | null | undefined;
  /** Another column depends on the time, too: the row is made again each time. */
  readonly isTimed: boolean;
}

/** Many objects are of one age. */
class Ages {
  readonly #nowMs: number;
  #created: string | null = null;
  #text = '';

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  of(created: string | null): string {
    if (this.#text === '' || created !== this.#created) {
      this.#created = created;
      this.#text = ageOf(created, this.#nowMs);
    }
    return this.#text;
  }
}

/** Inside strings quotes are escaped, so that this cannot be part of a cell. */
const noColumns = Buffer.from('"columnDefinitions":null');

export function tableFormat(
  resource: ResourceInfo,
  metaVersion: string,
  { includeObject, nowMs }: FormatOptions,
): ObjectFormat {
  const apiVersion = `meta.k8s.io/${metaVersion}`;
  const columns: readonly Column<any>[] = resource.rules.columns ?? defaultColumns;
  const head = definitions(columns);
  const ages = new Ages(nowMs);
  const ageAt = columns.findIndex(({ cell }) => cell === ageColumn.cell);
  const rowsKey = `rows ${resource.version}`;

  // A path of a definition may lead into managedFields; the columns of built-in kinds do not show them.
  const shownOf = (entry: Entry) => (resource.custom ? entry.peek() : entry.peekUnmanaged());
  const partial = partialStart(apiVersion);
  /** All of a row that the time does not change; undefined where more than the age depends on it. */
  const makeRow = (entry: Entry): Row => {
    const object = shownOf(entry);
    let isTimed = false;
    const context = {
      get nowMs() {
        isTimed = true;
        return nowMs;
      },
    };
    const cells = columns.map((column, index) => (index === ageAt ? '' : column.cell(object, context)));
    const conditions = resource.rules.rowConditions?.(object) ?? [];
    const marked = conditions.length > 0 ? `,"conditions":${JSON.stringify(conditions)}` : '';
    const texts = cells.map((cell) => JSON.stringify(cell));
    const end = `]${marked},"object":`;
    if (ageAt < 0) return { start: `{"cells":[${texts.join(',')}${end}`, end: '', created: undefined, isTimed };
    return {
      start: `{"cells":[${texts.slice(0, ageAt).join(',')}${ageAt > 0 ? ',' : ''}"`,
      end: `"${ageAt + 1 < texts.length ? ',' : ''}${texts.slice(ageAt + 1).join(',')}${end}`,
      created: object.metadata.creationTimestamp ?? null,
      isTimed,
    };
  };
  const rowOf = (entry: Entry): Row => {
    // Columns of definitions may change while their objects stay.
    if (resource.custom) return makeRow(entry);
    let made: Row | undefined;
    const known = entry.memo<Row | 'timed'>(rowsKey, () => {
      made = makeRow(entry);
      return made.isTimed ? 'timed' : made;
    });
    return known === 'timed' ? (made ?? makeRow(entry)) : known;
  };
  const writeRow = (to: ChunkWriter, entry: Entry): void => {
    const { start, end, created } = rowOf(entry);
    to.text(start);
    if (created !== undefined) to.text(ages.of(created));
    to.text(end);
    if (includeObject === 'None') to.text('null');
    else if (includeObject === 'Object') to.bytes(jsonOf(resource, entry));
    else writePartial(to, partial, entry, resource);
    to.text('}');
  };
  const start = (meta: string, withColumns: boolean) =>
    `{"kind":"Table","apiVersion":"${apiVersion}","metadata":${meta},"columnDefinitions":${withColumns ? head : 'null'},"rows":[`;
  const table = (entry: Entry, withColumns: boolean) => {
    const to = new ChunkWriter(8 * 1024);
    to.text(start(entry.revision ? `{"resourceVersion":"${entry.revision}"}` : '{}', withColumns));
    writeRow(to, entry);
    to.text(']}');
    return to.take();
  };
  const single = (entry: Entry) => table(entry, true);
  const rowTable = (entry: Entry) => table(entry, false);
  const allColumns = Buffer.from(`"columnDefinitions":${head}`);

  return {
    key: `table ${apiVersion} ${resource.custom ? resource.typeName : resource.version} ${includeObject}`,
    contentType: 'application/json',
    watchContentType: 'application/json',
    single,
    frame: (type, entry) => jsonFrame(type, rowTable(entry)),
    open(first) {
      const at = first.indexOf(noColumns);
      if (at < 0) return first;
      return Buffer.concat([first.subarray(0, at), allColumns, first.subarray(at + noColumns.length)]);
    },
    bookmark: (revision, isInitialEnd) => {
      const partial = { kind: 'PartialObjectMetadata', apiVersion, metadata: bookmarkMeta(revision, isInitialEnd) };
      const table = `${start(`{"resourceVersion":"${revision}"}`, false)}{"cells":null,"object":${JSON.stringify(partial)}}]}`;
      return Buffer.from(`{"type":"BOOKMARK","object":${table}}\n`);
    },
    error: jsonError,
    list: (entries, meta) => ({ chunks: chunks(entries, meta) }),
  };

  function* chunks(entries: readonly Entry[], meta: ListHead): Generator<Buffer> {
    yield Buffer.from(start(listMetaJson(meta), true));
    const order = resource.rules.rowOrder;
    const rows = order ? [...entries].sort((left, right) => order(shownOf(left), shownOf(right))) : entries;
    yield* joined(rows, writeRow);
    yield Buffer.from(']}');
  }
}
