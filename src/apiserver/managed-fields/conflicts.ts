import { StatusError } from '../../api/meta/status-error.ts';
import { type FieldSet, pathsOf } from '../../schema/field-set.ts';
import type { Manager } from './manager.ts';

export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

/** As upstream prints a manager in its conflicts. */
function describe({ name, operation, apiVersion, subresource }: Manager): string {
  const who = `${JSON.stringify(name)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}`;
  return operation === 'Update' ? `${who} using ${apiVersion}` : who;
}

/** An apply would change what others manage. */
export class ApplyConflict extends StatusError {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    const sorted = [...conflicts].sort((a, b) => (describe(a.manager) < describe(b.manager) ? -1 : 1));
    const named = sorted.map(({ manager, fields }) => ({ who: describe(manager), paths: pathsOf(fields) }));
    const causes = named.flatMap(({ who, paths }) =>
      paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
    );
    const message =
      causes.length === 1
        ? `Apply failed with 1 conflict: ${causes[0]!.message}: ${causes[0]!.field}`
        : `Apply failed with ${causes.length} conflicts: ${named
            .map(({ who, paths }) => [`conflicts with ${who}:`, ...paths.map((path) => `- ${path}`)].join('\n'))
            .join('\n')}`;
    super({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason: 'Conflict',
      details: { causes },
      code: 409,
    });
    this.conflicts = conflicts;
  }
}
